"""The hooks of pytest-xdist: specifications, with the names and arguments that plugins implement them with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

_RSYNC = DeprecationWarning("nothing is copied to other machines: this hook is never called")


@pytest.hookspec
def pytest_xdist_setupnodes(config: pytest.Config, specs: Sequence[Any]) -> None:
    """Called on the controller before any worker is set up, with a spec for each that is expected."""


@pytest.hookspec
def pytest_xdist_newgateway(gateway: Any) -> None:
    """Called on the controller for each worker, before `pytest_configure_node`."""


@pytest.hookspec(warn_on_impl=_RSYNC)
def pytest_xdist_rsyncstart(source: str | os.PathLike[str], gateways: Sequence[Any]) -> None:
    """Never called."""


@pytest.hookspec(warn_on_impl=_RSYNC)
def pytest_xdist_rsyncfinish(source: str | os.PathLike[str], gateways: Sequence[Any]) -> None:
    """Never called."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_getremotemodule() -> Any:
    """Called on the controller before any worker is set up; a result is an error, as workers run our own code."""


@pytest.hookspec
def pytest_configure_node(node: Any) -> None:
    """Called on the controller for each worker, to add to `node.workerinput` (builtin values)."""


@pytest.hookspec
def pytest_testnodeready(node: Any) -> None:
    """Called on the controller when a worker can run tests."""


@pytest.hookspec
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """Called on the controller when a worker has ended: with its `workeroutput` and no error, or crashed."""


@pytest.hookspec
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Called on the controller for each worker that is ready, with the node ids of all tests of the run."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Called on the controller after the collection. Of the scheduler returned, `_split_scope` is used."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Called on the controller if an automatic number of workers is asked for; a result is that number."""


@pytest.hookspec(firstresult=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> object:
    """Called on the controller for a test that a worker died in, to change its report; `sched.mark_test_pending`
    lets it run again.
    """


def add_hookspecs(pluginmanager: pytest.PytestPluginManager) -> None:
    """Defines the hooks that pytest-xdist, or a version of it that is older, has not defined."""
    missing = {}
    for name, specification in list(globals().items()):
        if name.startswith("pytest_"):
            caller = getattr(pluginmanager.hook, name, None)
            if caller is None or not caller.has_spec():
                missing[name] = specification
    if missing:
        pluginmanager.add_hookspecs(type("Specifications", (), missing))

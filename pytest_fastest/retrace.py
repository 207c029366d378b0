"""`--replay`: what a worker had run before a test failed in it, in that order, and then the test, in this process."""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_fastest import alone
from pytest_fastest.options import LAST, replayed
from pytest_fastest.report import chronicle, earlier

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_fastest import _core

# So many tests are named in an error.
_FEW = 5


class Failure(NamedTuple):
    """A test that failed in a worker, and what that had run before, in order."""

    test: str
    worker: str
    before: list[str]
    has_crashed: bool


def register(config: pytest.Config) -> None:
    """Lets the run be a replay. Raises `pytest.UsageError` if nothing is kept that it could follow."""
    if hasattr(config, "workerinput") or config.pluginmanager.has_plugin("fastest-controller"):
        raise pytest.UsageError("--replay is for the command line: by addopts it comes too late to run without workers")
    run, failure = _find(config, replayed(config))
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        # As much is imported as was then.
        config.args = run.paths
        config.option.pyargs = run.pyargs
    # It has to come as far as the test, whatever failed before it then; options for every run may stand in `addopts`.
    config.option.maxfail = 0
    if (stepwise := config.pluginmanager.get_plugin("stepwiseplugin")) is not None:
        config.pluginmanager.unregister(stepwise)
    config.option.stepwise = False
    config.pluginmanager.register(Retrace(config, run, failure), "fastest-retrace")


class Retrace:
    """Of one run: takes the place of its selection and order."""

    def __init__(self, config: pytest.Config, run: _core.Record, failure: Failure) -> None:
        self._config = config
        self._run = run
        self._failure = failure
        # Whether it has failed, once that is known.
        self._failed: bool | None = None

    def pytest_report_header(self) -> str:
        before = len(self._failure.before)
        others = f"the {before} test{'s' if before != 1 else ''} that {self._failure.worker} had run, then "
        crash = ", which has crashed its worker, and may end this process" if self._failure.has_crashed else ""
        return f"fastest: replay: {others if before else ''}{self._failure.test}{crash}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        yield
        by_nodeid: dict[str, list[pytest.Item]] = defaultdict(list)
        # The last one first: they are taken from the end.
        for item in reversed(items):
            by_nodeid[item.nodeid].append(item)
        wanted = [*self._failure.before, self._failure.test]
        chosen = [by_nodeid[nodeid].pop() for nodeid in wanted if by_nodeid[nodeid]]
        if len(chosen) < len(wanted):
            self._refuse({item.nodeid for item in items}, wanted)
        self._config.hook.pytest_deselected(items=[item for rest in by_nodeid.values() for item in rest])
        items[:] = chosen

    def _refuse(self, collected: set[str], wanted: list[str]) -> None:
        missing = [nodeid for nodeid in wanted if nodeid not in collected] or ["one that is collected less often now"]
        raise pytest.UsageError(
            f"--replay: {len(missing)} of the {len(wanted)} tests are not collected: {_some(missing)}; "
            f"that run was started by: {shlex.join(['pytest', *self._run.arguments])}"
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if str(report.nodeid) == self._failure.test:
            self._failed = self._failed or report.failed

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._failed is None:
            return
        text = (
            "it failed again"
            if self._failed
            else "it did not fail: what ran beside it in other workers, or the time, may be to blame"
        )
        terminalreporter.write_sep("=", f"fastest: replay of {self._failure.test}")
        terminalreporter.write_line(text)


def _find(config: pytest.Config, wanted: str | None) -> tuple[_core.Record, Failure]:
    """The last failure of this test, and its run. Raises `pytest.UsageError` if there is none."""
    folder = chronicle.folder_of(config)
    if folder is None:
        raise pytest.UsageError("--replay reads pytest's cache, which this run has not (-p no:cacheprovider)")
    known: dict[str, None] = {}
    for _, run in earlier.kept(config):
        for _, test, worker, before, has_crashed in reversed(run.trails()):
            if wanted in (LAST, test, alone.from_here(config, test), str(config.rootpath / test)):
                return run, Failure(test, worker, run.order(worker)[:before], has_crashed)
            known[test] = None
    if not known:
        raise pytest.UsageError(f"--replay: no failure of a run with workers is kept in {os.fspath(folder)}")
    raise pytest.UsageError(f"--replay: no failure of {wanted} in a run with workers is kept, but of {_some([*known])}")


def _some(nodeids: list[str]) -> str:
    more = f" and {len(nodeids) - _FEW} more" if len(nodeids) > _FEW else ""
    return ", ".join(nodeids[:_FEW]) + more

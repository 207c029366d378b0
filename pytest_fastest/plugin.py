"""The pytest plugin: options, markers, fixtures, and the point where a run gets its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pytest_fastest

# Again, for a process in which the package was imported before pytest had its list.
pytest_fastest.import_as_usual()

from pytest_fastest import options  # noqa: E402
from pytest_fastest.xdist import takeover  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Generator

MARKERS = (
    "serial: runs when nothing else runs (fastest).",
    "parallel_safe: may run in any worker, apart from the rest of its module (fastest).",
    "hang_timeout(seconds): a test that takes longer is killed with its worker, and fails; 0: never (fastest).",
    "xdist_group(name): tests of one group run in the same worker, in order (fastest, pytest-xdist).",
)
DECLINED = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    takeover.take_over(pluginmanager)
    options.add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    spawned = early_config.pluginmanager.get_plugin("fastest-spawned")
    if spawned is not None:
        spawned.enter(early_config)
    else:
        _begin(early_config)
    result = yield
    process = early_config.pluginmanager.get_plugin("fastest-process")
    if process is not None:
        process.before_arguments(early_config, args)
    options.add_options_that_give_way(parser)
    return result


def _begin(config: pytest.Config) -> None:
    """Starts what is wanted. Returns twice if that is workers: here, and in the forked process that collects."""
    known = config.known_args_namespace
    wants_report = known.fastest_report is not None or known.trace_file is not None
    if wants_report:
        from pytest_fastest.report import wanted

        wanted.check(config)
    if options.are_used(config):
        from pytest_fastest import request

        asked = request.resolve(config)
        if isinstance(asked, request.Declined):
            config.stash[DECLINED] = asked.reason
        elif asked is not None:
            from pytest_fastest.controller import launch

            launch.launch(config, asked)
            return
    if wants_report and known.from_run is None and not known.list_runs:
        from pytest_fastest.report.without_workers import WithoutWorkers

        config.pluginmanager.register(WithoutWorkers(config), "fastest-without-workers")


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if config.option.show_timings is not None:
        from pytest_fastest.controller import slowest

        return slowest.show(config)
    if config.option.from_run is not None or config.option.list_runs:
        from pytest_fastest.report import earlier

        return earlier.show(config)
    return None


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if config.option.fail_fast and not config.option.maxfail:
        config.option.maxfail = 1
    if config.option.show_failures_now:
        from pytest_fastest import failures_now

        failures_now.register(config)
    if options.replayed(config) is not None:
        from pytest_fastest import retrace

        retrace.register(config)
    if options.name_a_ci_system(config):
        from pytest_fastest import ci

        ci.register(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    reason = config.stash.get(DECLINED, None)
    return None if reason is None else f"fastest: {reason}"


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The worker that runs this test (`gw0`, `gw1`, …), or `master` if there are no workers."""
    workerinput = getattr(request.config, "workerinput", None)
    return "master" if workerinput is None else str(workerinput["workerid"])


@pytest.fixture(scope="session")
def testrun_uid(request: pytest.FixtureRequest) -> str:
    """A text that is the same in all workers of a run and in no other run."""
    workerinput = getattr(request.config, "workerinput", None)
    if workerinput is not None:
        return str(workerinput["testrunuid"])
    import uuid

    return uuid.uuid4().hex

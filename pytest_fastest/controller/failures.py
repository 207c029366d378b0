"""What a run with workers leaves for looking into its failures: trails, and the commands that run a test alone."""

from __future__ import annotations

import heapq
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest.controller.warn import warn

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from pytest_fastest import trails
    from pytest_fastest.controller.replay import Replay

# So many failed tests have their command shown.
_SHOWN = 5


class Failures:
    """Of one run. Nothing is looked at before its end."""

    def __init__(self, config: pytest.Config, replay: Replay) -> None:
        self._config = config
        self._replay = replay
        # By number of a test, the worker that it failed in.
        self._failed: dict[int, str] = {}
        # Those that other tests had run before, and that is kept.
        self._replayable: list[str] = []

    def pytest_sessionfinish(self) -> None:
        reports = self._reports()
        if not reports:
            return
        from pytest_fastest import trails

        failures = {}
        places: dict[str, dict[int, int]] = {}
        for report in reports:
            worker, item = report.worker_id, report.item_index
            order = self._replay.order[worker]
            if worker not in places:
                # If every worker runs everything, each has numbers of its own.
                places[worker] = {item % len(self._replay.nodeids): place for place, item in enumerate(order)}
            # Who has crashed its worker was not finished.
            before = places[worker].get(item, len(order))
            nodeid = self._replay.nodeid(item)
            failures[worker, item] = trails.Failure(nodeid, worker, before)
            self._failed.setdefault(item, worker)
        self._keep([*failures.values()])

    def _keep(self, failures: list[trails.Failure]) -> None:
        from pytest_fastest import trails

        failures, tests = trails.bounded(failures)
        order = {
            worker: [self._replay.nodeid(item) for item in self._replay.order[worker][:count]]
            for worker, count in tests.items()
        }
        arguments = [str(argument) for argument in self._config.invocation_params.args]
        try:
            directory = trails.directory_of(self._config)
            if directory is None:
                return
            pyargs = bool(self._config.option.pyargs)
            trails.write(directory, trails.Run(arguments, self._paths(), pyargs, order, failures))
        except OSError as error:
            warn(self._config, f"fastest: what ran before failed tests can't be kept for --replay: {error}")
            return
        self._replayable = [failure.test for failure in failures if failure.before]

    def _reports(self) -> list[Any]:
        """Of what has failed in workers, in the order in which it was reported."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        stats: dict[str, list[Any]] = {} if reporter is None else reporter.stats
        found = heapq.merge(*(_timed(stats.get(category, ())) for category in ("failed", "error")), key=itemgetter(0))
        return [report for _, report in found if hasattr(report, "worker_id") and hasattr(report, "item_index")]

    def _paths(self) -> list[str]:
        here = self._config.invocation_params.dir
        paths = []
        for argument in self._config.args:
            path, separator, names = str(argument).partition("::")
            absolute = here / path
            paths.append(f"{absolute}{separator}{names}" if absolute.exists() else argument)
        return paths

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        yield
        option = self._config.option
        wants_it = option.verbose >= 0 and not option.no_summary
        # To a file or another program goes what plain pytest prints.
        if self._failed and wants_it and self._is_read_by_people(terminalreporter):
            self._write(terminalreporter)

    def _is_read_by_people(self, reporter: Any) -> bool:
        return bool(reporter._tw._file.isatty()) or self._config.pluginmanager.has_plugin("fastest-ci")

    def _write(self, reporter: Any) -> None:
        from pytest_fastest import alone

        reporter.write_sep("=", "fastest: run a failed test alone")
        for item, worker in [*self._failed.items()][:_SHOWN]:
            reporter.write_line(f"{worker}  {alone.runs_alone(self._config, *self._replay.item(item))}")
        if len(self._failed) > _SHOWN:
            reporter.write_line(f"… and {len(self._failed) - _SHOWN} more")
        if self._replayable:
            nodeid = alone.from_here(self._config, self._replayable[0])
            reporter.write_line("If it passes alone, run what its worker had run before it, too:")
            reporter.write_line(f"     {alone.command(self._config, f'--replay={nodeid}')}")


def _timed(reports: Iterable[Any]) -> Iterator[tuple[float, Any]]:
    """With the time at which each was made, in seconds; one about a crash has none, and counts as the one before."""
    latest = 0.0
    for report in reports:
        latest = max(latest, getattr(report, "stop", 0.0))
        yield latest, report

"""At the end of a run with workers: the commands that run a failed test alone, or after what ran before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_fastest import _core
    from pytest_fastest.controller.replay import Replay

# So many failed tests have their command shown.
_SHOWN = 5


class Failures:
    """Of one run. Nothing is looked at before its end."""

    def __init__(self, config: pytest.Config, replay: Replay) -> None:
        self._config = config
        self._replay = replay
        # Item and worker of those that are shown, and how many there are of them and others.
        self._shown: dict[int, str] = {}
        self._count = 0
        # The first that others had run before, if it can be replayed.
        self._replayable: str | None = None

    def note(self, record: _core.Record, *, is_kept: bool) -> None:
        """The run is over; `is_kept`: this record of it can be found by a later run."""
        trails = record.trails()
        for item, nodeid, worker, before, _ in trails:
            if len(self._shown) < _SHOWN:
                self._shown.setdefault(item, worker)
            if is_kept and before and self._replayable is None:
                self._replayable = nodeid
        if trails:
            self._count = len(self._failed())

    def _failed(self) -> set[int]:
        """The items that have failed in workers: of some that are many, no trail is kept."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        reports = [report for category in ("failed", "error") for report in reporter.stats.get(category, ())]
        return {report.item_index for report in reports if hasattr(report, "item_index")}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        yield
        option = self._config.option
        wants_it = option.verbose >= 0 and not option.no_summary
        # To a file or another program goes what plain pytest prints.
        if self._shown and wants_it and self._is_read_by_people(terminalreporter):
            self._write(terminalreporter)

    def _is_read_by_people(self, reporter: Any) -> bool:
        return bool(reporter._tw._file.isatty()) or self._config.pluginmanager.has_plugin("fastest-ci")

    def _write(self, reporter: Any) -> None:
        from pytest_fastest import alone

        reporter.write_sep("=", "fastest: run a failed test alone")
        for item, worker in self._shown.items():
            reporter.write_line(f"{worker}  {alone.runs_alone(self._config, *self._replay.item(item))}")
        if self._count > len(self._shown):
            reporter.write_line(f"… and {self._count - len(self._shown)} more")
        if self._replayable is not None:
            nodeid = alone.from_here(self._config, self._replayable)
            reporter.write_line("If it passes alone, run what its worker had run before it, too:")
            reporter.write_line(f"     {alone.command(self._config, f'--replay={nodeid}')}")

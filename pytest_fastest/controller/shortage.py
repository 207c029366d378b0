"""Where a run comes to the limits of its system: what it can do without, and what not."""

from __future__ import annotations

import pytest


def no_process(what: str, error: object | None) -> pytest.UsageError:
    """The error that a thread or process can't be made that the run can't do without."""
    return pytest.UsageError(f"fastest: {what} can't be started: {_because(error, 'use -n no')}")


def no_room(error: object) -> pytest.UsageError:
    """The error that a run has no place for the files that its processes share."""
    return pytest.UsageError(f"fastest: {error}; let TMPDIR name a directory with room, or use -n no")


def _because(error: object | None, otherwise: str) -> str:
    """Why, and what to do. `None`: the run's directory is gone."""
    if error is None:
        return "the run's directory is gone; let no test remove it"
    return f"{error}; raise the limits of processes and memory (ulimit -u, ulimit -v), or {otherwise}"


class MissingWorkers:
    """The workers that can't be made, and why: the others run the tests."""

    def __init__(self) -> None:
        self._reasons: dict[int, str | None] = {}

    def add(self, worker: int, reason: str | None, workers: int) -> None:
        """Raises `pytest.UsageError` if it is the last of the first `workers`, and none of them was made."""
        self._reasons[worker] = reason
        if all(number in self._reasons for number in range(workers)):
            raise no_process("a worker", reason)

    def why_not_run(self, reason: str, otherwise: str) -> str:
        """Why a test was not run, for the coordinator's reason; `otherwise`: if it is not for want of these."""
        if self._reasons and reason == "no worker left":
            return "every worker that could have run it has crashed, or can't be started"
        return otherwise

    def warn(self, config: pytest.Config) -> None:
        """Says once which there were."""
        if self._reasons:
            from pytest_fastest.controller.warn import warn

            names = ", ".join(f"gw{worker}" for worker in sorted(self._reasons))
            reason = next(iter(self._reasons.values()))
            warn(config, f"fastest: {names} can't be started: {_because(reason, 'ask for fewer workers (-n)')}")

"""What can go wrong in a call, one class for each thing that a caller may want to handle.

Each keeps its fields as `args` and builds its text in `__str__`, so that it can be pickled.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fastest.model import CollectionFailure, TestResult

_SHOWN_IDS = 10
_SHOWN_OUTPUT = 4000  # characters: pytest's summary and the last traceback
_EXIT_TEXT = {2: "interrupted", 3: "internal error", 4: "usage error", 5: "no tests"}


class FastestError(Exception):
    """The base of the API's errors, but for `TypeError` and `ValueError` (bad arguments)."""


class InvalidWorkerCountError(FastestError, ValueError):
    """The number of workers is zero or negative."""

    def __init__(self, num_workers: int) -> None:
        super().__init__(num_workers)
        self.num_workers = num_workers

    def __str__(self) -> str:
        return f"num_workers is {self.num_workers}, expected at least 1, or None for automatic"


class MissingPathError(FastestError):
    """A file or directory does not exist."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"no such file or directory: {self.path}"


class UnknownTestError(FastestError):
    """There is no test with such a node id. Nothing was run."""

    def __init__(self, node_ids: tuple[str, ...]) -> None:
        super().__init__(node_ids)
        self.node_ids = node_ids

    def __str__(self) -> str:
        shown = [f"  {node_id}" for node_id in self.node_ids[:_SHOWN_IDS]]
        if len(self.node_ids) > _SHOWN_IDS:
            shown.append(f"  … and {len(self.node_ids) - _SHOWN_IDS} more")
        return "\n".join(["no test with this node id:", *shown])


class MixedOriginsError(FastestError):
    """The tests were discovered under different root directories or configuration files."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, second)
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return (
            "tests discovered under different configurations cannot share one run: "
            f"{self.first} and {self.second}; run them one after the other"
        )


class CollectionError(FastestError):
    """pytest could not collect from some files, so it found no complete list of tests."""

    def __init__(self, failures: tuple[CollectionFailure, ...]) -> None:
        super().__init__(failures)
        self.failures = failures

    def __str__(self) -> str:
        texts = [f"{failure.node_id}\n{failure.text}" for failure in self.failures]
        return "\n\n".join([f"{len(self.failures)} error(s) during collection", *texts])


class PytestError(FastestError):
    """pytest gave up: an internal error, or an interruption while it collected."""

    def __init__(self, exit_code: int, output: str, results: tuple[TestResult, ...] = ()) -> None:
        super().__init__(exit_code, output, results)
        self.exit_code = exit_code
        self.output = output
        self.results = results
        """The tests that had ended by then."""

    def __str__(self) -> str:
        what = _EXIT_TEXT.get(self.exit_code, "set by a plugin")
        return f"pytest ended with exit code {self.exit_code} ({what})" + _tail(self.output)


class PytestUsageError(PytestError):
    """pytest refused its arguments or its configuration (exit code 4)."""


class ChildDiedError(FastestError):
    """The process that ran pytest ended without a word."""

    def __init__(self, returncode: int, output: str, results: tuple[TestResult, ...] = ()) -> None:
        super().__init__(returncode, output, results)
        self.returncode = returncode
        """As in `subprocess`: a negative number is the signal that killed it."""
        self.output = output
        self.results = results
        """The tests that had ended by then."""

    def __str__(self) -> str:
        return f"pytest's process died ({_describe_status(self.returncode)})" + _tail(self.output)


class ChildTimeoutError(FastestError, TimeoutError):
    """The process that ran pytest took longer than `timeout` seconds, and was stopped."""

    def __init__(self, timeout: float, output: str, results: tuple[TestResult, ...] = ()) -> None:
        super().__init__(timeout, output, results)
        self.timeout = timeout
        self.output = output
        self.results = results
        """The tests that had ended by then."""

    def __str__(self) -> str:
        return f"pytest was stopped after {self.timeout:g} s" + _tail(self.output)


def _describe_status(returncode: int) -> str:
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"


def _tail(output: str) -> str:
    text = output.strip()
    if not text:
        return ""
    cut = "…" if len(text) > _SHOWN_OUTPUT else ""
    return f":\n{cut}{text[-_SHOWN_OUTPUT:]}"

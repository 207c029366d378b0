"""From how pytest's process ended to an error, if it is one for the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastest._requests import missing_path
from fastest.errors import (
    ChildDiedError,
    ChildTimeoutError,
    MissingPathError,
    PytestError,
    PytestUsageError,
)
from fastest.model import CollectionFailure, TestResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fastest._process import Ended

INTERRUPTED = 2
INTERNAL_ERROR = 3
USAGE_ERROR = 4
NO_TESTS = 5


def check_ended(
    ended: Ended,
    *,
    timeout: float | None,
    targets: Sequence[str],
    cwd: Path,
    results: tuple[TestResult, ...] = (),
) -> int:
    """pytest's exit code; raises if there is none, or one that says that pytest itself failed."""
    if ended.timed_out and timeout is not None:
        raise ChildTimeoutError(timeout, ended.output, results)
    code = ended.exit_code
    if code is None:
        raise ChildDiedError(ended.returncode, ended.output, results)
    if code in {USAGE_ERROR, NO_TESTS} and (path := missing_path(targets, cwd)) is not None:
        raise MissingPathError(path)
    if code == USAGE_ERROR:
        raise PytestUsageError(code, ended.output, results)
    if code == INTERNAL_ERROR:
        raise PytestError(code, ended.output, results)
    return code


def collection_failures(ended: Ended) -> tuple[CollectionFailure, ...]:
    """What could not be collected."""
    return tuple(
        CollectionFailure(event["node_id"], event["text"])
        for event in ended.events
        if event["kind"] == "collection_failure"
    )

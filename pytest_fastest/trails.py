"""Trails: which tests a worker had run, in order, before one that failed; kept beside pytest's cache for `--replay`.

There is a file for each of the last runs with failures, so that a run in which a test happens to pass does not lose
what is known, and runs at the same time don't write to the same one.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

_VERSION = 1
_RUNS = 3
# Of one run: so many failures, and so many tests of all workers together (at 80 bytes for each, 4 MB).
_FAILURES = 100
_TESTS = 50_000


class Failure(NamedTuple):
    """A test that failed in a worker when that had run so many others."""

    test: str
    worker: str
    before: int


@dataclass(frozen=True)
class Run:
    """What is kept of one run.

    * `arguments`: the command line, for people;
    * `paths`: what was collected, as pytest takes it from everywhere; `pyargs`: some may be names of packages;
    * `order`: by worker, the node ids of what it ran until its last failure that is kept;
    * `failures`: in the order in which they were reported.
    """

    arguments: list[str]
    paths: list[str]
    pyargs: bool
    order: dict[str, list[str]]
    failures: list[Failure]

    def before(self, failure: Failure) -> list[str]:
        """What the worker had run before, in order."""
        return self.order[failure.worker][: failure.before]


def bounded(failures: Sequence[Failure]) -> tuple[list[Failure], dict[str, int]]:
    """Those of the failures that are kept, and by worker of how many tests it is that the order is kept."""
    kept: list[Failure] = []
    tests: dict[str, int] = {}
    for failure in failures:
        more = max(0, failure.before - tests.get(failure.worker, 0))
        if len(kept) < _FAILURES and sum(tests.values()) + more <= _TESTS:
            kept.append(failure)
            tests[failure.worker] = tests.get(failure.worker, 0) + more
    return kept, tests


def directory_of(config: pytest.Config) -> Path | None:
    """Where trails are kept, if there is a cache. Raises `OSError` if it can't be made."""
    cache = getattr(config, "cache", None)
    return None if cache is None else cache.mkdir("fastest") / "trails"


def write(directory: Path, run: Run) -> None:
    """Adds a run, and removes the oldest ones. Raises `OSError`."""
    directory.mkdir(exist_ok=True)
    files = _files(directory)
    number = 1 + (_number(files[0]) if files else 0)
    # Two runs at once may take the same number.
    file = directory / f"{number:06}-{uuid.uuid4().hex[:8]}.json"
    unfinished = file.with_suffix(".new")
    try:
        unfinished.write_text(json.dumps({"version": _VERSION, **vars(run)}, separators=(",", ":")), "utf-8")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    for old in files[_RUNS - 1 :]:
        old.unlink(missing_ok=True)


def read(directory: Path) -> Iterator[Run]:
    """The runs that are kept, the last one first; those of other versions are passed over."""
    for file in _files(directory):
        try:
            found: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
            if found["version"] == _VERSION:
                yield _run(found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Removed by a run at the same time, or not by us.
            continue


def _run(found: Mapping[str, Any]) -> Run:
    failures = [Failure(str(test), str(worker), int(before)) for test, worker, before in found["failures"]]
    order = {str(worker): [str(test) for test in tests] for worker, tests in found["order"].items()}
    if any(not 0 <= failure.before <= len(order.get(failure.worker, [])) for failure in failures):
        raise ValueError("a failure whose worker has run fewer tests")
    return Run([*map(str, found["arguments"])], [*map(str, found["paths"])], bool(found["pyargs"]), order, failures)


def _files(directory: Path) -> list[Path]:
    """Newest first."""
    return sorted((file for file in directory.glob("*.json") if file.stem[:6].isdecimal()), key=_number, reverse=True)


def _number(file: Path) -> int:
    return int(file.stem.partition("-")[0])

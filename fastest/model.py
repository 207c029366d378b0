"""The values that the API takes and returns. They are immutable, and can be pickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping  # noqa: TC003 - typing.get_type_hints() finds them
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path  # noqa: TC003

Value = None | bool | int | float | str
"""These types as they are (finite numbers); anything else as its ``repr()``."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker on a test, with what it was called with."""

    name: str
    args: tuple[Value, ...] = ()
    kwargs: Mapping[str, Value] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """How pytest came to a test: what it takes to find it again under the same node id."""

    rootdir: Path
    """pytest's root directory: node ids are relative to it."""
    config_file: Path | None
    """The configuration file that was in force, if any."""
    argument: Path
    """The file or directory that pytest was told to look in."""


@dataclass(frozen=True, slots=True)
class Test:
    """A test that pytest has collected."""

    node_id: str
    """pytest's own id, relative to its root directory: ``tests/test_a.py::TestB::test_c[1-x]``."""
    path: Path
    """The file (absolute) that the test was collected from."""
    line: int | None
    """The line in `path`, from 1, where the test begins; `None` if it is defined elsewhere."""
    name: str
    """The last part of the node id: ``test_c[1-x]``."""
    markers: tuple[Marker, ...] = ()
    """The markers, the closest first: function, class, module."""
    parameters: Mapping[str, Value] = field(default_factory=dict, hash=False)
    """The values of the parametrisation by argument name; a long ``repr()`` is cut."""
    origin: Origin | None = field(default=None, repr=False, compare=False)
    """How to find the test again; `None` for one that was written by hand."""

    __test__ = False  # a test module that imports this class does not mean it as a test class


class Outcome(str, Enum):
    """What became of a test."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    """Failed, as its ``xfail`` marker expects."""
    XPASSED = "xpassed"
    """Passed, although marked ``xfail`` (a strict marker makes that `FAILED`)."""
    ERROR = "error"
    """Set-up or teardown failed, not the test itself."""
    NOT_RUN = "not_run"
    """Never ran to its end: the run stopped before, or the options deselected it."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of one test."""

    node_id: str
    outcome: Outcome
    duration: float = 0.0
    """Seconds, the sum of `phases`."""
    phases: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Seconds for each of ``setup``, ``call`` and ``teardown`` that took place."""
    message: str | None = None
    """The traceback of a failure; the reason for a skip, an expected failure or not running."""
    stdout: str = ""
    stderr: str = ""
    log: str = ""
    worker: str | None = None
    """The worker process, like ``gw0``; `None` if the test ran without workers."""

    __test__ = False


@dataclass(frozen=True, slots=True)
class CollectionFailure:
    """A file or class from which pytest could not collect tests."""

    node_id: str
    text: str
    """The traceback, as pytest prints it."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a run. It iterates over `results`."""

    results: tuple[TestResult, ...]
    """One for each test, in the order of the request if it named them, else of the collection."""
    exit_code: int
    """pytest's: 0 all passed, 1 some failed, 2 interrupted or collection errors, 5 no tests."""
    duration: float
    """Seconds from the start of pytest's process to its end."""
    collection_failures: tuple[CollectionFailure, ...] = ()
    output: str = field(default="", repr=False)
    """What pytest printed, stdout and stderr together."""

    @property
    def ok(self) -> bool:
        """Whether pytest calls the run a success (exit code 0), and there is no test that it did not run.

        With `args` such as ``["--version"]`` pytest succeeds without running anything.
        """
        has_run = all(result.outcome is not Outcome.NOT_RUN for result in self.results)
        return self.exit_code == 0 and bool(self.results) and has_run

    @property
    def totals(self) -> dict[Outcome, int]:
        """How many tests ended in each outcome; every outcome is there."""
        totals = dict.fromkeys(Outcome, 0)
        for result in self.results:
            totals[result.outcome] += 1
        return totals

    def __iter__(self) -> Iterator[TestResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

"""The native half of the plugin: the coordinator, and what the other processes need to talk to it."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias, final

__all__ = [
    "Address",
    "Board",
    "Composed",
    "Coordinator",
    "Decision",
    "Event",
    "Link",
    "Message",
    "Record",
    "Timings",
    "automatic_workers",
    "die_with_parent",
    "dump_signal",
    "give_back_memory",
    "is_plain",
    "kill_run",
    "monotonic",
    "progress_lines",
    "resident_memory",
    "total_memory",
]

@final
class Address:
    """Where the processes of a run find the coordinator. Starts no thread. Raises `OSError`."""

    directory: Final[Path]
    token: Final[str]
    def __new__(cls) -> Address: ...
    def disown(self) -> None:
        """For a forked child: closes its copy of the socket and leaves the directory to the parent."""
    def start(self, base: int | None) -> Coordinator:
        """Starts the coordinator's threads; `base`: the id of the process that has been forked as the run's base."""

# The run's name, the arguments of pytest, what was collected and whether by names of packages, what ran it, the start
# method (empty: no workers) and the reason for it, the number of workers, the exit status.
_About: TypeAlias = tuple[str, Sequence[str], Sequence[str], bool, Sequence[str], str, str | None, int, int]
# Item, node id, phase, worker, text, sections.
_Failed: TypeAlias = tuple[int | None, str, str, str, str, Sequence[tuple[str, str]]]

# Name and scope of a fixture, how often it was set up, seconds in all, seconds of the longest.
_FixtureRow: TypeAlias = tuple[str, str, int, float, float]

@final
class Record:
    """A finished run."""

    testrunuid: Final[str]
    # Those of pytest.
    arguments: Final[list[str]]
    # What was collected, as pytest takes it from any directory; `pyargs`: some may be names of packages.
    paths: Final[list[str]]
    pyargs: Final[bool]
    # Seconds since 1970.
    started: Final[float]
    seconds: Final[float]
    exit_status: Final[int]
    # How many were collected.
    tests: Final[int]
    @staticmethod
    def of_reports(
        about: _About,
        nodeids: Sequence[str],
        *,
        started: float,
        seconds: float,
        collected: float,
        ran: Sequence[tuple[int, float, float, float, float, float, float]],
        set_ups: Sequence[_FixtureRow],
        outcomes: Sequence[tuple[int, str]],
        failures: Sequence[_Failed],
    ) -> Record:
        """Of a run without workers, which began at `started` (seconds since 1970) and took so many `seconds`, until
        `collected` without a test. `ran`: item, when it was over, and what it took, in all, of a processor, and
        for set-up, call and teardown, in seconds.
        """
    @staticmethod
    def read(path: str | PathLike[str]) -> Record:
        """What a file holds. Raises `OSError`, also if it is something else."""
    @staticmethod
    def kept_in(folder: str | PathLike[str]) -> list[Path]:
        """The files of a folder's records, newest first. Raises `OSError`."""
    def keep(self, folder: str | PathLike[str]) -> Path | None:
        """Keeps it in a folder with the last runs; `None`: it is too large to be kept. Raises `OSError`."""
    def trails(self) -> list[tuple[int, str, str, int, bool]]:
        """For each test that failed in a worker, in the order in which they came to their ends: item, node id, worker,
        how many others that had run before (they begin its `order`), whether the worker died.
        """
    def order(self, worker: str) -> list[str]:
        """The node ids of what a worker has run to its end, in order; nothing if there was no such worker."""
    def write_page(self, path: str | PathLike[str]) -> None:
        """Writes the report, an HTML page. Raises `OSError`."""
    def write_trace(self, path: str | PathLike[str]) -> None:
        """Writes a trace in Chrome's format. Raises `OSError`."""

@final
class Timings:
    """How long tests took in earlier runs. Without a file, or if there is none: nothing is known.

    Raises `OSError` if the file can't be read, or holds something else.
    """

    def __new__(cls, path: str | PathLike[str] | None = None) -> Timings: ...
    def tests(self) -> list[tuple[str, float, list[float]]]:
        """Of each test: node id, expected seconds, seconds of its last runs (newest first)."""
    def modules(self) -> list[tuple[str, float | None, float | None]]:
        """Of each module: name, seconds of its import, seconds of the fixtures that it shares; `None`: not known."""
    def fixtures(self) -> list[tuple[str, float]]:
        """Of each fixture of session or package scope: name, behind the node id of what defines it; seconds."""

@final
class Coordinator:
    """The running coordinator. All methods but `next_events` and `close` return at once."""

    def keep_order(self) -> None:
        """Deals and runs groups in collection order, however long they are."""
    def configure_collector(self, payload: bytes) -> None:
        """Gives the collector its `workerinput`."""
    def configure_worker(self, worker: int, payload: bytes) -> None:
        """Gives a spawned worker its `workerinput`."""
    def spawn_collector(self, command: Sequence[str], environment: Sequence[tuple[str, str]]) -> None:
        """Starts a collector in a process of its own, with exactly this environment."""
    def spawn_worker(self, worker: int, command: Sequence[str], environment: Sequence[tuple[str, str]]) -> None:
        """Starts a worker in a process of its own, with exactly this environment."""
    def fork_worker(self, worker: int, payload: bytes) -> None:
        """Lets the template fork a worker."""
    def fork_worker_from_base(self, worker: int) -> None:
        """Lets the base fork a worker, which configures itself and collects."""
    def become_worker(self, worker: int) -> None:
        """Lets the collector run tests itself."""
    def set_items(self, payload: bytes) -> None:
        """The list of items, for workers that collect for themselves."""
    def regroup(self, keys: Sequence[int]) -> None:
        """Gives each collected item the key of the group that it belongs to, which is not split."""
    def begin(
        self,
        workers: int,
        *,
        testrunuid: str,
        max_restarts: int,
        max_failures: int | None,
        fail_fast: bool,
        each: bool,
        decides_crashes: bool,
        most_retries: int,
        configures_first: bool,
        hang_timeout: float | None,
        replaces_grown: bool,
    ) -> None:
        """Deals the collected items to `workers` workers, which are started with the other methods.

        With `each`, every worker gets every item: of `n` items, item `i` for worker `w` is number `w * n + i`. With
        `decides_crashes`, every `Crashed` with an item must be answered by `decide`, with `Decision.Alone` at most
        `most_retries` times for an item. With `configures_first`, no test starts before every one of the workers has
        said `configured`. With `replaces_grown`, workers may leave because they have `outgrown` a limit.
        """
    def retire_worker(self, worker: int) -> None:
        """Lets a worker finish what it has claimed and end its session; others do the rest."""
    def decide(self, item: int, decision: Decision) -> None:
        """What becomes of an item that a worker died in."""
    def confirm(self, worker: int) -> None:
        """The worker that is started next is the one that `Event.Confirm` asks for."""
    def expect(self, nodeids: Sequence[str], wide: Sequence[str], known: Timings) -> tuple[float, float, float] | None:
        """Tells the plan what is known of the collected items, and of the fixtures of session and package scope that
        they use, from earlier runs. Returns, if anything is known, the seconds that all is expected to take, of those
        how many need a processor, and what the most expensive of these fixtures takes.
        """
    def save_timings(
        self, path: str | PathLike[str], imports: list[tuple[str, float]], day: int, replace: bool
    ) -> None:
        """Writes what was found out of tests in this run to a file of timings, beside what is there. `imports`: seconds
        by module; `day`: counted from 1970; `replace`: also if the file holds something else. Raises `OSError`.
        """
    def running(self, workers: int) -> list[tuple[int, int]]:
        """What the first `workers` of the workers run now: worker and item; nothing before tests are dealt."""
    def left(self) -> float | None:
        """Seconds that one worker would need for what is left; `None` if there is nothing to tell by yet."""
    def usual(self, item: int) -> float | None:
        """Seconds that an item took in earlier runs, if it has been seen."""
    def lend_terminal(self, worker: int, granted: bool) -> None:
        """Whether the terminal is this worker's, until it returns it."""
    def dump(self) -> None:
        """Lets workers that run a test write down their stacks."""
    def record(
        self, about: _About, nodeids: Sequence[str], outcomes: Sequence[tuple[int, str]], failures: Sequence[_Failed]
    ) -> Record:
        """The record of this run, once: of all collected tests, with the outcomes of those that did not just pass."""
    def stop(self) -> None:
        """Starts no more tests; what runs may finish."""
    def interrupt(self) -> None:
        """Starts no more tests and interrupts what runs."""
    def dismiss(self) -> None:
        """Asks the processes that are left to leave, without waiting for them."""
    def kill(self) -> None:
        """Kills every process now."""
    def next_events(self, timeout: float) -> list[Event]:
        """Waits up to `timeout` seconds for events, without the GIL. Raises what a signal handler raises."""
    def close(self, patience: float) -> None:
        """Lets the processes that are left leave, kills who has not after `patience` seconds, removes the directory.

        Raises what a signal handler raises, which ends the patience.
        """

@final
class Decision:
    """What becomes of an item that a worker died in."""

    # It has crashed for good.
    Crashed: ClassVar[Decision]
    # It runs again, where and when there is room.
    Again: ClassVar[Decision]
    # It runs again, alone in a fresh worker, when nothing else is left to do.
    Alone: ClassVar[Decision]
    def __int__(self) -> int: ...

class Event:
    """Something that the controller reports to its user or decides on."""

    @final
    class Note(Event):
        __match_args__: Final = ("payload",)
        payload: Final[bytes]
        def __new__(cls, payload: bytes) -> Event.Note: ...

    @final
    class Collected(Event):
        __match_args__: Final = ("payload", "separable", "expected_total")
        payload: Final[bytes]
        separable: Final[int]
        expected_total: Final[float]
        def __new__(cls, payload: bytes, separable: int, expected_total: float) -> Event.Collected: ...

    @final
    class CollectorLost(Event):
        __match_args__: Final = ("returncode",)
        returncode: Final[int | None]
        def __new__(cls, returncode: int | None) -> Event.CollectorLost: ...

    @final
    class CannotBegin(Event):
        __match_args__: Final = ("reason",)
        reason: Final[str]
        def __new__(cls, reason: str) -> Event.CannotBegin: ...

    @final
    class Ready(Event):
        __match_args__: Final = ("worker",)
        worker: Final[int]
        def __new__(cls, worker: int) -> Event.Ready: ...

    @final
    class Reports(Event):
        __match_args__: Final = ("worker", "item", "finished", "payload")
        worker: Final[int]
        item: Final[int]
        finished: Final[bool]
        payload: Final[bytes]
        def __new__(cls, worker: int, item: int, finished: bool, payload: bytes) -> Event.Reports: ...

    @final
    class WantsStop(Event):
        __match_args__: Final = ("payload",)
        payload: Final[bytes]
        def __new__(cls, payload: bytes) -> Event.WantsStop: ...

    @final
    class Crashed(Event):
        __match_args__: Final = ("worker", "item", "seconds", "returncode", "hung")
        worker: Final[int]
        item: Final[int | None]
        # For how long it has run that.
        seconds: Final[float]
        returncode: Final[int | None]
        hung: Final[float | None]
        def __new__(
            cls, worker: int, item: int | None, seconds: float, returncode: int | None, hung: float | None
        ) -> Event.Crashed: ...

    @final
    class Needed(Event):
        __match_args__: Final = ("worker",)
        worker: Final[int]
        def __new__(cls, worker: int) -> Event.Needed: ...

    @final
    class Confirm(Event):
        __match_args__: Final = ("item",)
        item: Final[int]
        def __new__(cls, item: int) -> Event.Confirm: ...

    @final
    class Outgrown(Event):
        __match_args__: Final = ("worker", "bytes", "grew")
        worker: Final[int]
        bytes: Final[int]
        grew: Final[list[tuple[int, int]]]
        def __new__(cls, worker: int, bytes: int, grew: Sequence[tuple[int, int]]) -> Event.Outgrown: ...

    @final
    class MemoryShort(Event):
        __match_args__: Final = ("available", "total", "leaving", "postponed")
        available: Final[int]
        total: Final[int]
        leaving: Final[list[int]]
        postponed: Final[list[int]]
        def __new__(
            cls, available: int, total: int, leaving: Sequence[int], postponed: Sequence[int]
        ) -> Event.MemoryShort: ...

    @final
    class Terminal(Event):
        __match_args__: Final = ("worker", "wanted")
        worker: Final[int]
        wanted: Final[bool]
        def __new__(cls, worker: int, wanted: bool) -> Event.Terminal: ...

    @final
    class LeftBehind(Event):
        __match_args__: Final = ("worker", "pid", "command", "tests")
        worker: Final[int]
        pid: Final[int]
        command: Final[str]
        tests: Final[list[str]]
        def __new__(cls, worker: int, pid: int, command: str, tests: Sequence[str]) -> Event.LeftBehind: ...

    @final
    class Lingered(Event):
        __match_args__: Final = ("worker",)
        worker: Final[int]
        def __new__(cls, worker: int) -> Event.Lingered: ...

    @final
    class NotReplaced(Event):
        __match_args__: Final = ("worker", "orphaned")
        worker: Final[int]
        orphaned: Final[bool]
        def __new__(cls, worker: int, orphaned: bool) -> Event.NotReplaced: ...

    @final
    class NotStarted(Event):
        __match_args__: Final = ("worker", "reason")
        worker: Final[int | None]
        # What the system says; `None` if the run's directory is gone.
        reason: Final[str | None]
        def __new__(cls, worker: int | None, reason: str | None) -> Event.NotStarted: ...

    @final
    class Ended(Event):
        __match_args__: Final = ("worker", "payload")
        worker: Final[int]
        payload: Final[bytes]
        def __new__(cls, worker: int, payload: bytes) -> Event.Ended: ...

    @final
    class Finished(Event):
        __match_args__: Final = ("not_run",)
        not_run: Final[list[tuple[int, str]]]
        def __new__(cls, not_run: Sequence[tuple[int, str]]) -> Event.Finished: ...

@final
class Link:
    """A process's connection to the coordinator.

    Every method raises `ConnectionError` if the coordinator is gone, and `ValueError` for a message beyond the
    protocol's limits.
    """

    @staticmethod
    def base(directory: str | PathLike[str], token: str) -> Link:
        """Connects as the base."""
    @staticmethod
    def collector(directory: str | PathLike[str], token: str) -> Link:
        """Connects as the process that collects."""
    @staticmethod
    def worker(directory: str | PathLike[str], token: str, worker: int) -> Link:
        """Connects as a worker."""
    def close(self) -> None:
        """Closes the connection, or a forked child's copy of it."""
    def fileno(self) -> int:
        """The file descriptor, for `poll`."""
    def receive(self, wait: bool) -> Message | None:
        """The next message; without `wait`, `None` if there is none."""
    def note(self, payload: bytes) -> None:
        """For the controller: a warning, a collection report."""
    def collected(
        self,
        items: Sequence[tuple[int, int, bool, bool, bool, bool, int | None]],
        fixtures: Sequence[tuple[str, bool]],
        sets: Sequence[Sequence[int]],
        patience: Sequence[tuple[int, float]],
        payload: bytes,
    ) -> None:
        """The collected items, a tuple `(group, atom, gathered, loose, serial, shares_fixtures, wide)` each.

        `fixtures`: those of session or package scope by their names, and whether they are of a package; `sets`: which
        of them are used together, by their numbers. An item's `wide` is the number of such a set. `patience`: after how
        many seconds an item counts as hanging, of those that say so; 0: never.
        """
    def want_items(self) -> None:
        """Asks for the list of items."""
    def configured(self) -> None:
        """The worker has configured itself."""
    def ready(self, worker: int) -> None:
        """The worker can run tests."""
    def reports(
        self,
        item: int,
        failures: int,
        payload: bytes,
        at_once: bool,
        spent: tuple[float, float, float, float, float, float, float] | None,
    ) -> None:
        """Reports of one item, of which `failures` count for `--maxfail`; sent `at_once`, or left where the coordinator
        looks soon. With the last of them comes what the item has `spent`, in seconds: in all, of a processor, in
        set-up, call, teardown, for fixtures that its module shares, for those of the session.
        """
    def set_up(self, fixture: str, seconds: float) -> None:
        """A fixture of session or package scope was set up."""
    def fixtures(self, rows: Sequence[_FixtureRow]) -> None:
        """What the fixtures took that the worker has set up."""
    def outgrown(self, bytes: int, grew: Sequence[tuple[int, int]]) -> None:
        """The worker holds so many bytes, more than it may, and leaves. `grew`: which items have added most."""
    def starved(self, question: int) -> None:
        """The worker has nothing it can claim; `question` numbers its questions."""
    def released(self, item: int) -> None:
        """The worker won't run an item that it had claimed."""
    def interrupted(self, item: int) -> None:
        """The running item was interrupted."""
    def wants_stop(self, payload: bytes) -> None:
        """The worker wants the run to stop."""
    def session_ended(self, payload: bytes) -> None:
        """The process's session is finished."""
    def want_terminal(self) -> None:
        """A debugger has stopped the worker's test, and wants the terminal."""
    def return_terminal(self) -> None:
        """It has no more use for the terminal."""
    def leaving(self, processes: Sequence[tuple[int, int, str, Sequence[str]]]) -> None:
        """The worker does nothing more but to end. Its tests have left processes: id, parent's id, command, tests."""
    def forked(self, worker: int | None, pid: int) -> None:
        """A child was forked; `worker` is `None` for the collector."""
    def not_forked(self, worker: int | None, reason: str) -> None:
        """The system would not fork a child, and why; `worker` is `None` for the collector."""
    def exited(self, pid: int, returncode: int | None) -> None:
        """A child ended, with a return code as `subprocess` has it."""

class Message:
    """What the coordinator tells a process."""

    @final
    class Configure(Message):
        __match_args__: Final = ("payload",)
        payload: Final[bytes]
        def __new__(cls, payload: bytes) -> Message.Configure: ...

    @final
    class Items(Message):
        __match_args__: Final = ("payload",)
        payload: Final[bytes]
        def __new__(cls, payload: bytes) -> Message.Items: ...

    @final
    class Fork(Message):
        __match_args__: Final = ("worker", "payload")
        worker: Final[int]
        payload: Final[bytes]
        def __new__(cls, worker: int, payload: bytes) -> Message.Fork: ...

    @final
    class Become(Message):
        __match_args__: Final = ("worker",)
        worker: Final[int]
        def __new__(cls, worker: int) -> Message.Become: ...

    @final
    class Lease(Message):
        __match_args__: Final = ("items",)
        items: Final[list[int]]
        def __new__(cls, items: Sequence[int]) -> Message.Lease: ...

    @final
    class Park(Message):
        __match_args__: Final = ("question", "keep")
        question: Final[int]
        keep: Final[int | None]
        def __new__(cls, question: int, keep: int | None) -> Message.Park: ...

    @final
    class Terminal(Message):
        __match_args__: Final = ("granted",)
        granted: Final[bool]
        def __new__(cls, granted: bool) -> Message.Terminal: ...

    @final
    class End(Message):
        __match_args__: Final = ()
        def __new__(cls) -> Message.End: ...

    @final
    class Quit(Message):
        __match_args__: Final = ()
        def __new__(cls) -> Message.Quit: ...

@final
class Board:
    """The claims of the run, as one worker sees them. Raises `OSError` if it can't be mapped."""

    def __new__(cls, directory: str | PathLike[str], worker: int) -> Board: ...
    def claim(self, item: int) -> bool:
        """Makes a leased item this worker's own; false if it is not leased to it any more, or if the run stops."""
    def begin(self, item: int) -> float:
        """Says which item runs from now on, so that a crash can be blamed on it. Returns the time (`monotonic`)."""
    def end(self) -> None:
        """Says that nothing runs."""
    def set_tearing_down(self) -> None:
        """Says that the running item has come to its teardown."""
    def outlive_item(self) -> None:
        """Returns only if the worker is not to be killed for the item that it runs."""
    def is_stopped(self) -> bool:
        """Whether the run is to stop."""

@final
class Composed:
    """`outer(inner(...))`, whatever is given, without a frame of its own in tracebacks."""

    def __new__(cls, outer: Callable[[Any], Any], inner: Callable[..., Any]) -> Composed: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

def automatic_workers(
    *,
    separable: int,
    expected_total: float,
    expected_cpu: float | None,
    worker_memory: int,
    worker_start: float,
    worker_fixtures: float,
) -> tuple[int, str]:
    """The automatic number of workers and the reason for it, as a phrase."""

def die_with_parent(parent: int | None = None) -> None:
    """Lets the system kill this process when its parent ends (Linux), or now if it is not that `parent` any more."""

def dump_signal() -> int | None:
    """The signal that a worker is sent before it is killed for hanging; `None` where there is none."""

def give_back_memory() -> None:
    """Gives memory that was freed back to the system (glibc)."""

def monotonic() -> float:
    """Seconds since some point in time, by a clock that tests can't change: they replace those of Python's `time`."""

def resident_memory() -> int | None:
    """Bytes of memory that this process holds, what it shares with others included; `None` if nobody tells."""

def total_memory() -> int | None:
    """Bytes of memory that the machine has, or that the cgroup of this process may use; `None` if nobody tells."""

def is_plain(value: object) -> bool:
    """Whether a value is made of builtin values only, subclasses not among them, and not nested too deep."""

def progress_lines(
    *,
    done: int,
    total: int,
    tally: str,
    remaining: float | None,
    running: Sequence[tuple[str, float, str, bool]],
    width: int,
    is_coloured: bool,
    is_ascii: bool,
) -> list[str]:
    """Lines of at most `width` columns: one for the whole run, and one for each of `running`: its worker, the seconds
    that it has taken so far, its name, and whether that is long. `tally` counts outcomes; `remaining` is in seconds.
    """

def kill_run(mark: str | None) -> None:
    """Kills everything that this process has started, and they have, and, wherever it has gone, what has this mark of a
    run in its environment.
    """

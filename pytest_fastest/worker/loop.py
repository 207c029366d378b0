"""Runs the tests that the coordinator leases to this worker.

pytest wants to know the next item while it tears down the current one. What it is told at the start of a test is a
guess: until the teardown, the coordinator may still give that item to an idle sibling. Only when the teardown begins,
the worker claims its next item for good, and `pytest_runtest_teardown` and `SetupState.teardown_exact` are given that
one.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from functools import partial
from os import _exit as exit_now
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from _pytest import runner

from pytest_fastest import _core, codec
from pytest_fastest.worker import ends, leftovers, memory, reports
from pytest_fastest.worker.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_fastest.worker.own_items import AllItems, OwnItems

# With this few items left, the worker looks whether more have come before it asks.
_LOW = 1
_ORDINARY = ("passed", "skipped", "failed")
# Reports of a test that takes longer than this are sent as they come (seconds): a message more is nothing to that.
_LONG = 0.05


class Loop:
    """One worker's run, and the plugin that sends its reports."""

    def __init__(
        self,
        config: pytest.Config,
        session: pytest.Session,
        link: _core.Link,
        board: _core.Board,
        worker: int,
        items: AllItems | OwnItems,
    ) -> None:
        self._worker = worker
        self._config = config
        self._session = session
        self._link = link
        self._board = board
        self._items = items
        self._leased: deque[int] = deque()
        self._question = 0
        self._ended = False
        self._current: int | None = None
        self._last_item: pytest.Item | None = None
        self._last_index = 0
        self._hint: pytest.Item | None = None
        # What the next item is, once it is decided: its index, `None` for none.
        self._next: int | None = None
        self._keep: pytest.Item | None = None
        self._next_is_decided = True
        # The last teardown was for no item in particular: the next item's was not known.
        self._was_kept = False
        # Whether the coordinator owes an answer or knows that this worker waits: saying that it is ready counts.
        self._has_asked = True
        self._is_parked = True
        self._outbox: list[tuple[Any, ...]] = []
        self._keywords: dict[str, Any] = {}
        # Attributes of reports that the controller has been told of.
        self._degraded: set[str] = set()
        self._failures = 0
        self._stopwatch = Stopwatch(self._tell_wide)
        config.pluginmanager.register(self._stopwatch, "fastest-stopwatch")
        self.begun = leftovers.Begun(self._nodeid)
        most = memory.limit(config)
        self._memory = None if most is None else memory.Memory(most)
        self._teardown: Callable[[pytest.Item | None], None] = session._setupstate.teardown_exact
        # Plugins come there in ways of their own.
        teardown_exact = _core.Composed(self._teardown, self._true_next)
        session._setupstate.teardown_exact = teardown_exact  # type: ignore[method-assign]
        # A test may fork, and its child come back here as a copy of this worker. It must not speak for it.
        self._is_copy = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._become_copy)
        self._call_and_report = runner.call_and_report
        runner.call_and_report = self._call_phase

    def run(self) -> None:
        """Runs until the coordinator says that nothing more comes: the run is over, or this worker is to leave it."""
        self._pass_on_wish_to_stop()
        while (index := self._await_next()) is not None:
            if self._board.is_stopped():
                self._link.released(index)
                continue
            self._run_one(index)
            if self._memory is not None and (held := self._memory.outgrown(index)) is not None:
                self._make_room(held)
        self._finish_teardown(None)

    def _make_room(self, held: int) -> None:
        """Holds more memory than it may: leaves, for another worker to go on."""
        assert self._memory is not None
        self._link.outgrown(held, self._memory.growth())
        if self._next is not None:
            self._link.released(self._next)
            self._next = None
        self._leased.clear()
        self._ended = True

    def borrow_terminal(self) -> bool:
        """Waits until the terminal is this worker's; whether it is. A copy of it never gets it."""
        if self._is_copy:
            return False
        self._link.want_terminal()
        while not isinstance(message := self._receive(), _core.Message.Terminal):
            self._handle(message)
        if not message.granted and self._board.is_stopped():
            # It is not for want of a terminal: nobody is to debug any more.
            raise KeyboardInterrupt
        return message.granted

    def _become_copy(self) -> None:
        self._is_copy = True
        # Nothing is decided here: what comes next is up to the worker.
        self._current = None

    def _tell_wide(self, fixture: str, seconds: float) -> None:
        if not self._is_copy:
            # If the connection is lost, the report of this test notices.
            with suppress(ConnectionError):
                self._link.set_up(fixture, seconds)

    def tell_set_ups(self) -> None:
        """What fixtures have taken, when no more will be set up."""
        if not self._is_copy:
            self._link.fixtures(self._stopwatch.set_ups.rows())

    def _find(self, index: int) -> pytest.Item | None:
        # If every worker runs everything, each has numbers of its own.
        return self._items.find(index % len(self._items))

    def _nodeid(self, index: int) -> str:
        item = self._find(index)
        return "" if item is None else item.nodeid

    def add(self, entry: tuple[Any, ...]) -> None:
        """Puts a report or a warning beside the reports of the current item."""
        self._outbox.append(entry)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = reports.report(self._config, report)
        # The reports of an item name the same keywords, each in a dictionary of its own: one is enough to send.
        if data["keywords"] == self._keywords:
            data["keywords"] = self._keywords
        else:
            self._keywords = data["keywords"]
        self._outbox.append(("report", data))
        self._stopwatch.note(report)
        if reports.counts_as_failure(report):
            # The limit of failures may be reached: it should be known before the teardown.
            self._failures += 1
            self._flush(finished=False)
        elif report.outcome not in _ORDINARY or _core.monotonic() - self._stopwatch.began > _LONG:
            # Not lost then if the process dies in what is left of the test (a rerun, the teardown).
            self._flush(finished=False)

    # One item.

    def _run_one(self, index: int) -> None:
        self._current = index
        self._next, self._keep, self._next_is_decided = None, None, False
        self._stopwatch.start(self._board.begin(index))
        self.begun.note(index, self._stopwatch.began)
        try:
            # May import its module.
            item = self._find(index)
            if item is None:
                self._outbox.append(("missing", self._items.failure(index % len(self._items))))
                self._failures += 1
            else:
                self._run_protocol(index, item)
        except (Exception, KeyboardInterrupt, SystemExit, pytest.exit.Exception) as error:
            if self._is_copy:
                exit_now(1)
            self._break_off(index, error)
            raise
        if self._is_copy:
            exit_now(1 if self._failures else 0)
        try:
            self._flush(finished=True)
            self._board.end()
        except KeyboardInterrupt as error:
            # If it has been told already that the item is finished, that stays.
            self._break_off(index, error)
            raise
        self._current = None
        self._pass_on_wish_to_stop()

    def _run_protocol(self, index: int, item: pytest.Item) -> None:
        self._hint = self._guess()
        if self._was_kept:
            self._finish_teardown(item)
        self._was_kept = False
        self._last_item, self._last_index = item, index
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=self._hint)

    def _break_off(self, index: int, error: BaseException) -> None:
        """The run can't go on in this worker; what was reported of the item stays."""
        if self._outbox:
            self._flush(finished=False)
        self._current = None
        self._link.interrupted(index)
        # Not before: if this process has lost its connection, it dies of it, and the test is to blame.
        self._board.end()
        if self._next is not None:
            self._link.released(self._next)
        end = ends.told(error)
        if end is not None:
            self._link.wants_stop(codec.dumps(end))

    def _pass_on_wish_to_stop(self) -> None:
        for kind, reason in (("failed", self._session.shouldfail), ("interrupted", self._session.shouldstop)):
            if reason:
                self._link.wants_stop(codec.dumps((kind, str(reason))))

    def _flush(self, *, finished: bool) -> None:
        if self._is_copy:
            return
        assert self._current is not None
        self._board.outlive_item()
        payload = codec.dumps_plain(self._outbox)
        if payload is None:
            self._degrade()
            payload = codec.dumps(self._outbox)
        self._outbox.clear()
        failures, self._failures = self._failures, 0
        # A failure may reach the limit; and who has nothing left to do may be what the end of the run waits for.
        at_once = failures > 0 or (finished and self._next is None)
        spent = self._stopwatch.stop() if finished else None
        self._link.reports(self._current, failures, payload, at_once, spent)

    def _degrade(self) -> None:
        """Something that a plugin has put on a report can't be sent as it is: tells so once for each attribute."""
        for what, *values in list(self._outbox):
            if what != "report":
                continue
            data = values[0]
            for name, kind in reports.degrade(data):
                if name not in self._degraded:
                    self._degraded.add(name)
                    self._outbox.append(("degraded", name, kind))

    # The next item.

    def _guess(self) -> pytest.Item | None:
        if len(self._leased) <= _LOW:
            self._read_waiting()
        return self._find(self._leased[0]) if self._leased else None

    def _call_phase(
        self, item: pytest.Item, when: Literal["setup", "call", "teardown"], log: bool = True, **kwargs: Any
    ) -> pytest.TestReport:
        """In the place of pytest's function: tells the teardown hooks the true next item."""
        # A test may run a pytest session of its own in this process (`pytester`), which comes here too.
        if when == "teardown" and item.session is self._session and self._current is not None:
            self._board.set_tearing_down()
            kwargs["nextitem"] = self._true_next(kwargs["nextitem"])
        return self._call_and_report(item, when, log, **kwargs)

    def _true_next(self, nextitem: pytest.Item | None) -> pytest.Item | None:
        if nextitem is not self._hint or self._current is None:
            return nextitem
        self._decide_next()
        self._was_kept = self._next is None
        following = self._keep if self._next is None else self._find(self._next)
        if following is not None and following is self._last_item:
            # Listed twice, and now twice in a row: what is its own is torn down between.
            return cast("pytest.Item", following.parent)
        return following

    def _decide_next(self) -> None:
        """Claims the next item, or learns that there is none for now (and perhaps whose fixtures to keep)."""
        if self._next_is_decided:
            return
        self._next_is_decided = True
        self._next = self._claim()
        if not self._wants_to_stop():
            self._wait_for_next(until_parked=True)

    def _await_next(self) -> int | None:
        """The next item to run; waits for one. `None` at the end of the run."""
        self._decide_next()
        self._wait_for_next(until_parked=False)
        self._has_asked = self._is_parked = False
        index, self._next = self._next, None
        return index

    def _wait_for_next(self, *, until_parked: bool) -> None:
        """Asks for more and waits: for an item that can be claimed, for the end, or for the answer that there is
        none now.

        A lease may cross the question, and may be taken back before it is claimed. So every lease counts as an
        answer, nothing claimed leads to another question, and an answer to an older question is no answer.
        """
        while self._next is None and not self._ended:
            if not self._has_asked:
                self._question += 1
                self._has_asked, self._is_parked, self._keep = True, False, None
                self._link.starved(self._question)
            if until_parked and self._is_parked:
                return
            self._handle(self._receive())
            self._next = self._claim()

    def _wants_to_stop(self) -> bool:
        return bool(self._session.shouldfail or self._session.shouldstop)

    def _claim(self) -> int | None:
        if self._wants_to_stop():
            return None
        if len(self._leased) <= _LOW:
            self._read_waiting()
        while self._leased:
            index = self._leased.popleft()
            if self._board.claim(index):
                return index
        return None

    def _read_waiting(self) -> None:
        while (message := self._link.receive(False)) is not None:
            self._handle(message)

    def _receive(self) -> _core.Message:
        message = self._link.receive(True)
        assert message is not None
        return message

    def _handle(self, message: _core.Message) -> None:
        match message:
            case _core.Message.Lease(items=items):
                self._leased.extend(items)
                self._has_asked = False
            case _core.Message.Park(question=question, keep=keep) if self._has_asked and question == self._question:
                self._is_parked = True
                self._keep = None if keep is None else self._find(keep)
            case _core.Message.End() | _core.Message.Quit():
                self._ended = True

    def _finish_teardown(self, item: pytest.Item | None) -> None:
        """Tears down what was kept for another item than the one that came.

        Its errors belong to the item that used the fixtures last, as they would have without the wait.
        """
        last = self._last_item
        needed = [] if item is None else item.listchain()
        stack = list(self._session._setupstate.stack)
        if last is None or stack == needed[: len(stack)]:
            return
        call = runner.CallInfo.from_call(partial(self._teardown, item), when="teardown", reraise=(KeyboardInterrupt,))
        if call.excinfo is None:
            return
        report = last.ihook.pytest_runtest_makereport(item=last, call=call)
        data = reports.report(self._config, report)
        self._link.note(codec.dumps(("late_report", self._worker, self._last_index, data)))

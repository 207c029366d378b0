"""A process that collects, runs tests, or both: template, spawned collector, spawned worker.

It goes on with the controller's own pytest run (or, spawned, with the same arguments), in a worker's role. The last
cleanup of its `Config` ends it, whichever way it comes there: it never returns to the caller of `pytest.main`.
"""

from __future__ import annotations

import atexit
import signal
import sys
import traceback

# By name: a test may have replaced it in its module.
from os import _exit as exit_now
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest import _core, codec
from pytest_fastest.worker import (
    adaptors,
    afterfork,
    collection,
    crash,
    debug_file,
    debugging,
    ends,
    garbage,
    identity,
    junit,
    leftovers,
    muted,
    own_items,
    reports,
)
from pytest_fastest.worker.forkserver import Address, Become, Children, Forked, serve
from pytest_fastest.worker.loop import Loop
from pytest_fastest.worker.terminal import flush
from pytest_fastest.worker.tripwires import Tripwires
from pytest_fastest.xdist import options as surface

if TYPE_CHECKING:
    import warnings
    from collections.abc import Generator, Sequence

    from pytest_fastest.worker.own_items import OwnItems
    from pytest_fastest.worker.terminal import Terminal

# Exit status of a process whose connection is lost, because the controller is gone or a test has closed it.
_ALONE = 1


class Process:
    """The plugin that gives a pytest run its role. `worker` is `None` for the collector."""

    def __init__(
        self,
        address: Address,
        provisional: dict[str, Any],
        terminal: Terminal,
        *,
        worker: int | None,
        can_fork: bool,
    ) -> None:
        self._address = address
        self._provisional = provisional
        self._terminal = terminal
        self._worker = worker
        self._can_fork = can_fork
        self._is_forked = False
        self._gc = afterfork.Collector()
        self._failed_last_time: set[str] = set()
        self._imports: dict[str, float] = {}
        self._collected = 0
        self._deselected: list[str] = []
        self._end_is_told = False
        # Of a worker that collects for itself.
        self._own_items: OwnItems | None = None
        self._loop: Loop | None = None

    def enter(self, config: pytest.Config) -> None:
        """Takes the role, before conftests are loaded."""
        self._config = config
        config.add_cleanup(self._leave)
        # In a process that forks, somebody has to see what conftests do from now on.
        self._tripwires = Tripwires() if self._can_fork else None
        # Who is connected may be asked where it is.
        crash.watch(self._address.directory, self._name)
        try:
            self._link = (
                _core.Link.collector(self._address.directory, self._address.token)
                if self._worker is None
                else _core.Link.worker(self._address.directory, self._address.token, self._worker)
            )
        except ConnectionError:
            exit_now(_ALONE)
        if self._tripwires is not None:
            self._tripwires.learn()
        identity.announce({**self._provisional, "workerid": f"gw{self._worker or 0}"})
        surface.clear_workers(config.known_args_namespace)
        adaptors.before_conftests(config)
        config.pluginmanager.register(self, "fastest-process")
        reports.have_hooks(config)

    def before_arguments(self, config: pytest.Config, args: list[str]) -> None:
        """Before pytest parses these arguments, with the options of the conftests that it has loaded."""
        debug_file.take_over(args, config)

    @property
    def _name(self) -> str:
        return "collector" if self._worker is None else f"gw{self._worker}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        debug_file.begin(config, "template" if self._can_fork else f"gw{self._worker or 0}")
        match self._receive():
            case _core.Message.Configure(payload=payload):
                reads = None if self._tripwires is None else self._tripwires.reads
                identity.assume(config, codec.loads(payload), reads)
            case _:
                self._leave()
        surface.clear_workers(config.option)
        adaptors.before_configure(config)
        muted.mute(config, is_terminal=self._terminal.is_terminal)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, object, object]:
        muted.mute_again(self._config, is_terminal=self._terminal.is_terminal)
        result = yield
        self._link.configured()
        return result

    # Collection.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, object, object]:
        self._session = session
        # A passed collection of what failed in the last run is news for pytest's cache.
        last_failed = getattr(self._config.pluginmanager.get_plugin("lfplugin"), "lastfailed", {})
        self._failed_last_time = {str(nodeid) for nodeid in last_failed}
        self._gc.pause()
        # Again: pytest's own fault handler has been set up meanwhile.
        crash.watch(self._address.directory, self._name)
        self._collecting = crash.Collecting(self._address.directory, self._name)
        if self._worker is not None:
            self._own_items = own_items.choose(session)
        else:
            self._terminal.show_collection(self._config)
        try:
            with debugging.only_in_tests(self._config):
                return (yield)
        except BaseException as error:
            self._tell_end(error)
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, object, object]:
        began = _core.monotonic()
        if isinstance(collector, (pytest.File, pytest.Directory)):
            self._collecting.note(collector.nodeid)
        result = yield
        if isinstance(collector, pytest.Module):
            self._imports[collector.nodeid] = _core.monotonic() - began
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> Generator[None, object, object]:
        session = self._session
        failures = session.testsfailed, session._shouldfail
        result = yield
        if self._own_items is not None:
            # What only this process fails to collect, its tests tell; the collector tells the rest.
            session.testsfailed, session._shouldfail = failures
            self._own_items.note(report)
        else:
            self._note_collected(report)
        return result

    def _note_collected(self, report: pytest.CollectReport) -> None:
        items = [node.nodeid for node in report.result or () if isinstance(node, pytest.Item)]
        self._collected += len(items)
        was_failing = report.nodeid in self._failed_last_time
        if not report.passed or was_failing:
            data = reports.report(self._config, report)
            self._link.note(codec.dumps(("collectreport", data, items if was_failing else [])))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self) -> None:
        self._collecting.note("")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self._worker is None:
            counts = collection.counts(session, collected=self._collected, deselected=self._deselected)
            self._link.note(codec.dumps(("collected", counts)))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        if self._worker is None:
            self._deselected += [item.nodeid for item in items]

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: object
    ) -> None:
        if when == "config":
            return  # The controller configures itself too and has recorded the same.
        data = reports.warning(warning_message, when, nodeid, location)
        if self._loop is not None and when == "runtest":
            self._loop.add(("warning", data))
        elif self._worker is None or (self._loop is not None and when != "collect"):
            self._link.note(codec.dumps(("warning", data)))

    # Running.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items: own_items.AllItems | OwnItems
        if self._own_items is None or self._worker is None:
            if not self._offer(session.items):
                return True
            items = own_items.AllItems(session.items)
        else:
            self._gc.resume()
            items = self._own_items
            items.add(session.items)
            self._match(items, self._worker)
        assert self._worker is not None
        directory, name = self._address.directory, self._name
        crash.watch(directory, name)
        crash.keep_output(self._config, directory, name)
        muted.keep_last_words(self._config, crash.file(directory, name, crash.TERMINAL))
        board = _core.Board(directory, self._worker)
        self._loop = Loop(self._config, session, self._link, board, self._worker, items)
        self._config.pluginmanager.register(self._loop, "fastest-loop")
        junit.install(self._config, self._loop.add)
        debugger = debugging.Debugging(self._config, directory, self._loop.borrow_terminal, self._link.return_terminal)
        try:
            self._loop.run()
        finally:
            debugger.give_back()
        # Items may have been collected on demand.
        self._collecting.note("")
        return True

    def _offer(self, items: list[pytest.Item]) -> bool:
        """As the collector: tells what there is, and becomes a worker or forks some. `False`: nothing to run here."""
        self._tell_collected(items)
        inherited = signal.getsignal(signal.SIGINT)
        if self._can_fork:
            self._gc.freeze()
            # A Ctrl-C is for the tests, and who forks them has to see how they end.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        match self._serve() if self._can_fork else self._await_orders():
            case Forked(worker=worker, payload=payload):
                self._is_forked = True
                self._worker = worker
                self._link = _core.Link.worker(self._address.directory, self._address.token, worker)
                signal.signal(signal.SIGINT, inherited)
                afterfork.settle(
                    self._config, codec.loads(payload), self._terminal, self._gc, self._address.directory, worker
                )
                self._link.ready(self._worker)
                return True
            case Become(worker=worker):
                self._worker = worker
                signal.signal(signal.SIGINT, inherited)
                self._gc.resume()
                self._terminal.return_for_tests(self._config, self._address.directory, self._worker)
                self._link.ready(self._worker)
                return True
            case None:
                self._end_is_told = True
                if self._can_fork:
                    # The workers have finished their sessions; what was configured once is unconfigured once.
                    self._config._ensure_unconfigure()
                return False

    def _tell_collected(self, items: list[pytest.Item]) -> None:
        refusal, reads = None, {}
        if self._tripwires is not None:
            refusal = self._tripwires.refusal(self._config)
            reads = self._tripwires.reads.places(self._config.rootpath)
            self._tripwires.disarm(self._config)
        planner = collection.Planner()
        planned = planner.plan(items)
        described = collection.describe(
            self._config,
            items,
            refusal=refusal,
            reads=reads,
            wide=[name for name, _ in planner.fixtures],
            imports=self._imports,
        )
        self._link.collected(planned, planner.fixtures, planner.sets, planner.patience, codec.dumps(described))

    def _serve(self) -> Forked | Become | None:
        children = Children()
        try:
            return serve(self._link, children)
        except ConnectionError:
            children.kill()
            exit_now(_ALONE)

    def _await_orders(self) -> Become | None:
        """As `serve`, for a process that does not fork."""
        match self._receive():
            case _core.Message.Become(worker=worker):
                return Become(worker)
            case _:
                return None

    def _match(self, own: OwnItems, worker: int) -> None:
        """As a worker that collects for itself: finds the run's items among its own."""
        self._link.want_items()
        message = self._receive_waiting()
        while message is None and own.collect_ahead():
            message = self._receive_waiting()
        match message or self._receive():
            case _core.Message.Items(payload=payload):
                own.match(codec.loads(payload))
            case _:
                self._leave()
        self._terminal.return_for_tests(self._config, self._address.directory, worker)
        self._link.ready(worker)

    # The end.

    def pytest_internalerror(self, excrepr: object) -> bool:
        self._tell(("internal", str(excrepr)))
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        # As pytest-xdist fills them in.
        output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]
        output.update(exitstatus=int(exitstatus), shouldfail=session.shouldfail, shouldstop=session.shouldstop)
        result, exit_message = None, None
        try:
            result = yield
        except Exception as error:
            if self._worker is None or self._loop is None:
                raise
            if isinstance(error, pytest.exit.Exception):
                exit_message = error.msg
                session.exitstatus = exitstatus if error.returncode is None else error.returncode
            else:
                self._link.note(codec.dumps(("sessionfinish", self._worker, traceback.format_exc())))
        if self._worker is not None and self._loop is not None:
            printed, failure = garbage.collect(self._config)
            if printed:
                self._link.note(codec.dumps(("printed", printed)))
            if failure is not None:
                self._link.note(codec.dumps(("sessionfinish", self._worker, failure)))
            if session.exitstatus != exitstatus or exit_message is not None:
                self._link.note(codec.dumps(("exitstatus", exitstatus, session.exitstatus, exit_message)))
            self._loop.tell_set_ups()
            self._link.session_ended(codec.dumps(output))
            # What fails from now on, in `pytest_unconfigure`, may come when the run is over.
            self._end_is_told = True
            if self._is_forked:
                self._leave()
        return result

    def _tell_end(self, error: BaseException) -> None:
        """Tells the controller what ended the session, for it to end the same way."""
        end = ends.told(error)
        if end is not None:
            self._tell(end)

    def _tell(self, end: tuple[Any, ...]) -> None:
        if not self._end_is_told:
            self._end_is_told = True
            self._link.wants_stop(codec.dumps(end))

    def _receive(self) -> _core.Message:
        message = self._receive_waiting(wait=True)
        assert message is not None
        return message

    def _receive_waiting(self, *, wait: bool = False) -> _core.Message | None:
        """The next message, if there is one."""
        try:
            return self._link.receive(wait)
        except ConnectionError:
            exit_now(_ALONE)

    def _leave(self) -> None:
        """Ends the process, after what its own tests have registered for the end."""
        error = sys.exc_info()[1]
        code = 0
        try:
            if error is not None and not self._end_is_told:
                self._tell_end(error)
                self._tell(("internal", "".join(traceback.format_exception(error))))
                code = 3
            if self._worker is None:
                self._link.session_ended(b"")
            if self._loop is not None:
                self._link.leaving(leftovers.processes(self._loop.begun))
            leftovers.let_threads_end()
            atexit._run_exitfuncs()
        except ConnectionError:
            code = _ALONE
        except KeyboardInterrupt:
            # Of this the controller tells.
            code = int(pytest.ExitCode.INTERRUPTED)
        except BaseException:
            traceback.print_exc()
            code = 1
        finally:
            try:
                flush()
            finally:
                exit_now(code)

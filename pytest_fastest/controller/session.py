"""The controller's pytest session: it collects nothing and runs nothing, it lets others do it and reports."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest import _core, codec
from pytest_fastest.controller import capacity, crashes, ends, remembered
from pytest_fastest.controller.ahead import import_for_the_end
from pytest_fastest.controller.confirm import Confirmations
from pytest_fastest.controller.crew import Crew
from pytest_fastest.controller.failures import Failures
from pytest_fastest.controller.history import History, Outlook
from pytest_fastest.controller.interrupts import count_interrupts
from pytest_fastest.controller.nodes import Nodes
from pytest_fastest.controller.observe import Observer
from pytest_fastest.controller.replay import Replay
from pytest_fastest.controller.screen import Screen
from pytest_fastest.controller.shortage import no_process, no_room
from pytest_fastest.controller.stacks import Stacks
from pytest_fastest.report.chronicle import Chronicle
from pytest_fastest.texts import clean_all
from pytest_fastest.xdist import options as surface
from pytest_fastest.xdist import scheduling, takeover

if TYPE_CHECKING:
    from pytest_fastest.controller.launch import Launched
    from pytest_fastest.request import Request

# Seconds between two looks for a Ctrl-C while nothing happens.
_PATIENCE = 0.1
# The same while tests write something that is shown.
_SHORT = 0.001
# Before a plugin decides about a crash: what its side in the worker said last may be on its way to a thread here
# (pytest-rerunfailures has sockets of its own). Seconds.
_SETTLE = 0.1
# So far the coordinator counts.
_MOST = 2**32 - 1
# Why tests are not run although nobody wanted the run to end.
_NOT_RUN = {
    "no worker left": "every worker has crashed, and no more are started",
    "retired": "every worker that could have run it was shut down, or has crashed",
}


class ControllerPlugin:
    """Plays pytest's main loop against the coordinator."""

    def __init__(self, config: pytest.Config, run: Launched, request: Request) -> None:
        self._config = config
        self._run = run
        self._request = request
        self._method_reason = run.method_reason
        self._coordinator = run.coordinator
        self._nodes = Nodes(config, run.testrunuid, self._coordinator.retire_worker)
        self._mode = request.mode
        self._decides_crashes = False
        self._confirmations = Confirmations(config, request.retry_crashed)
        self._screen = Screen(config)
        self._stacks = Stacks(config, run, self._screen)
        self._replay = Replay(config, run.testrunuid, self._nodes)
        self._chronicle = Chronicle(config)
        self._crew = Crew(config, run, self._nodes, self._replay, self._screen)
        self._failures = Failures(config, self._replay)
        config.pluginmanager.register(self._failures, "fastest-failures")
        self._started = _core.monotonic()
        self._choice = capacity.Choice(1, "")
        self._early_workers = 0
        self._collector_is_configured = False
        # A hook for nodes that came when the collector was configured already: it can't be one of the workers.
        self._late_hook: str | None = None
        self._collectors_memory = 0
        self._end: tuple[Any, ...] | None = None
        self._is_stopping = False
        self._is_killed = False
        self._stop_reason: tuple[str, str] | None = None
        self._interrupted: list[str] = []

    # Start.

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        self._request, most = capacity.at_start(config, self._request)
        # Until it is known how many workers there will be, plugins are told how many there may be.
        self._nodes.set_count(most)
        surface.set_workers(config.option, most, self._mode)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        self._nodes.register()
        if self._crew.method == "fork" and self._nodes.hook() is None:
            # Nobody has to be asked, so that the template need not wait for this session to start.
            self._configure_collector()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        self._history = History(self._config, self._coordinator)
        if not self._collector_is_configured:
            self._configure_collector()
        elif hook := self._nodes.hook():
            self._late_hook = hook
            self._nodes.announce()
        if self._crew.method != "fork" and self._request.workers is not None:
            # Each takes as long to collect as the first, so those that a machine has cores for start beside it.
            self._early_workers = min(self._request.workers, takeover.cores())
            for worker in range(1, self._early_workers):
                self._crew.start(worker)

    def _configure_collector(self) -> None:
        self._collector_is_configured = True
        self._nodes.announce()
        self._coordinator.configure_collector(self._nodes[0].encoded_input())

    # Collection.

    def pytest_collection(self, session: pytest.Session) -> bool:
        self._await_collection(session)
        return True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """A Ctrl-C, wherever in the session it came: what others still do is interrupted too."""
        if isinstance(excinfo.value, KeyboardInterrupt):
            self._coordinator.interrupt()

    def pytest_internalerror(self) -> None:
        """Nobody waits for tests any more: they are interrupted, and clean up."""
        self._coordinator.interrupt()

    def _await_collection(self, session: pytest.Session) -> None:
        described = None
        while described is None:
            for event in self._coordinator.next_events(_PATIENCE):
                match event:
                    case _core.Event.Note(payload=payload):
                        self._replay.note(payload)
                    case _core.Event.Collected(payload=payload, separable=separable, expected_total=total):
                        described = codec.loads(payload)
                        self._adopt(session, described, separable, total)
                    case _core.Event.WantsStop(payload=payload):
                        self._end = codec.loads(payload)
                        ends.finish(session, self._end)
                    case _core.Event.NotStarted(reason=reason):
                        raise no_process("the process that collects", reason)
                    case _core.Event.CollectorLost(returncode=returncode):
                        who, why = "the process that collects", crashes.how_it_ended(returncode)
                        raise ends.WorkerInternalError(
                            crashes.outside_of_tests(who, why, self._run.directory, "collector")
                        )
            if described is None and self._stacks.are_due(of_tests=False):
                self._stacks.show_collection()

    def _adopt(self, session: pytest.Session, described: dict[str, Any], separable: int, total: float) -> None:
        """Takes over what was collected as if this process had collected it."""
        nodeids = described["nodeids"]
        self._collectors_memory = described["memory"]
        self._crew.memory.check(self._collectors_memory)
        self._replay.nodeids = self._nodes.sched.collection = nodeids
        self._replay.locations = described["locations"]
        self._mode, scope = scheduling.scopes(self._config, self._mode, nodeids)
        if scope is not None:
            numbers: dict[object, int] = {}
            keys = [numbers.setdefault(scope(nodeid), len(numbers)) for nodeid in nodeids]
            self._coordinator.regroup(keys)
            separable = len(numbers)
        session.testscollected = len(nodeids)
        refusal = described["refusal"]
        if self._late_hook and refusal is None:
            refusal = f"{self._late_hook} was registered in pytest_sessionstart"
        if refusal is not None:
            self._refuse_fork(refusal, described["conftests"])
        outlook = self._history.expect(nodeids, described["wide"], described["imports"])
        self._choice = self._choose(separable, outlook or Outlook(total, None, 0.0))
        if self._crew.method == "fork" and refusal is None:
            refusal = self._nodes.differing(described["reads"], self._choice.workers)
            if refusal is not None:
                self._refuse_fork(refusal, described["conftests"])
        self._remember_nodeids(nodeids)
        if nodeids and not self._ends_with_collection(session):
            self._screen.say(f"fastest: {self._header()}")

    @staticmethod
    def _ends_with_collection(session: pytest.Session) -> bool:
        """Nothing runs, because not everything could be collected."""
        return bool(session.testsfailed) and not session.config.option.continue_on_collection_errors

    def _choose(self, separable: int, outlook: Outlook) -> capacity.Choice:
        return capacity.choose(
            self._request,
            separable=separable if self._mode != scheduling.EACH else capacity.UNLIMITED,
            outlook=outlook,
            memory=self._collectors_memory,
            files=self._crew.outputs.descriptors(),
            forks=self._crew.method == "fork",
            start_seconds=_core.monotonic() - self._started,
        )

    def _refuse_fork(self, reason: str, conftests: list[str]) -> None:
        """Lets workers configure themselves and collect, in this run and the next, unless the user says `fork`."""
        if self._request.start_method != "auto":
            self._method_reason = f"although {reason}"
            return
        self._crew.method = "forkserver"
        self._method_reason = reason
        # A reason may begin with the file that is to blame.
        culprit = self._config.rootpath / reason.partition(":")[0]
        remembered.remember(self._config, reason, [*conftests, *([str(culprit)] if culprit.is_file() else [])])

    def _remember_nodeids(self, nodeids: list[str]) -> None:
        """pytest's cache of known tests (`--nf`) is filled where tests are collected and written here."""
        plugin = self._config.pluginmanager.get_plugin("nfplugin")
        if plugin is not None:
            try:
                from _pytest.nodeid import NodeId
            except ImportError:
                plugin.cached_nodeids.update(nodeids)
            else:
                plugin.cached_nodeids.update(NodeId.parse(nodeid) for nodeid in nodeids)

    def _header(self) -> str:
        workers = self._choice.workers
        method = self._crew.method
        if self._method_reason is not None:
            method += f": {self._method_reason}"
        mode = "" if self._mode == surface.DEFAULT_MODE else f"{self._mode}, "
        return f"{workers} worker{'s' if workers != 1 else ''} ({self._choice.reason}), {mode}{method}"

    # Running.

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self._ends_with_collection(session):
            plural = "s" if session.testsfailed != 1 else ""
            raise session.Interrupted(f"{session.testsfailed} error{plural} during collection")
        if not self._replay.nodeids:
            return True
        self._start_workers()
        not_run = self._supervise(session)
        # The template unconfigures itself while this process writes its summary.
        self._coordinator.dismiss()
        self._history.save()
        self._account_for(session, not_run)
        ends.finish(session, self._end, self._stop_reason)
        return True

    def _start_workers(self) -> None:
        count = self._choice.workers
        option = self._config.option
        surface.set_workers(option, count, self._mode)
        self._crew.plan(count, self._request.restarts)
        self._decides_crashes = bool(
            self._request.retry_crashed or self._config.hook.pytest_handlecrashitem.get_hookimpls()
        )
        self._coordinator.begin(
            count,
            testrunuid=self._run.testrunuid,
            max_restarts=min(self._crew.most_restarts, _MOST),
            # As for pytest, one failure is more than any negative number.
            max_failures=min(max(option.maxfail, 1), _MOST) if option.maxfail else None,
            fail_fast=option.fail_fast,
            each=self._mode == scheduling.EACH,
            decides_crashes=self._decides_crashes,
            most_retries=self._request.retry_crashed,
            configures_first=self._crew.method != "fork",
            hang_timeout=self._request.hang_timeout,
            replaces_grown=self._crew.memory.is_limited,
        )
        first = 0
        if self._crew.method != "fork":
            self._coordinator.set_items(codec.dumps(self._replay.nodeids))
            if not self._late_hook:
                # What has collected is a worker already.
                self._crew.outputs.open(0)
                self._coordinator.become_worker(0)
                first = max(1, self._early_workers)
        for worker in range(first, count):
            self._crew.start(worker)

    def _supervise(self, session: pytest.Session) -> list[tuple[int, str]]:
        """Reports until every item is done; returns the items that were not run, and why."""
        interrupts: list[int] = []
        # An exception could come when events are taken and not yet reported: a flag can't.
        restore = count_interrupts(interrupts)
        try:
            observer = Observer(self._config, self._run, self._nodes, self._replay, self._screen, self._stacks)
            lanes = self._choice.workers if self._mode == scheduling.EACH else 1
            self._crew.lending.watched_by(observer)
            with observer.watching(lanes * len(self._replay.nodeids)):
                try:
                    import_for_the_end(self._config, self._collectors_memory)
                    return self._report_until_done(session, interrupts, observer)
                finally:
                    self._crew.outputs.close()
        finally:
            restore()

    def _report_until_done(
        self, session: pytest.Session, interrupts: list[int], observer: Observer
    ) -> list[tuple[int, str]]:
        heeded = 0
        patience = _PATIENCE
        while True:
            events = self._coordinator.next_events(patience)
            # While tests write, they are not kept waiting.
            patience = _SHORT if self._crew.outputs.show(self._crew.lending.borrower) else _PATIENCE
            # First: a terminal's Ctrl-C reaches processes that are starting, too, and what it does to them is no news.
            if len(interrupts) > heeded:
                heeded = len(interrupts)
                self._interrupt(heeded)
            with self._screen.one_write():
                for event in events:
                    if isinstance(event, _core.Event.Finished):
                        if len(interrupts) > heeded:
                            # It has ended what this waited for.
                            self._end = ("keyboard",)
                        return event.not_run
                    self._handle(session, event)
                    self._note_stop(session)
            observer.look()
            if (session.shouldfail or session.shouldstop) and not self._is_stopping:
                self._is_stopping = True
                self._coordinator.stop()

    def _interrupt(self, count: int) -> None:
        """A Ctrl-C lets running tests clean up; another one does not wait for them."""
        self._end = ("keyboard",)
        if count == 1:
            self._coordinator.interrupt()
        else:
            self._is_killed = True
            self._coordinator.kill()

    def _note_stop(self, session: pytest.Session) -> None:
        """Remembers the first reason to stop: the reports of tests that still ran would raise the count in it."""
        if self._stop_reason is None and session.shouldfail:
            self._stop_reason = ("failed", str(session.shouldfail))
        elif self._stop_reason is None and session.shouldstop:
            self._stop_reason = ("interrupted", str(session.shouldstop))

    def _handle(self, session: pytest.Session, event: _core.Event) -> None:
        match event:
            case _core.Event.Reports(worker=worker, item=item, finished=finished, payload=payload):
                self._replay.reports(self._nodes[worker], item, payload, finished=finished)
            case _core.Event.Note(payload=payload):
                self._replay.note(payload)
            case _core.Event.WantsStop(payload=payload):
                end = codec.loads(payload)
                # A test that `--fail-fast` interrupts is not what ends the run.
                if not (end == ("keyboard",) and session.shouldfail):
                    self._end = self._end or end
                    # Who quits a debugger does not wait for others, which may stop in one.
                    if end == ("keyboard",) or (end[0] == "exit" and self._crew.lending.borrower is not None):
                        self._coordinator.interrupt()
                        self._crew.lending.close()
                self._is_stopping = True
            case _core.Event.Crashed(worker=worker, item=item):
                may_retry = event.hung is None and not self._is_stopping and self._end is None
                self._crashed(worker, item, event.seconds, crashes.cause(event), may_retry=may_retry)
            case _core.Event.CannotBegin(reason=reason):
                raise no_room(reason)
            case _core.Event.Needed() | _core.Event.Confirm() if self._end == ("keyboard",):
                pass  # The coordinator does not wait for it any more.
            case _:
                self._crew.handle(event)

    def _crashed(self, worker: int, item: int | None, seconds: float, cause: str, *, may_retry: bool) -> None:
        node = self._nodes[worker]
        if not hasattr(node, "workeroutput"):
            self._crew.is_down(node, cause)
        if item is not None:
            decision = _core.Decision.Crashed
            if self._is_killed:
                self._interrupted.append(self._replay.nodeid(item))
            else:
                if self._config.hook.pytest_handlecrashitem.get_hookimpls():
                    time.sleep(_SETTLE)
                left = crashes.last_words(self._run.directory, worker)
                body = self._replay.body(item)
                alone = may_retry and body is None and self._confirmations.crashed(item, node.gateway.id, cause, left)
                if times := self._confirmations.times_alone(item):
                    cause += f"; alone in a fresh worker it has crashed {times} time{'s' if times > 1 else ''}"
                report = crashes.crashed(*self._replay.item(item), body, node, cause, left, seconds)
                decision = self._replay.crash(node, item, report, self._nodes.sched, alone=alone)
                if decision == _core.Decision.Alone:
                    self._confirmations.keep(item, report)
            if self._decides_crashes:
                self._coordinator.decide(item, decision)
        elif self._is_killed:
            pass
        elif self._end is None:
            who = f"worker '{node.gateway.id}'"
            text = crashes.outside_of_tests(who, cause, self._run.directory, f"gw{worker}")
            self._replay.worker_errors.append(text)

    # The end.

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Keeps the record of the run, and ends it as a plugin has, if only where tests ran."""
        if self._replay.nodeids:
            found = self._chronicle.outcomes(self._replay.nodeids)
            name, workers, reason = self._run.testrunuid, self._choice.workers, self._method_reason
            about = self._chronicle.about(name, self._crew.method, workers, exitstatus, reason=reason)
            nodeids = clean_all(self._replay.nodeids)
            record = self._coordinator.record(about, nodeids, *found)
            self._failures.note(record, is_kept=self._chronicle.finish(record))
        if session.exitstatus == exitstatus and exitstatus in self._replay.exit_statuses:
            session.exitstatus, exit_message = self._replay.exit_statuses[exitstatus]
            if exit_message is not None:
                raise pytest.exit.Exception(exit_message)

    def _account_for(self, session: pytest.Session, not_run: list[tuple[int, str]]) -> None:
        self._crew.missing.warn(self._config)
        for index, reason in not_run:
            if report := self._confirmations.unconfirmed(index, reason):
                self._replay.not_confirmed(index, report)
            elif reason in _NOT_RUN:
                self._replay.not_run(index, self._crew.missing.why_not_run(reason, _NOT_RUN[reason]))
            elif reason == "interrupted" and not ((body := self._replay.body(index)) and body.failed):
                # What has failed, and is quit in a debugger, has its outcome.
                self._interrupted.append(self._replay.nodeid(index))
        if self._replay.worker_errors and not session.testsfailed:
            session.testsfailed += 1

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        self._chronicle.write_summary(terminalreporter)
        self._crew.write(terminalreporter)
        self._confirmations.write(terminalreporter, self._replay.nodeid)
        if self._interrupted:
            terminalreporter.section("interrupted tests", sep="=", yellow=True)
            for nodeid in self._interrupted:
                terminalreporter.write_line(nodeid)
        if self._replay.worker_errors:
            terminalreporter.section("errors of workers", sep="=", red=True)
            for text in self._replay.worker_errors:
                terminalreporter.write_line(text)

    def pytest_unconfigure(self) -> None:
        """Passes on what plain pytest prints now."""
        for text in self._replay.last_words:
            sys.stderr.write(text)

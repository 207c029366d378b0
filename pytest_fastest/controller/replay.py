"""Turns what other processes say into the hook calls that plain pytest would have made here."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_fastest import _core, codec
from pytest_fastest.controller import crashes, junit, rebuild
from pytest_fastest.controller.warn import warn

if TYPE_CHECKING:
    import pytest

    from pytest_fastest.controller.nodes import Nodes
    from pytest_fastest.xdist.facade import Sched
    from pytest_fastest.xdist.nodes import WorkerNode


class Replay:
    """Calls the reporting hooks of one run's controller."""

    def __init__(self, config: pytest.Config, testrunuid: str, nodes: Nodes) -> None:
        self._config = config
        self._nodes = nodes
        self._hook = config.hook
        self._testrunuid = testrunuid
        self.nodeids: list[str] = []
        self.locations: list[tuple[str, int | None, str]] = []
        # What went wrong in workers outside of any test.
        self.worker_errors: list[str] = []
        # What workers have printed when they were done.
        self.last_words: list[str] = []
        # What plugins have made of a session's exit status where tests ran, by the one that they were given; with the
        # message of a `pytest.exit`, if it was one.
        self.exit_statuses: dict[int, tuple[int, str | None]] = {}
        # Attributes of reports that a warning has been given about.
        self._degraded: set[str] = set()
        # How many items have come to their ends.
        self.done = 0
        # Items of which something was reported, and not all: the report that tells how their bodies ended.
        self._begun: dict[int, pytest.TestReport | None] = {}

    def nodeid(self, index: int) -> str:
        """The node id of an item."""
        return self.item(index)[0]

    def item(self, index: int) -> tuple[str, tuple[str, int | None, str]]:
        """Node id and location of an item. If every worker runs everything, each has numbers of its own."""
        index %= len(self.nodeids)
        return self.nodeids[index], self.locations[index]

    def note(self, payload: bytes) -> None:
        """A message of the collector, or of a worker between two tests."""
        match codec.loads(payload):
            case ("collectreport", data, items):
                report = rebuild.report(self._config, data)
                report.result = [SimpleNamespace(nodeid=nodeid, id=_node_id(nodeid)) for nodeid in items]
                self._hook.pytest_collectreport(report=report)
            case ("collected", counts):
                self._print_collected(counts)
            case ("sessionfinish", worker, text):
                self.worker_errors.append(f"worker 'gw{worker}' failed while it finished its session\n{text}")
            case ("printed", text):
                self.last_words.append(text)
            case ("exitstatus", given, made, exit_message):
                self.exit_statuses.setdefault(given, (made, exit_message))
            case ("warning", data):
                self._warning(data)
            case ("late_report", worker, index, data):
                report = rebuild.report(self._config, data)
                self._log(self._nodes[worker], index, report)

    def reports(self, node: WorkerNode, index: int, payload: bytes, *, finished: bool) -> None:
        """Reports of one item, in the order in which the worker made them."""
        entries = codec.loads(payload)
        nodeid, location = self.item(index)
        first = None
        if index not in self._begun:
            self._begun[index] = None
            self._hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
        for entry in entries:
            match entry:
                case ("report", data):
                    _use_known(nodeid, location, data)
                    report = rebuild.report(self._config, data)
                    first = first or report
                    rebuild.share_id(report, first)
                    if _ends_body(report):
                        self._begun[index] = report
                    self._log(node, index, report)
                case ("warning", data):
                    self._warning(data)
                case (("junit_attribute" | "junit_property" | "junit_global_property") as what, name, value):
                    # The same test is named by its node id and its worker.
                    junit.record(self._config, what, name, value, crashes.unfinished(nodeid, location, node))
                case ("degraded", attribute, kind):
                    self._warn_of_degraded(nodeid, location, attribute, kind)
                case ("missing", failure):
                    self._log(node, index, crashes.missing(nodeid, location, node, failure))
        if finished:
            self.done += 1
            del self._begun[index]
            self._hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)

    def body(self, index: int) -> pytest.TestReport | None:
        """The report of how the item's body ended, as long as it was not reported how its teardown did."""
        return self._begun.get(index)

    def crash(
        self, node: WorkerNode, index: int, report: pytest.TestReport, sched: Sched, *, alone: bool
    ) -> _core.Decision:
        """The worker died in this item, of which `report` is made; what becomes of it. A plugin may want it to run
        again; if none does, it runs again `alone` or has crashed for good.
        """
        nodeid, location = self.item(index)
        if index in self._begun:
            del self._begun[index]
        else:
            self._hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
        self._sign(node, index, report)
        self._hook.pytest_handlecrashitem(crashitem=nodeid, report=report, sched=sched)
        decision = _core.Decision.Crashed
        log = self._hook.pytest_runtest_logreport
        if sched.take_pending(nodeid):
            decision = _core.Decision.Again
        elif alone:
            decision = _core.Decision.Alone
            # As pytest-rerunfailures calls it, which reporters know.
            report.outcome = "rerun"  # type: ignore[assignment]
            log = junit.without(self._config, report)
        self.done += decision == _core.Decision.Crashed
        log(report=report)
        if report.when != "teardown":
            closing = crashes.closing(nodeid, location)
            self._sign(node, index, closing)
            log(report=closing)
        self._hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
        return decision

    def not_run(self, index: int, reason: str) -> None:
        """The item was not run although nobody wanted it so."""
        nodeid, location = self.item(index)
        self._hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
        self._hook.pytest_runtest_logreport(report=crashes.not_run(nodeid, location, reason))
        self._hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)

    def not_confirmed(self, index: int, report: pytest.TestReport) -> None:
        """The item has crashed as `report` says, and did not run again although it should have."""
        nodeid, location = self.item(index)
        self._hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
        self._hook.pytest_runtest_logreport(report=report)
        self._log(report.node, index, crashes.closing(nodeid, location))
        self._hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)

    def _print_collected(self, counts: dict[str, Any]) -> None:
        """pytest's "collected" line, and what plugins say below it."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        # In parallel a file's tests come in pieces: no line per file, as under pytest-xdist.
        reporter.showfspath = False
        reporter._numcollected = counts["collected"]
        if counts["deselected"]:
            deselected = [SimpleNamespace(nodeid=nodeid) for nodeid in counts["deselected"]]
            reporter._add_stats("deselected", deselected)
        reporter.report_collect(True)
        reporter._write_report_lines_from_hooks(counts["lines"])

    def _log(self, node: WorkerNode, index: int, report: pytest.TestReport) -> None:
        self._sign(node, index, report)
        self._hook.pytest_runtest_logreport(report=report)

    def _sign(self, node: WorkerNode, index: int, report: pytest.TestReport) -> None:
        # The names under which pytest-xdist's users and pytest's own junitxml look for them.
        report.node = node  # type: ignore[attr-defined]
        report.worker_id = node.gateway.id  # type: ignore[attr-defined]
        report.testrun_uid = self._testrunuid  # type: ignore[attr-defined]
        report.item_index = index % len(self.nodeids)  # type: ignore[attr-defined]

    def _warn_of_degraded(self, nodeid: str, location: tuple[str, int | None, str], attribute: str, kind: str) -> None:
        """Says once for each attribute of reports that it has become text on its way."""
        if attribute not in self._degraded:
            self._degraded.add(attribute)
            text = (
                f"attribute {attribute!r} of the report of {nodeid} holds a value of type {kind!r}, which can't be "
                "sent: the controller has its repr"
            )
            warn(self._config, text, nodeid, location)

    def _warning(self, data: dict[str, Any]) -> None:
        rebuilt = rebuild.warning(data)
        message = warnings.WarningMessage(
            message=rebuilt,
            category=type(rebuilt),
            filename=data["filename"],
            lineno=data["lineno"],
            line=data["line"],
        )
        self._hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": message,
                "when": data["when"],
                "nodeid": data["nodeid"],
                "location": data["location"],
            }
        )


def _ends_body(report: Any) -> bool:
    """Of a test that does not come to its body, the set-up's does. A subtest's report is none of the test."""
    is_final = report.outcome in ("passed", "failed", "skipped") and not hasattr(report, "context")
    return is_final and (report.when == "call" or (report.when == "setup" and not report.passed))


def _use_known(nodeid: str, location: tuple[str, int | None, str], data: dict[str, Any]) -> None:
    """pytest keeps every report to the end: what all reports of an item have in common is kept once."""
    if data["nodeid"] == nodeid:
        data["nodeid"] = nodeid
    if data["location"] == location:
        data["location"] = location


def _node_id(nodeid: str) -> object:
    """What newer versions of pytest use in the place of the text."""
    try:
        from _pytest.nodeid import NodeId
    except ImportError:
        return nodeid
    return NodeId.parse(nodeid)

"""The run's items, as a worker finds them: all of them, or among its own if it collects for itself."""

from __future__ import annotations

from collections import defaultdict, deque
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, cast

import pytest
from _pytest import runner
from _pytest.warnings import catch_warnings_for_item

from pytest_fastest.options import COLLECT, NEEDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from _pytest.nodes import Node


class AllItems:
    """The items of the process that has collected them for all: nothing has to be found."""

    def __init__(self, items: list[pytest.Item]) -> None:
        # Nothing is made of the list: counting a reference to every item would copy its page in every forked worker.
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def find(self, index: int) -> pytest.Item | None:
        """The item with this number."""
        return self._items[index]

    def failure(self, _index: int) -> str:
        """Why an item was not found: there is no such case."""
        return ""


class OwnItems:
    """Matches by node id and occurrence: the same id may be there several times."""

    def __init__(self) -> None:
        self._nodeids: Sequence[str] = ()
        self._unknown: list[pytest.Item] = []
        self._open: dict[str, deque[int]] = defaultdict(deque)
        self._found: dict[int, pytest.Item] = {}
        self._failures: dict[str, str] = {}

    def __len__(self) -> int:
        """How many items the run has."""
        return len(self._nodeids)

    def add(self, items: Iterable[pytest.Item]) -> None:
        """What this process has collected, before or after the run's items are known."""
        if not self._nodeids:
            self._unknown += items
            return
        for item in items:
            if indices := self._open.get(item.nodeid):
                self._found[indices.popleft()] = item

    def match(self, nodeids: Sequence[str]) -> None:
        """From now on, the run's items are known: their node ids, in its order."""
        self._nodeids = nodeids
        for index, nodeid in enumerate(nodeids):
            self._open[nodeid].append(index)
        self.add(self._unknown)
        self._unknown.clear()

    def find(self, index: int) -> pytest.Item | None:
        """The item with this number, or `None` if this process has none like that."""
        return self._found.get(index)

    def note(self, report: pytest.CollectReport) -> None:
        """Something has been collected, or not."""
        if report.failed:
            self._failures[report.nodeid] = report.longreprtext

    def failure(self, index: int) -> str:
        """What went wrong with the file of an item that was not found, if something did."""
        return self._failures.get(self._nodeids[index].partition("::")[0], "")

    def collect_ahead(self) -> bool:
        """Collects a part of what is left, while there is nothing else to do; whether there was something."""
        return False


class NeededItems(OwnItems):
    """Imports a test module when an item of it is asked for (`fastest_collect = needed`).

    The collection itself goes through all directories, so that all conftests are loaded, and finds the modules.
    """

    def __init__(self, session: pytest.Session) -> None:
        super().__init__()
        self._session = session
        self._genitems = session.genitems
        self._modules: dict[str, list[pytest.Module]] = {}
        session.genitems = self._leave_modules  # type: ignore[method-assign]

    def match(self, nodeids: Sequence[str]) -> None:
        super().match(nodeids)
        self._session.testscollected = len(nodeids)
        _complete_on_demand(self._session, self._complete)

    def find(self, index: int) -> pytest.Item | None:
        if index not in self._found:
            self._collect(self._nodeids[index].partition("::")[0])
        if index not in self._found:
            self._collect_all()
        return self._found.get(index)

    def collect_ahead(self) -> bool:
        if self._modules:
            self._collect(next(iter(self._modules)))
            return True
        return False

    def _leave_modules(self, node: Node) -> Iterator[pytest.Item]:
        """In the place of pytest's method."""
        # A plugin's own kind of module may be anything.
        if type(node) is pytest.Module:
            self._modules.setdefault(node.nodeid, []).append(node)
        else:
            yield from self._genitems(cast("pytest.Item | pytest.Collector", node))

    def _collect_all(self) -> None:
        for name in list(self._modules):
            self._collect(name)

    def _collect(self, name: str) -> None:
        """Imports the modules of this name, and finds items among theirs."""
        for module in self._modules.pop(name, ()):
            with _as_if_collecting(self._session.config):
                report = runner.collect_one_node(module)
                if report.failed and self._modules:
                    # Another module may have to be there first.
                    self._collect_all()
                    report = runner.collect_one_node(module)
                items = [item for node in report.result or () for item in self._genitems(node)]
                module.ihook.pytest_collectreport(report=report)
                hook = self._session.config.hook
                hook.pytest_collection_modifyitems(session=self._session, config=self._session.config, items=items)
            self.add(items)

    def _complete(self) -> list[pytest.Item]:
        self._collect_all()
        return [self._found[index] for index in sorted(self._found)]


@contextmanager
def _as_if_collecting(config: pytest.Config) -> Iterator[None]:
    """In the midst of a test's protocol: neither its warnings nor its captured output are touched."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    captures = capture if capture is not None and capture.is_globally_capturing() else None
    warns = config.pluginmanager.has_plugin("warnings")
    with catch_warnings_for_item(config, config.hook, "collect", None) if warns else nullcontext():
        yield
    if captures is not None:
        captures.resume_global_capture()


def choose(session: pytest.Session) -> OwnItems:
    """As the configuration says. Before the session collects."""
    return NeededItems(session) if session.config.getini(COLLECT) == NEEDED else OwnItems()


def _complete_on_demand(session: pytest.Session, complete: Callable[[], list[pytest.Item]]) -> None:
    """Who asks a session for its items gets all of them."""

    def items(session: pytest.Session) -> list[pytest.Item]:
        known: list[pytest.Item] | None = session.__dict__.get("all_items")
        if known is None:
            known = session.__dict__["all_items"] = complete()
        return known

    def set_items(session: pytest.Session, items: list[pytest.Item]) -> None:
        session.__dict__["all_items"] = items

    kind = type(session)
    session.__class__ = type(kind.__name__, (kind,), {"items": property(items, set_items)})

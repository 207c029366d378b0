"""What belongs together, by the modes of `--dist` and by schedulers that plugins make."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

EACH = "each"


# Methods and properties of pytest-xdist's schedulers that would have to be asked during the run, and are not.
_DECIDED_HERE = frozenset(
    (
        "_assign_work_unit",
        "_pending_of",
        "_reschedule",
        "add_node",
        "add_node_collection",
        "collection_is_completed",
        "has_pending",
        "mark_test_complete",
        "mark_test_pending",
        "nodes",
        "remove_node",
        "remove_pending_tests_from_node",
        "schedule",
        "tests_finished",
    )
)


class _Log:
    """Takes what schedulers log, and forgets it."""

    def __call__(self, *values: object) -> None:
        pass

    def __getattr__(self, name: str) -> _Log:
        return self


def loadfile(nodeid: str) -> str:
    """A test belongs to its file."""
    return nodeid.partition("::")[0]


def loadscope(nodeid: str) -> str:
    """A test belongs to its class if there is one, else to its module."""
    return nodeid.rpartition("::")[0] or nodeid


_SCOPES = {"loadfile": loadfile, "loadscope": loadscope}


def scopes(config: pytest.Config, mode: str, nodeids: list[str]) -> tuple[str, Callable[[str], object] | None]:
    """The mode that counts, and what tells a test's scope by its node id: tests with the same scope are run by one
    worker, in order. `None`: groups are as they were collected.

    Raises `pytest.UsageError` if a plugin makes a scheduler that can't be honoured.
    """
    if config.hook.pytest_xdist_make_scheduler.get_hookimpls():
        scheduler = config.hook.pytest_xdist_make_scheduler(config=config, log=_Log())
        if scheduler is not None:
            return _of_scheduler(scheduler, nodeids)
    return mode, _SCOPES.get(mode)


def _of_scheduler(scheduler: Any, nodeids: list[str]) -> tuple[str, Callable[[str], object] | None]:
    from xdist import scheduler as known

    kinds = {
        known.EachScheduling: (EACH, None),
        known.LoadScheduling: ("load", None),
        known.WorkStealingScheduling: ("worksteal", None),
        known.LoadGroupScheduling: ("loadgroup", None),
        known.LoadFileScheduling: ("loadfile", loadfile),
        known.LoadScopeScheduling: ("loadscope", loadscope),
    }
    if type(scheduler) in kinds:
        return kinds[type(scheduler)]
    if isinstance(scheduler, known.LoadScopeScheduling) and not isinstance(scheduler, known.LoadGroupScheduling):
        if not (unsupported := _unsupported(type(scheduler), set(kinds))):
            # A scope may be told by the whole collection.
            scheduler.collection = list(nodeids)
            return "loadscope", scheduler._split_scope
        what = f"it defines {', '.join(sorted(unsupported))}"
    elif isinstance(scheduler, known.LoadGroupScheduling):
        what = "it is a subclass of LoadGroupScheduling, whose groups are those of the marks"
    else:
        what = "it is none of them"
    raise pytest.UsageError(
        f"the scheduler {type(scheduler).__module__}.{type(scheduler).__qualname__}, which a "
        "pytest_xdist_make_scheduler hook returns, can't be honoured by fastest: supported are pytest-xdist's own "
        "schedulers and subclasses of LoadScopeScheduling and LoadFileScheduling that define only _split_scope (and "
        f"__init__); {what}"
    )


def _unsupported(kind: type, known: set[type]) -> set[str]:
    """What a scheduler class changes besides its scopes."""
    own = {name for ancestor in inspect.getmro(kind) if ancestor not in known for name in vars(ancestor)}
    return own & _DECIDED_HERE

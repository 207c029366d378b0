"""The schedulers that a `pytest_xdist_make_scheduler` hook may return.

fastest schedules by itself. Of a scheduler it takes which kind it is, and `_split_scope`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pytest

__all__ = [
    "EachScheduling",
    "LoadFileScheduling",
    "LoadGroupScheduling",
    "LoadScheduling",
    "LoadScopeScheduling",
    "Scheduling",
    "WorkStealingScheduling",
]


class Scheduling(Protocol):
    """Any scheduler."""

    config: pytest.Config


class _Scheduler:
    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        self.config = config
        self.log = log
        self.numnodes = len(config.option.tx)


class EachScheduling(_Scheduler):
    """Every test on every worker."""


class LoadScheduling(_Scheduler):
    """Tests are dealt as by default."""


class WorkStealingScheduling(_Scheduler):
    """Tests are dealt as by default."""


class LoadScopeScheduling(_Scheduler):
    """Tests with the same scope are run by the same worker."""

    # All node ids, once they are collected.
    collection: list[str] | None = None

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.rsplit("::", 1)[0]


class LoadFileScheduling(LoadScopeScheduling):
    """Tests of the same file are run by the same worker."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0]


class LoadGroupScheduling(LoadScopeScheduling):
    """Tests are dealt as by default, marked groups stay together."""

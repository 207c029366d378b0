"""Which role a process has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_fastest.plugin import testrun_uid, worker_id

if TYPE_CHECKING:
    import pytest

__all__ = [
    "get_xdist_worker_id",
    "is_xdist_controller",
    "is_xdist_master",
    "is_xdist_worker",
    "testrun_uid",
    "worker_id",
]


def is_xdist_worker(request_or_session: pytest.FixtureRequest | pytest.Session) -> bool:
    """Whether this process is a worker."""
    return hasattr(request_or_session.config, "workerinput")


def is_xdist_controller(request_or_session: pytest.FixtureRequest | pytest.Session) -> bool:
    """Whether this process is the controller of workers; false if there are none."""
    return not is_xdist_worker(request_or_session) and request_or_session.config.option.dist != "no"


is_xdist_master = is_xdist_controller


def get_xdist_worker_id(request_or_session: pytest.FixtureRequest | pytest.Session) -> str:
    """The worker's id (`gw0`), or `master` on the controller and without workers."""
    workerinput = getattr(request_or_session.config, "workerinput", None)
    return "master" if workerinput is None else str(workerinput["workerid"])

"""Forking on request: what base and template do while they wait.

One thread, no signal handlers: a poll over the connection and a descriptor per child (`pidfd`).
"""

from __future__ import annotations

import os
import select
import signal
from os import getpid  # A test may replace it where others look.
from typing import NamedTuple

from pytest_fastest import _core
from pytest_fastest.worker.forksafety import fork

# Where the system has no descriptors for processes, children are looked at this often (milliseconds).
_REAP_EVERY = 20


class Address(NamedTuple):
    """How a process of the run finds the coordinator."""

    directory: str
    token: str


class Forked(NamedTuple):
    """In a freshly forked worker: its number and its encoded `workerinput`."""

    worker: int
    payload: bytes


class Become(NamedTuple):
    """The process is to run tests itself."""

    worker: int


class Children:
    """The living children of this process, with a descriptor each where the system has them."""

    def __init__(self) -> None:
        self._descriptors: dict[int, int | None] = {}

    def __bool__(self) -> bool:
        return bool(self._descriptors)

    def add(self, pid: int) -> None:
        try:
            self._descriptors[pid] = os.pidfd_open(pid)
        except (AttributeError, OSError):
            self._descriptors[pid] = None

    @property
    def descriptors(self) -> list[int]:
        return [descriptor for descriptor in self._descriptors.values() if descriptor is not None]

    @property
    def need_looking(self) -> bool:
        return None in self._descriptors.values()

    def reap(self, link: _core.Link) -> None:
        """Tells the coordinator which children have ended, and how."""
        for pid, descriptor in list(self._descriptors.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._descriptors[pid]
                if descriptor is not None:
                    os.close(descriptor)
                link.exited(pid, os.waitstatus_to_exitcode(status))

    def forget(self) -> None:
        """In a forked child: closes its copies of the descriptors of its siblings."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def kill(self) -> None:
        for pid in self._descriptors:
            os.kill(pid, signal.SIGKILL)


def serve(link: _core.Link, children: Children) -> Forked | Become | None:
    """Forks and reaps until told to quit. Returns `Forked` in every forked child, and in the parent what it is to do
    next: `Become`, or `None` to leave, once all children have ended.

    Raises `ConnectionError` if the coordinator is gone.
    """
    quitting = False
    parent = getpid()
    while not (quitting and not children):
        poll = select.poll()
        poll.register(link.fileno(), select.POLLIN)
        for descriptor in children.descriptors:
            poll.register(descriptor, select.POLLIN)
        poll.poll(_REAP_EVERY if children.need_looking else None)
        children.reap(link)
        while (message := link.receive(False)) is not None:
            match message:
                case _core.Message.Fork(worker=worker, payload=payload):
                    try:
                        pid = fork()
                    except OSError as error:
                        link.not_forked(worker, str(error))
                        continue
                    if pid == 0:
                        _core.die_with_parent(parent)
                        children.forget()
                        link.close()
                        return Forked(worker, payload)
                    children.add(pid)
                    link.forked(worker, pid)
                case _core.Message.Become(worker=worker):
                    return Become(worker)
                case _core.Message.Quit():
                    quitting = True
    return None

"""The base: a copy of the controller from before any conftest was loaded. It forks the collector and, if each worker
configures itself, the workers, and buries them.
"""

from __future__ import annotations

import os
import shutil
import signal

from pytest_fastest import _core, tty
from pytest_fastest.worker.forkserver import Address, Children, Forked, serve


def fork_from_base(address: Address, mark: str | None, *, forks_workers: bool) -> int | None:
    """Runs in the base. Returns in its children only: `None` in the collector, in a worker its number.

    `mark`: the run's name in the environment of what its tests start, if no other run has it. `forks_workers`: the base
    is certain to.
    """
    # What ends the whole group ends the controller, and that ends the base: somebody has to clean up. A Ctrl-C is
    # blocked all the time that the base lives.
    fatal = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in fatal} | tty.hear_of_no_background()
    refusal = None
    base = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        pid, refusal = -1, str(error)
    worker = None
    if pid != 0:
        children = Children()
        if refusal is None:
            children.add(pid)
        try:
            link = _core.Link.base(address.directory, address.token)
            if refusal is None:
                link.forked(None, pid)
            else:
                link.not_forked(None, refusal)
            if forks_workers:
                # For all of them. A base that most likely only waits leaves time and memory to the others.
                import pytest_fastest.worker.process  # noqa: F401

            match serve(link, children):
                case Forked(worker=number):
                    worker = number
                case _:
                    os._exit(0)
        except ConnectionError:
            # The controller is gone without a word: nobody else is left to clean up.
            tty.recover(tty.note(address.directory))
            _core.kill_run(mark)
            children.kill()
            shutil.rmtree(address.directory, ignore_errors=True)
            os._exit(0)
        except BaseException:
            os._exit(1)
    if worker is None:
        _core.die_with_parent(base)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return worker

"""What a forked worker does before its first test. Each step keeps it from disturbing its siblings."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import TYPE_CHECKING, Any

from pytest_fastest import _core
from pytest_fastest.worker import adaptors, debug_file, identity

if TYPE_CHECKING:
    import pytest

    from pytest_fastest.worker.terminal import Terminal


class Collector:
    """The state of the garbage collector, which is off while tests are collected and while workers are forked."""

    def __init__(self) -> None:
        self._enabled = gc.isenabled()

    def pause(self) -> None:
        self._enabled = gc.isenabled()
        gc.disable()

    def freeze(self) -> None:
        """Before the fork: whatever writes to memory that exists copies the pages of it in every worker.

        What lives is moved out of sight of the collector, which would mark it. What is free goes back to the system,
        so that nobody fills it. Garbage stays: its place would be filled too.
        """
        gc.freeze()
        _core.give_back_memory()

    def resume(self) -> None:
        if self._enabled:
            gc.enable()


def _drop_exit_handlers() -> None:
    """The template's handlers end with the template; a worker runs those that its own tests register, and those of
    the standard library that look after what its tests have started.
    """
    atexit._clear()
    logging = sys.modules.get("logging")
    if logging is not None:
        atexit.register(logging.shutdown)
    multiprocessing = sys.modules.get("multiprocessing.util")
    if multiprocessing is not None:
        atexit.register(multiprocessing._exit_function)


def settle(
    config: pytest.Config,
    workerinput: dict[str, Any],
    terminal: Terminal,
    collector: Collector,
    directory: str,
    worker: int,
) -> None:
    """Makes the forked copy of the template a worker of its own, with that number. `directory`: the run's."""
    _drop_exit_handlers()
    identity.assume(config, workerinput)
    adaptors.after_fork(config)
    debug_file.begin(config, f"gw{worker}")
    terminal.return_for_tests(config, directory, worker)
    collector.resume()

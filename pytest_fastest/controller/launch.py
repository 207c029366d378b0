"""The start of a run: the coordinator, the base, and the process that collects.

What only one side needs is imported after the fork: both import at the same time then.
"""

from __future__ import annotations

import atexit
import gc
import marshal
import os
import subprocess
import sys
import uuid
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_fastest import _core, ctrl_c, tty
from pytest_fastest.controller import early_plugins, remembered
from pytest_fastest.controller.shortage import no_process, no_room
from pytest_fastest.worker import forksafety
from pytest_fastest.worker.base import fork_from_base
from pytest_fastest.worker.forkserver import Address
from pytest_fastest.worker.terminal import Terminal, flush, open_all
from pytest_fastest.xdist import options as surface

if TYPE_CHECKING:
    from pytest_fastest.controller.stacks import Asked
    from pytest_fastest.request import Request

# Seconds that the template may take to unconfigure itself before it is killed.
_CLOSE_PATIENCE = 10.0


class Launched(NamedTuple):
    """What the controller knows of its run."""

    coordinator: _core.Coordinator
    directory: Path
    testrunuid: str
    # "fork", "forkserver" or "spawn", and why, if the user did not say it.
    method: str
    method_reason: str | None
    # The command that starts a fresh interpreter, up to its role, and its environment: the one from before conftests
    # were loaded, which every process loads for itself.
    spawn_command: list[str]
    environment: list[tuple[str, str]]
    # There is somebody who could use a debugger.
    has_keys: bool
    # Somebody wants to know where the run is.
    asked: Asked


def launch(config: pytest.Config, request: Request) -> None:
    """Starts a run's processes. Returns in the controller, and in each forked process that has a role by then.

    Raises `pytest.UsageError` if there is no place for what they share, or if the system makes none of them.
    """
    mask = ctrl_c.hold()
    try:
        _launch(config, request, mask)
    finally:
        ctrl_c.release(mask)


def _launch(config: pytest.Config, request: Request, mask: ctrl_c.Mask) -> None:
    open_all()
    has_keys = tty.has_keys()
    method, reason = _start_method(config, request)
    testrunuid = request.testrunuid or uuid.uuid4().hex
    provisional = {"workerid": "gw0", "workercount": request.workers or 1, "testrunuid": testrunuid}
    try:
        bound = _core.Address()
    except OSError as error:
        raise no_room(error) from None
    address = Address(str(bound.directory), bound.token)
    base_pid = None
    if method != "spawn":
        base_pid = _fork(config)
        if base_pid == 0:
            bound.disown()
            # A name that the user has chosen may be that of another run.
            mark = None if request.testrunuid else testrunuid
            worker = fork_from_base(address, mark, forks_workers=method != "fork")
            from pytest_fastest.worker.process import Process

            can_fork = worker is None and method == "fork"
            Process(address, provisional, Terminal.leave(), worker=worker, can_fork=can_fork).enter(config)
            return
    # First, as a signal that nobody heeds would end this process.
    from pytest_fastest.controller.stacks import Asked

    asked = Asked(config)
    from pytest_fastest.controller.session import ControllerPlugin
    from pytest_fastest.worker import reports

    # The interpreter looks for garbage three times while it exits, in all that pytest and plugins have made.
    atexit.register(gc.freeze)
    coordinator = _start_coordinator(bound, base_pid)
    if method == "spawn":
        from pytest_fastest.controller.guard import guard

        # Cleanups run last one first: the coordinator has removed the directory when its guard is dismissed.
        config.add_cleanup(guard(address.directory, None if request.testrunuid else testrunuid))
    _close_at_the_end(config, coordinator, base_pid)
    reports.have_hooks(config)
    directory = Path(address.directory)
    try:
        command = _write_boot(config, address, provisional, directory, mask)
    except OSError as error:
        raise no_room(error) from None
    environment = list(os.environ.items())
    run = Launched(coordinator, directory, testrunuid, method, reason, command, environment, has_keys, asked)
    if method == "spawn":
        coordinator.spawn_collector([*command, "collector"], run.environment)
    if request.keep_order:
        coordinator.keep_order()
    # Some plugins ask right now whether there will be workers, and not all that ask for them are options.
    surface.set_workers(config.known_args_namespace, request.workers or 1, request.mode)
    config.pluginmanager.register(ControllerPlugin(config, run, request), "fastest-controller")


def _fork(config: pytest.Config) -> int:
    """Forks the base. Raises `pytest.UsageError` if the system makes no process."""
    flush()
    if not gc.get_freeze_count():
        # Three processes share what exists from now on. The garbage collector would copy its pages with its marks, and
        # look through it in vain while the controller's reports become more and more.
        gc.freeze()
        config.add_cleanup(gc.unfreeze)
    try:
        return os.fork()
    except OSError as error:
        raise no_process("a process", error) from None


def _start_coordinator(bound: _core.Address, base_pid: int | None) -> _core.Coordinator:
    """Starts the first threads of this process, now that nothing forks from it any more."""
    try:
        return bound.start(base_pid)
    except OSError as error:
        if base_pid is not None:
            # Nobody answers it, so it ends.
            os.waitpid(base_pid, 0)
        raise no_process("a thread", error) from None


def _start_method(config: pytest.Config, request: Request) -> tuple[str, str | None]:
    if request.start_method != "auto":
        if request.start_method != "spawn" and not hasattr(os, "fork"):
            raise pytest.UsageError(f"--start-method {request.start_method}: this system has no fork; use spawn")
        return request.start_method, None
    if not hasattr(os, "fork"):
        return "spawn", "this system has no fork"
    if sys.platform == "darwin":
        return "spawn", "fork is not safe on macOS"
    if not forksafety.is_single_threaded():
        return "spawn", "pytest was started in a process with threads"
    if reason := early_plugins.reader(config):
        return "spawn", reason
    if reason := remembered.recall(config):
        return "forkserver", f"{reason} (remembered)"
    return "fork", None


def _write_boot(
    config: pytest.Config, address: Address, provisional: dict[str, Any], directory: Path, mask: ctrl_c.Mask
) -> list[str]:
    """Writes down what a fresh interpreter needs; returns the command that starts one, up to its role."""
    from pytest_fastest.worker.spawn import BOOTSTRAP

    plugins = [
        plugin.__name__ if isinstance(plugin, ModuleType) else plugin
        for plugin in config.invocation_params.plugins or ()
        if isinstance(plugin, (str, ModuleType))
    ]
    boot = {
        "address": address.directory,
        "token": address.token,
        "provisional": provisional,
        "args": [str(argument) for argument in config.invocation_params.args],
        "plugins": plugins,
        "directory": str(config.invocation_params.dir),
        "sys_path": [str(entry) for entry in sys.path],
        "argv": list(sys.argv),
        "mask": mask,
    }
    file = directory / "boot"
    file.touch(0o600, exist_ok=False)
    file.write_bytes(marshal.dumps(boot))
    # The standard library's own list of what `multiprocessing` hands down (-X, -W, -O, …).
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *flags, "-c", BOOTSTRAP, str(file)]


def _close_at_the_end(config: pytest.Config, coordinator: _core.Coordinator, base_pid: int | None) -> None:
    stack: Any = getattr(config, "_cleanup_stack", None)
    if stack is None:  # Older versions of pytest.
        config.add_cleanup(lambda: _close(coordinator, base_pid, None))
    else:
        # Told what another cleanup has raised.
        stack.push(lambda _kind, error, _traceback: _close(coordinator, base_pid, error))


def _close(coordinator: _core.Coordinator, base_pid: int | None, error: BaseException | None) -> None:
    """Ends what is left of the run's processes, and removes its directory. A Ctrl-C ends them at once."""
    if isinstance(error or sys.exc_info()[1], KeyboardInterrupt):
        # It came behind the session, on its way out.
        coordinator.interrupt()
    try:
        coordinator.close(_CLOSE_PATIENCE)
    finally:
        if base_pid is not None:
            os.waitpid(base_pid, 0)

"""Signals to the processes of a run that come from outside."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from processes.harness import living

from soak import observe
from soak.observe import Struck
from soak.suite import Strike, Victim

if TYPE_CHECKING:
    from processes.harness import Running

    from soak.suite import Plan

_PAUSE = 0.01


def strike(plan: Plan, root: Path, running: Running) -> list[Struck]:
    """Sends the plan's signals when their time has come; returns those that were sent."""
    rng = random.Random(plan.seed)
    sent = []
    for planned in plan.strikes:
        begun = _await_begun(planned, root, running)
        if begun is None:
            break
        time.sleep(planned.delay)
        pid = _hit(planned.victim, plan, running, rng)
        if pid is not None:
            sent.append(Struck(planned.victim, pid, begun))
    return sent


def left(running: Running, grace: float) -> list[str]:
    """The commands of the run's processes that are still there some seconds after its end."""
    deadline = time.monotonic() + grace
    while (pids := living(running.identity)) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return [_command(pid) for pid in pids]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return "gone"


def _await_begun(planned: Strike, root: Path, running: Running) -> int | None:
    """How many tests have begun when enough have; `None` if the run is over before."""
    while running.process.poll() is None:
        begun = sum(mark.step == "start" for mark in observe.marks(root))
        if begun >= planned.begun:
            return begun
        time.sleep(_PAUSE)
    return None


def _hit(victim: Victim, plan: Plan, running: Running, rng: random.Random) -> int | None:
    match victim:
        case Victim.CONTROLLER | Victim.GROUP:
            running.interrupt(group=victim is Victim.GROUP)
            return running.process.pid
        case Victim.WORKER:
            candidates = _at_depth({"fork": 3, "forkserver": 2, "spawn": 1}[plan.method], running)
        case Victim.PARENT:
            candidates = [
                pid
                for depth in {"fork": (1, 2), "forkserver": (1,), "spawn": ()}[plan.method]
                for pid in _at_depth(depth, running)
            ]
    return _kill(rng.choice(candidates), running.identity) if candidates else None


def _at_depth(depth: int, running: Running) -> list[int]:
    """The run's interpreters that are children of the controller (1), their children (2), and so on."""
    parents = {pid: _parent(pid) for pid in living(running.identity) if _is_python(pid)}
    generation = {running.process.pid}
    for _ in range(depth):
        generation = {pid for pid, parent in parents.items() if parent in generation}
    return sorted(generation)


def _parent(pid: int) -> int | None:
    try:
        behind_name = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return int(behind_name[1])


def _is_python(pid: int) -> bool:
    """Under `spawn` a shell waits beside the workers."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.startswith("python")
    except OSError:
        return False


def _kill(pid: int, identity: str) -> int | None:
    """Kills the process if it is still one of the run's: its number may have gone to somebody else."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        if pid not in living(identity):
            return None
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return None
    finally:
        os.close(handle)
    return pid

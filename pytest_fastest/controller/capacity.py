"""How many workers a run gets, and the words for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_fastest import _core
from pytest_fastest.request import limited
from pytest_fastest.xdist import takeover

if TYPE_CHECKING:
    from pytest_fastest.controller.history import Outlook
    from pytest_fastest.request import Request

_HOOK = "pytest_xdist_auto_num_workers"
# Share of the template's memory that a forked worker comes to own (measured on pandas' dtypes tests: 45 of 150 MB).
_FORKED_SHARE = 0.5
# Seconds that a forked worker takes to its first test (measured: 5 to 15 ms with 2,000 to 40,000 items).
_FORK_SECONDS = 0.01
# Descriptors that the controller needs beside those for workers: files that reporters write, pipes of a process that is
# being started.
_SPARE_FILES = 8
# Memory that is assumed where the system doesn't tell (bytes).
_UNKNOWN_MEMORY = 100 << 20
# For as many workers as one likes there is work, or room.
UNLIMITED = 1 << 30


class Choice(NamedTuple):
    """The number of workers, and why not another."""

    workers: int
    reason: str


def at_start(config: pytest.Config, request: Request) -> tuple[Request, int]:
    """Before anything is collected: what plugins make of the request, and how many workers there will be at most.

    Raises `pytest.UsageError` if a plugin chooses what is no number.
    """
    if request.workers is not None:
        return request, request.workers
    # Hooks tell by the option which word for an automatic number was used.
    config.option.numprocesses = request.automatic
    chosen = config.hook.pytest_xdist_auto_num_workers(config=config)
    if not isinstance(chosen, int) or chosen < 0:
        raise pytest.UsageError(f"{_HOOK} returned {chosen!r}, not a number of workers")
    source = takeover.AUTOMATIC_WORKERS if isinstance(chosen, takeover.FromEnvironment) else _HOOK
    count, source = limited(max(1, int(chosen)), source, request.most)
    if isinstance(chosen, takeover.Automatic):
        return request, count
    return request._replace(workers=count, source=source), count


def choose(
    request: Request, *, separable: int, outlook: Outlook, memory: int, files: int, forks: bool, start_seconds: float
) -> Choice:
    """`memory`: bytes that the collector holds; `files`: descriptors of this process for each worker's output;
    `start_seconds`: what a worker needs that collects for itself.
    """
    choice = _choose(request, separable, outlook, memory, forks=forks, start_seconds=start_seconds)
    most = _most_by_files(files)
    if most < choice.workers:
        return Choice(most, f"{choice.reason}, no more because of the limit of open files (ulimit -n)")
    return choice


def _most_by_files(files: int) -> int:
    """For how many workers this process can have a connection open, and `files` besides."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        in_use = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except (ImportError, OSError):
        return UNLIMITED
    return max(1, (limit - in_use - _SPARE_FILES) // (1 + files)) if limit != resource.RLIM_INFINITY else UNLIMITED


def _choose(
    request: Request, separable: int, outlook: Outlook, memory: int, *, forks: bool, start_seconds: float
) -> Choice:
    if request.workers is not None:
        workers = max(1, min(request.workers, separable))
        asked = f"{request.source} {request.workers}"
        return Choice(workers, asked if workers == request.workers else f"{asked}, no more separable work")
    memory = memory or _UNKNOWN_MEMORY
    workers, reason = _core.automatic_workers(
        separable=separable,
        expected_total=outlook.total,
        expected_cpu=outlook.cpu,
        worker_memory=int(memory * _FORKED_SHARE) if forks else memory,
        worker_start=_FORK_SECONDS if forks else start_seconds,
        worker_fixtures=outlook.wide,
    )
    if request.most is not None and request.most < workers:
        workers, reason = request.most, f"--maxprocesses {request.most}"
    return Choice(workers, f"automatic: {reason}")

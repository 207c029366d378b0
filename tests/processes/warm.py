"""Becomes one run of pytest after the other, each in a copy of this process, which has imported pytest for all of them.

Its one argument is the descriptor of a socket. On it comes, for each run, a socket of the run's own and its three
standard streams; on that one, as JSON, the `arguments`, the `environment` and the `folder`. The answers are `runs` and
the process id, as soon as it does, and `ended` and the status, as `os.wait` has it.

A run leaves this file by its end, and so ends as any interpreter does.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import sys

# What all runs have in common.
import pytest  # noqa: F401

MARKER = "FASTEST_TEST_RUN"
# Who has started the run.
PARENT = "RECORD_PARENT"
# Of a message, in bytes.
LONGEST = 1 << 20


def next_run(link: socket.socket) -> None:
    """Returns in a process that is to be a run; this one ends as soon as nobody wants another."""
    # What has watched over a run ends unnoticed.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        _, descriptors, _, _ = socket.recv_fds(link, 1, 4)
        if not descriptors:
            os._exit(0)
        if os.fork():
            for descriptor in descriptors:
                os.close(descriptor)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        link.close()
        with socket.socket(fileno=descriptors[0]) as run:
            start = json.loads(run.recv(LONGEST))
            pid = os.fork()
            if not pid:
                become(start, descriptors[1:])
                run.send(b"runs %d" % os.getpid())
                return
            _, status = os.waitpid(pid, 0)
            run.send(b"ended %d" % status)
            os._exit(0)


def become(start: dict[str, object], streams: list[int]) -> None:
    """Makes this process what `python -m pytest` is, started with this."""
    arguments, environment, folder = start["arguments"], start["environment"], start["folder"]
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(folder))
    name_in_the_kernel(environment[MARKER])
    # An interpreter that finds no locale in its environment writes one there.
    coerced = {name: os.environ[name] for name in ("LC_CTYPE",) if name in os.environ}
    os.environ.clear()
    os.environ.update(coerced | environment | {PARENT: str(os.getppid())})
    path = environment.get("PYTHONPATH", "")
    sys.path[:1] = [os.getcwd(), *filter(None, path.split(os.pathsep))]  # noqa: PTH109
    sys.orig_argv[1:] = ["-m", "pytest", *arguments]
    sys.argv[1:] = arguments


def name_in_the_kernel(identity: str) -> None:
    """Writes the run's identity over ours, as long, where other processes see the environment of this one."""
    with open("/proc/self/stat", encoding="utf-8") as stat:  # noqa: PTH123 (nothing more is imported than pytest does)
        first, end = (int(field) for field in stat.read().rpartition(")")[2].split()[47:49])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
        memory.seek(first)
        at = memory.read(end - first).index(f"{MARKER}=".encode()) + len(MARKER) + 1
        memory.seek(first + at)
        memory.write(identity.encode())


if __name__ == "__main__":
    next_run(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)

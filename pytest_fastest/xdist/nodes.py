"""The workers as plugins know them from pytest-xdist: node objects with a gateway and a spec."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_fastest import codec

if TYPE_CHECKING:
    from collections.abc import Callable


class Spec(NamedTuple):
    """How a worker is started, in the words of execnet: all are `popen`, here and with this interpreter."""

    id: str
    popen: bool = True
    execmodel: str = "main_thread_only"
    chdir: str | None = None
    python: str | None = None
    ssh: str | None = None
    socket: str | None = None
    via: str | None = None

    def __str__(self) -> str:
        return "popen"


class RInfo(NamedTuple):
    """What execnet tells of the other side's interpreter, which is this one."""

    cwd: str
    executable: str
    platform: str
    version_info: tuple[Any, ...]


class Gateway(NamedTuple):
    """What carries a worker's name (`gw0`)."""

    id: str
    spec: Spec

    def _rinfo(self, update: bool = False) -> RInfo:
        return RInfo(str(Path.cwd()), sys.executable, sys.platform, tuple(sys.version_info))

    def __repr__(self) -> str:
        return f"<Gateway id={self.id!r} popen>"


class NodeManager:
    """What the nodes of a run have in common. `roots`: directories copied to other machines, so none."""

    def __init__(self, config: pytest.Config, testrunuid: str) -> None:
        self.config = config
        self.testrunuid = testrunuid
        self.specs: list[Spec] = []
        self.roots: list[Path] = []


class _WorkerInfo(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        # Found out on demand: it takes 10 ms, and hardly anybody asks.
        if key == "platform":
            return platform.platform()
        raise KeyError(key)


class WorkerNode:
    """One worker. It has a `workerinfo` once it is ready, and a `workeroutput` once it has ended well."""

    workerinfo: dict[str, Any]
    workeroutput: dict[str, Any]

    def __init__(
        self,
        gateway: Gateway,
        workerinput: dict[str, Any],
        nodemanager: NodeManager,
        retire: Callable[[int], None],
    ) -> None:
        self.gateway = gateway
        self.workerinput = workerinput
        self.nodemanager = nodemanager
        self.config = nodemanager.config
        self.shutting_down = False
        self._retire = retire

    def make_ready(self) -> None:
        """Gives it what pytest-xdist tells of a worker that is ready."""
        self.workerinfo = _WorkerInfo(
            version=sys.version,
            version_info=tuple(sys.version_info),
            sysplatform=sys.platform,
            executable=sys.executable,
            cwd=str(Path.cwd()),
            id=self.gateway.id,
            spec=self.gateway.spec,
        )

    def shutdown(self) -> None:
        """Ends the worker, and only that: what it runs it finishes, the rest goes to the others."""
        if not self.shutting_down:
            self.shutting_down = True
            self._retire(self.number)

    def encoded_input(self) -> bytes:
        """`workerinput` for the worker. Raises `pytest.UsageError` for a value that can't be sent."""
        for key, value in self.workerinput.items():
            if not codec.is_plain(value):
                raise pytest.UsageError(
                    f"workerinput[{key!r}] of {self.gateway.id}, set by a pytest_configure_node hook, can't be sent to "
                    f"the worker: it is a {type(value).__name__}, not a builtin value"
                )
        return codec.dumps(self.workerinput)

    @property
    def number(self) -> int:
        return int(self.gateway.id.removeprefix("gw"))

    def __repr__(self) -> str:
        return f"<WorkerNode {self.gateway.id}>"

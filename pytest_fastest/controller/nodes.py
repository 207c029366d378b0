"""The workers as plugins know them from pytest-xdist: node objects with a gateway."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Gateway:
    """What carries a worker's name (`gw0`)."""

    id: str
    spec: str = "popen"


@dataclass(eq=False)
class WorkerNode:
    """One worker as reports refer to it. `workeroutput` exists once the worker has ended well."""

    gateway: Gateway
    workerinput: dict[str, Any]
    config: Any
    workerinfo: dict[str, Any] = field(init=False)
    workeroutput: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.workerinfo = {
            "id": self.gateway.id,
            "version": sys.version,
            "version_info": tuple(sys.version_info),
            "sysplatform": sys.platform,
            "platform": sys.platform,
            "executable": sys.executable,
            "cwd": str(self.config.invocation_params.dir),
            "spec": self.gateway.spec,
        }

    @property
    def number(self) -> int:
        return int(self.gateway.id.removeprefix("gw"))

    def __repr__(self) -> str:
        return f"<WorkerNode {self.gateway.id}>"

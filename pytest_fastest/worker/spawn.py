"""The start of a process of its own: it parses the controller's arguments again and takes its role from there."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from pytest_fastest import _core, ctrl_c
from pytest_fastest.worker import identity
from pytest_fastest.worker.forkserver import Address
from pytest_fastest.worker.process import Process
from pytest_fastest.worker.terminal import Terminal

if TYPE_CHECKING:
    import pytest

# Reads where to import from before it imports anything of ours.
BOOTSTRAP = (
    "import marshal, sys; file = open(sys.argv[1], 'rb'); boot = marshal.load(file); file.close(); "
    "sys.path[:] = boot['sys_path']; "
    "from pytest_fastest.worker.spawn import main; main(boot, sys.argv[2])"
)


class Spawned:
    """The plugin through which a fresh process learns that it is one of a run's workers."""

    # The name under which pytest registers the object.
    __name__ = "fastest-spawned"

    def __init__(self, process: Process) -> None:
        self._process = process

    def enter(self, config: pytest.Config) -> None:
        """Called by the plugin where the controller would launch a run."""
        self._process.enter(config)


def main(boot: dict[str, Any], role: str) -> None:
    """Runs pytest as the collector (`role` is `"collector"`) or as the worker with that number."""
    _core.die_with_parent()
    sys.argv[:] = boot["argv"]
    os.chdir(boot["directory"])
    worker = None if role == "collector" else int(role)
    address = Address(boot["address"], boot["token"])
    # Before pytest imports the first plugin.
    identity.announce({**boot["provisional"], "workerid": f"gw{worker or 0}"})
    process = Process(address, boot["provisional"], Terminal.leave(), worker=worker, can_fork=False)
    import pytest

    # Where nobody reads what Python says of it.
    ctrl_c.release(boot["mask"])
    pytest.main(boot["args"], plugins=[*boot["plugins"], Spawned(process)])
    # Only errors before the role was taken come here; its end is `os._exit`.
    os._exit(int(pytest.ExitCode.INTERNAL_ERROR))

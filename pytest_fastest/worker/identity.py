"""Which worker a process is, where pytest-xdist's users look for it: `config.workerinput` and the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pytest_fastest.worker.tripwires.identity import WorkerInput

if TYPE_CHECKING:
    import pytest

    from pytest_fastest.worker.tripwires.identity import Reads


def announce(workerinput: dict[str, Any]) -> None:
    """Sets the environment variables, which conftests read while they are imported."""
    os.environ["PYTEST_XDIST_WORKER"] = workerinput["workerid"]
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(workerinput["workercount"])
    os.environ["PYTEST_XDIST_TESTRUNUID"] = workerinput["testrunuid"]


def assume(config: pytest.Config, workerinput: dict[str, Any], reads: Reads | None = None) -> None:
    """Makes this process the worker that `workerinput` describes, before or after it was configured.

    The dictionaries stay the same objects: plugins keep references to them. `reads` is told who looks.
    """
    announce(workerinput)
    if not hasattr(config, "workerinput"):
        config.workerinput = WorkerInput()  # type: ignore[attr-defined]
        config.workeroutput = {}  # type: ignore[attr-defined]
    config.workerinput.update(workerinput)  # type: ignore[attr-defined]
    config.workerinput.reads = reads  # type: ignore[attr-defined]
    if "basetemp" not in workerinput:
        return
    config.option.basetemp = workerinput["basetemp"]
    if reads is not None:
        reads.watch(config.option)
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        from pathlib import Path

        factory._given_basetemp = Path(workerinput["basetemp"])
        factory._basetemp = None

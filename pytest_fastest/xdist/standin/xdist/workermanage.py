"""The names of what represents workers on the controller."""

from pytest_fastest.xdist.nodes import NodeManager
from pytest_fastest.xdist.nodes import WorkerNode as WorkerController

__all__ = ["NodeManager", "WorkerController"]

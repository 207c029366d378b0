"""`WorkStealingScheduling` under the name of its module in pytest-xdist."""

from xdist.scheduler import WorkStealingScheduling

__all__ = ["WorkStealingScheduling"]

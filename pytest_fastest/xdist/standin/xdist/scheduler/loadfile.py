"""`LoadFileScheduling` under the name of its module in pytest-xdist."""

from xdist.scheduler import LoadFileScheduling

__all__ = ["LoadFileScheduling"]

"""`LoadScheduling` under the name of its module in pytest-xdist."""

from xdist.scheduler import LoadScheduling

__all__ = ["LoadScheduling"]

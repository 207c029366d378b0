"""`LoadGroupScheduling` under the name of its module in pytest-xdist."""

from xdist.scheduler import LoadGroupScheduling

__all__ = ["LoadGroupScheduling"]

"""`EachScheduling` under the name of its module in pytest-xdist."""

from xdist.scheduler import EachScheduling

__all__ = ["EachScheduling"]

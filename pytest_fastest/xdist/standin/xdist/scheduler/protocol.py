"""`Scheduling` under the name of its module in pytest-xdist."""

from xdist.scheduler import Scheduling

__all__ = ["Scheduling"]

"""`LoadScopeScheduling` under the name of its module in pytest-xdist."""

from xdist.scheduler import LoadScopeScheduling

__all__ = ["LoadScopeScheduling"]

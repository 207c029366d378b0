"""The names of the plugins that a run with workers has on the controller."""

from pytest_fastest.xdist.facade import DSession, TerminalDistReporter

__all__ = ["DSession", "TerminalDistReporter"]

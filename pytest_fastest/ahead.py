"""What the end of a run imports, imported by the controller while tests run.

While others work it takes a processor that is idle, or its share of one; at the end everybody waits for it. A suite
that uses such a module itself is seldom over so soon that it matters. The controller's own copy, which it would hold as
long as the tests run, is left to the end then (with Hypothesis 0.1 s and 10 MiB).
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    import pytest

# By the name of a plugin what its `pytest_terminal_summary` imports.
_AT_THE_END = {"hypothesispytest": "hypothesis.internal.observability"}


def used_by_the_suite() -> list[str]:
    """In the process that has collected: which of these modules it has imported."""
    return [module for module in _AT_THE_END.values() if module in sys.modules]


def import_for_the_end(config: pytest.Config, used: Container[str]) -> None:
    """Imports them, for those plugins that this run has, but for those that the suite has `used`."""
    for plugin, module in _AT_THE_END.items():
        if module not in used and config.pluginmanager.has_plugin(plugin):
            # What is wrong with it, the plugin will find out.
            with contextlib.suppress(Exception):
                importlib.import_module(module)

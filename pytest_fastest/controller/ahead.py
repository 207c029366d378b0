"""What the controller will import at the end of the run anyway, imported while it waits for others.

While others work it takes a processor that is idle, or its share of one; at the end everybody waits for it.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# By the name of a plugin what its `pytest_terminal_summary` imports. In plain pytest, tests may have imported it.
_AT_THE_END = {"hypothesispytest": "hypothesis.internal.observability"}


def import_for_the_end(config: pytest.Config) -> None:
    """Imports it, for those plugins that this run has, if that is not done yet."""
    for plugin, module in _AT_THE_END.items():
        if config.pluginmanager.has_plugin(plugin):
            # What is wrong with it, the plugin will find out.
            with contextlib.suppress(Exception):
                importlib.import_module(module)

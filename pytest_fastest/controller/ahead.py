"""What the controller will import at the end of the run anyway, imported while tests run.

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
# Bytes that the collector of a large suite holds (pytest alone: 30 MiB). Such a run takes seconds, and memory: 0.1 s
# less at its end are not worth the 10 MiB that Hypothesis would hold all the time.
_LARGE = 80 << 20


def import_for_the_end(config: pytest.Config, memory: int) -> None:
    """Imports it, for those plugins that this run has. `memory`: bytes that the collector holds."""
    if memory > _LARGE:
        return
    for plugin, module in _AT_THE_END.items():
        if config.pluginmanager.has_plugin(plugin):
            # What is wrong with it, the plugin will find out.
            with contextlib.suppress(Exception):
                importlib.import_module(module)

"""What pytest finds in a process when it unconfigures itself: objects that nobody has closed, exceptions of threads.

A worker looks before it says that its session has ended: later, nobody may be there to hear it.
"""

from __future__ import annotations

import contextlib
import gc
import io
import traceback
from typing import TYPE_CHECKING

from _pytest import threadexception, unraisableexception

if TYPE_CHECKING:
    import pytest

_STEPS = ((unraisableexception, "collect_unraisable"), (threadexception, "collect_thread_exception"))


def collect(config: pytest.Config) -> tuple[str, str | None]:
    """Collects garbage. Returns what pytest prints of it, and the traceback of the error that filters make of it.

    As plain pytest since 8.4; older versions don't look.
    """
    steps = []
    for module, name in _STEPS:
        if hasattr(module, name) and config.pluginmanager.is_registered(module):
            steps.append(getattr(module, name))
    if not steps:
        return "", None
    failure = None
    with contextlib.redirect_stderr(io.StringIO()) as printed:
        gc.collect()
        for step in steps:
            try:
                step(config)
            except Exception:
                failure = failure or traceback.format_exc()
    return printed.getvalue(), failure

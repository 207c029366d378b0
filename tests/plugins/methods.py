"""The start methods, for tests that do not pass under all of them."""

from __future__ import annotations

import pytest
from processes.harness import METHODS


def methods(**failing: str) -> pytest.MarkDecorator:
    """Parametrises `method`; `failing`: the methods under which the test has to fail, and why."""
    reasons = {name: [pytest.mark.xfail(strict=True, reason=reason)] for name, reason in failing.items()}
    return pytest.mark.parametrize("method", [pytest.param(name, marks=reasons.get(name, [])) for name in METHODS])

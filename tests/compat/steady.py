"""A pytest plugin that takes clock and chance out of the suites that use hypothesis.

Its deadlines fail on a busy machine, its examples are drawn anew in every process, and what one run
finds fails in the next: none of it says anything about how the tests were run.
"""

from __future__ import annotations

import sys

import pytest


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Settle hypothesis after the suite's own conftest has, in workers too."""
    # Not imported for a suite that does not use it.
    if hypothesis := sys.modules.get("hypothesis"):
        settings = hypothesis.settings
        settings.register_profile("compat", settings(), deadline=None, derandomize=True, database=None)
        settings.load_profile("compat")

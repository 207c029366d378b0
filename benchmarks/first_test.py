"""A pytest plugin that says when the first test starts, in seconds since the run's process did."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

VARIABLE = "BENCHMARK_FIRST_TEST"


class FirstTest:
    """Writes the moment, once, to the file that the environment names."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """A test starts."""
        file = Path(os.environ[VARIABLE])
        if not file.exists():
            file.write_text(str(time.clock_gettime(time.CLOCK_MONOTONIC)), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Take part."""
    config.pluginmanager.register(FirstTest())

"""For all tests."""

import os
import signal

import pytest

pytest_plugins = ["pytester"]

# Suites that run in tests are interrupted; in the background of a script they would have inherited not to listen.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tests wait a part of their time. How much is not seen: what computes for them is no child of theirs."""
    return max(1, len(os.sched_getaffinity(0)) * 3 // 2)

"""For all tests."""

import os
import signal

import pytest

pytest_plugins = ["pytester"]

# Suites that run in tests are sent signals; in the background of a script they would have inherited not to listen.
_HANDLERS = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGQUIT: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
for _number, _handler in _HANDLERS.items():
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tests wait a part of their time. How much is not seen: what computes for them is no child of theirs."""
    return max(1, len(os.sched_getaffinity(0)) * 3 // 2)

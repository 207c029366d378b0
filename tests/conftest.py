"""For all tests."""

import signal

pytest_plugins = ["pytester"]

# Suites that run in tests are interrupted; in the background of a script they would have inherited not to listen.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

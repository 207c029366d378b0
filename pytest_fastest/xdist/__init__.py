"""The compatibility surface: what suites and plugins written for pytest-xdist rely on."""

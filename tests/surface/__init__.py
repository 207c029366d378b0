"""What suites and plugins written for pytest-xdist rely on."""

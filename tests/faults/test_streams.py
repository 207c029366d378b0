"""A standard input that is closed when pytest starts: as some daemons and CI agents start it. With one of the others
closed, pytest itself fails.
"""

from __future__ import annotations

import sys

import pytest
from processes.harness import METHODS, Suite


@pytest.mark.parametrize("method", METHODS)
def test_it_is_as_good_as_empty(suite: Suite, method: str) -> None:
    suite.write(test_a="import os\ndef test_a(): assert os.read(0, 1) == b''", test_b="def test_b(): print(1)")
    command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "pytest", "-p", "recorder_of_reports"]
    result = suite.run("-n", "2", "--start-method", method, command=command, timeout=20)
    assert result.returncode == 0, result.output
    assert sum(result.nodeids("passed").values()) == 2

"""The harness itself: a test that can't fail is worse than none."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite

DETACHED = "import subprocess; subprocess.Popen(['sleep', '20'], start_new_session=True)"


def test_a_process_that_is_left_behind_is_found(suite: Suite) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match="processes left behind"),
        suite.running(command=[sys.executable, "-c", DETACHED], grace=0.2) as running,
    ):
        running.finish()


def test_a_directory_that_is_left_behind_is_found(suite: Suite) -> None:
    script = "import os; os.mkdir(os.environ['TMPDIR'] + '/fastest-mine')"
    with (
        pytest.raises(pytest.fail.Exception, match="fastest-mine"),
        suite.running(command=[sys.executable, "-c", script], grace=0.2) as running,
    ):
        running.finish()


def test_a_hang_fails_and_is_ended(suite: Suite) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match=r"still running after 0\.5 s"),
        suite.running(command=[sys.executable, "-c", "import time; time.sleep(20)"]) as running,
    ):
        running.finish(0.5)
    assert isinstance(running.process, subprocess.Popen)
    assert running.process.returncode == -9


def test_marks_and_reports_are_recorded(suite: Suite) -> None:
    suite.write(test_a="from witness import mark\ndef test_a(): mark('here')\ndef test_b(): print('out'); assert 0")
    result = suite.run()
    assert [mark.name for mark in suite.marks()] == ["here"]
    assert [report.nodeid for report in result.failures] == ["test_a.py::test_b"]
    assert result.sections_of("test_b") == {"Captured stdout call": "out\n"}
    assert result.nodeids("passed") == {"test_a.py::test_a": 1}
    assert (result.header, result.workers) == (None, 0)

"""The harness itself: a test that can't fail is worse than none."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from processes.start import PYTEST

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


LOOKS = """
    import gc, json, os, signal, sys

    def test_looks():
        main = sys.modules["__main__"]
        streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
        print("SEEN " + json.dumps({
            "arguments": [sys.argv, sys.orig_argv, sys.path],
            "main": [main.__name__, main.__file__, main.__spec__.name],
            # A copy is told over a socket what to run.
            "modules": sorted(sys.modules.keys() - {"socket", "_socket", "array"}),
            "environment": {name: value for name, value in os.environ.items() if name not in OF_ONE_RUN},
            "descriptors": sorted(map(int, os.listdir("/proc/self/fd"))),
            "streams": [(stream.name, stream.mode, stream.encoding, stream.errors) for stream in streams],
            "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
            "garbage": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
            "leads its session": os.getsid(0) == os.getpid() == os.getpgrp(),
            "threads": len(os.listdir("/proc/self/task")),
        }))

    OF_ONE_RUN = ("FASTEST_TEST_RUN", "RECORD", "RECORD_PARENT", "TMPDIR")
"""


def test_a_copy_of_a_process_looks_like_one_that_was_started(suite: Suite) -> None:
    suite.write(test_looks=LOOKS)
    seen = []
    for command in (None, [*PYTEST, "-p", "recorder_of_reports"]):
        with suite.running("-n", "no", "-s", command=command) as running:
            assert isinstance(running.process, subprocess.Popen) == (command is not None)
            result = running.finish()
        [report] = [report for report in result.reports if report.when == "call"]
        assert report.outcome == "passed", report.text
        [line] = [line for line in result.stdout.splitlines() if "SEEN " in line]
        seen.append(json.loads(line.partition("SEEN ")[2]))
    copy, started = seen
    assert copy == started


@pytest.mark.parametrize(("body", "code"), [("os._exit(7)", 7), ("os.kill(os.getpid(), 9)", -9)])
def test_how_a_copy_has_ended(suite: Suite, body: str, code: int) -> None:
    suite.write(test_ends=f"import os\ndef test_ends(): {body}")
    assert suite.run("-n", "no").returncode == code


def test_a_copy_that_hangs_is_ended(suite: Suite) -> None:
    suite.write(test_hangs="import time\ndef test_hangs(): time.sleep(50)")
    with (
        pytest.raises(pytest.fail.Exception, match=r"still running after 0\.5 s; processes:\n\d+ "),
        suite.running("-n", "no") as running,
    ):
        running.finish(0.5)
    assert running.process.poll() == -9


def test_what_python_reads_when_it_starts_is_read(suite: Suite) -> None:
    suite.write(test_a="import sys\ndef test_a(): assert sys.flags.dev_mode")
    assert suite.run("-n", "no", env={"PYTHONDEVMODE": "1"}).counts == {"passed": 1}

"""What tests write while they run, with `-s` and live logs: at once, line by line, with the worker's name."""

from __future__ import annotations

import re

import pytest
from processes.harness import METHODS, Suite, wait_until

from terminal.screen import screen

ENVIRONMENT = {"TERM": "xterm-256color", "COLUMNS": "", "LANG": "C.UTF-8"}
# Halves of lines, written by two workers in turns, through Python and by a child.
HALVES = """
    import os, subprocess, sys, time
    from pathlib import Path
    from witness import mark, meet

    def test_{0}():
        meet(2)
        for number in range(10):
            os.write(1, b"<{0}")
            time.sleep(0.01)
            print(f"{0} {{number}}>")
        subprocess.run(["echo", "<{0}{0} child>"])
        print("<{0}{0} error>", file=sys.stderr)
        print("<{0}{0} no end>", end="", flush=True)
"""
SPEAKS = """
    import time
    from pathlib import Path
    def test_a():
        print("said at once")
        while not Path("go").exists():
            time.sleep(0.01)
"""


def halves(suite: Suite) -> None:
    suite.write(test_a=HALVES.format("a"), test_b=HALVES.format("b"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wish", ["auto", "on", "off"])
def test_lines_are_not_mixed(suite: Suite, method: str, wish: str) -> None:
    halves(suite)
    result = suite.run("-s", "-n", "2", "--start-method", method, "--output-prefix", wish)
    assert result.returncode == 0, result.output
    said = [line for line in result.stdout.splitlines() if "<" in line]
    assert len(said) == 24
    prefix = r"\[gw[01]\] " if wish == "on" else ""
    assert all(re.fullmatch(rf"{prefix}<(a|b)\1 (\d|child|no end)>", line) for line in said), said
    if wish == "on":
        assert len({line[:5] + line[7] for line in said}) == 2, "each worker has one of them"
    errors = [line for line in result.stderr.splitlines() if "<" in line]
    assert sorted(line.removeprefix("[gw0] ").removeprefix("[gw1] ") for line in errors) == ["<aa error>", "<bb error>"]


@pytest.mark.parametrize("option", ["-s", "--capture=tee-sys"])
@pytest.mark.parametrize("method", METHODS)
def test_lines_are_seen_at_once(suite: Suite, method: str, option: str) -> None:
    suite.write(test_a=SPEAKS)
    with suite.running("-n", "1", option, "--start-method", method) as running:
        wait_until(lambda: "said at once\n" in running._read("stdout"), 20, "what is said")
        (suite.root / "go").touch()
        result = running.finish()
    assert result.stdout.count("said at once") == 1
    assert ("said at once" in str(result.sections_of("test_a"))) == (option != "-s")


@pytest.mark.parametrize("option", ["--capture=fd", "--capture=sys"])
def test_what_is_captured_is_not_seen(suite: Suite, option: str) -> None:
    suite.write(test_a=SPEAKS)
    (suite.root / "go").touch()
    result = suite.run("-n", "1", option)
    assert "said at once" not in result.stdout
    assert result.sections_of("test_a") == {"Captured stdout call": "said at once\n"}


@pytest.mark.parametrize("method", METHODS)
def test_on_a_terminal(suite: Suite, method: str) -> None:
    """Above the lines that show progress; and tests see a terminal, as without workers."""
    suite.write(
        test_a=SPEAKS.replace(
            "def test_a():", "import os, sys\n    def test_a():\n        assert sys.stdout.isatty()\n"
        )
        + "        print(os.get_terminal_size(1).columns, 'columns')\n"
    )
    with (
        screen(columns=77) as terminal,
        suite.running("-s", "-n", "1", "--start-method", method, terminal=terminal.line, env=ENVIRONMENT) as running,
    ):
        terminal.await_text(r"\n\[gw0\] said at once\n\n0/1 +0 %")
        (suite.root / "go").touch()
        assert running.finish().returncode == 0
        terminal.await_text(r"\n\[gw0\] 77 columns\n(?s:.*)1 passed")


def test_both_streams_of_one_terminal_keep_their_order(suite: Suite) -> None:
    suite.write(
        test_a="""
        import sys
        def test_a():
            for number in range(5):
                print("out", number)
                print("err", number, file=sys.stderr)
        """
    )
    with (
        screen() as terminal,
        suite.running("-s", "-n", "1", terminal=terminal.line, env=ENVIRONMENT) as running,
    ):
        assert running.finish().returncode == 0
        terminal.await_text("1 passed")
    said = [row.removeprefix("[gw0] ") for row in terminal.all_rows() if re.match(r"\[gw0\] (out|err)", row)]
    assert said == [f"{stream} {number}" for number in range(5) for stream in ("out", "err")]


def test_logs_are_live(suite: Suite) -> None:
    suite.write(
        test_a="""
        import logging, time
        from pathlib import Path
        def test_a():
            logging.warning("logged at once")
            while not Path("go").exists():
                time.sleep(0.01)
        """
    )
    with suite.running("-n", "1", "--log-cli-level", "INFO", "--output-prefix", "on") as running:
        wait_until(lambda: "logged at once" in running._read("stdout"), 20, "what is logged")
        (suite.root / "go").touch()
        result = running.finish()
    assert re.search(
        r"\[gw0\] -+ live log call -+\n\[gw0\] WARNING +root:test_a.py:\d+ logged at once\n", result.stdout
    )


@pytest.mark.parametrize("method", METHODS)
def test_logs_are_those_of_a_test(suite: Suite, method: str) -> None:
    """Its name stands before them, as in plain pytest; before the first of its lines, and not where it has none."""
    suite.write(
        test_a="""
        import logging
        import pytest
        @pytest.fixture
        def logs():
            yield
            logging.info("torn down")
        def test_logs(logs):
            logging.info("first")
            logging.info("second")
        def test_silent(): pass
        def test_late(logs): pass
        """
    )
    result = suite.run("-n", "1", "-o", "log_cli=true", "--log-cli-level", "INFO", "--start-method", method)
    logged = [line for line in result.stdout.splitlines() if re.match(r"test_a\S+$|-+ live|INFO", line)]
    shown = [re.sub(r"^-+ | -+$|INFO +root:test_a.py:\d+ ", "", line) for line in logged]
    assert shown == [
        "test_a.py::test_logs",
        "live log call",
        "first",
        "second",
        "live log teardown",
        "torn down",
        "test_a.py::test_late",
        "live log teardown",
        "torn down",
    ], result.stdout


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_lost_and_nobody_waits_for_long(suite: Suite, method: str) -> None:
    """More than any buffer holds, some of it no text, the last of it from a worker that dies."""
    suite.write(
        test_a="import os\ndef test_a():\n    for number in range(20000): print('x' * 100, number)\n",
        test_b="""
        import os
        def test_b():
            os.write(1, b"\\xff\\x00\\n" * 1000)
            os.write(1, b"last")
            os._exit(3)
        """,
    )
    with suite.running("-s", "-n", "2", "--start-method", method) as running:
        result = running.finish()
        written = (running.home / "stdout").read_bytes()
    assert result.stdout.count("x" * 100) == 20_000
    assert written.count(b"\xff\x00\n") == 1000
    assert b"last\n" in written
    assert result.counts == {"passed": 1, "failed": 1}


def test_a_child_that_outlives_the_run_may_go_on_writing(suite: Suite) -> None:
    suite.write(
        test_a="""
        import subprocess
        def test_a():
            subprocess.Popen("(sleep 0.5; echo late; sleep 0.2; echo later) & echo started", shell=True)
        """
    )
    result = suite.run("-s", "-n", "1", leaves_processes=True)
    assert result.returncode == 0
    assert "started" in result.stdout


def test_a_line_that_is_written_over_is_one(suite: Suite) -> None:
    suite.write(test_a="def test_a(): print('\\r1 %\\r2 %\\rdone')")
    with suite.running("-s", "-n", "1", "--output-prefix", "on") as running:
        running.finish()
        assert b"\n[gw0] \r1 %\r2 %\rdone\n" in (running.home / "stdout").read_bytes()

"""Debuggers in workers: who stops has the terminal to itself."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, wait_until

from terminal.screen import Screen, screen

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from processes.harness import Running, Suite

ENVIRONMENT = {"TERM": "xterm-256color", "COLUMNS": "", "LANG": "C.UTF-8"}
# Exit status and counts of STOPS if the debugger has nothing to read. Since Python 3.14 that ends the run.
QUIT = (1, {"failed": 1, "passed": 1}) if sys.version_info < (3, 14) else (2, {})

STOPS = """
    import time
    from witness import mark
    def test_stops():
        secret = 21; mark("stops")
        breakpoint()
        mark(f"went on with {secret}")
    def test_after(): pass
"""
OTHERS = """
    import pytest
    from witness import mark
    @pytest.mark.parametrize("number", range(10))
    def test_other(number): mark("other")
"""
FAILS = """
    from witness import mark
    def test_fails():
        print("printed by the test")
        here = "at the failure"
        assert here == 1
    def test_after(): mark("after")
"""


def started(suite: Suite, terminal: Screen, *arguments: str) -> AbstractContextManager[Running]:
    return suite.running(*arguments, terminal=terminal.line, env=ENVIRONMENT)


@pytest.mark.parametrize("method", METHODS)
def test_a_breakpoint(suite: Suite, method: str) -> None:
    """Typed lines reach the test; the others go on meanwhile, and say so afterwards."""
    suite.write(test_a=STOPS, test_b=OTHERS)
    with screen() as terminal, started(suite, terminal, "-n", "2", "--start-method", method) as running:
        terminal.await_text(r"PDB set_trace \(IO-capturing turned off\)(?s:.*)\(Pdb\)")
        suite.await_marks("other", 10)
        terminal.type("p 'it is', secret * 2\n")
        terminal.await_text(r"\('it is', 42\)\n\(Pdb\)")
        terminal.type("secret = 3\nc\n")
        result = running.finish()
        terminal.await_text(r"12 passed in")
    assert result.returncode == 0
    assert [mark.name for mark in suite.marks("went on")] == ["went on with 3"]
    # Nothing was written between.
    shown = "\n".join(terminal.all_rows())
    assert re.search(r"\(Pdb\) c\n+>+ PDB continue \(IO-capturing resumed\) >+\n\.+ ", shown), shown


@pytest.mark.parametrize("method", METHODS)
def test_two_stop_one_after_the_other(suite: Suite, method: str) -> None:
    suite.write(test_a=STOPS, test_b=STOPS.replace("21", "22"))
    with screen(rows=40) as terminal, started(suite, terminal, "-n", "2", "--start-method", method) as running:
        suite.await_marks("stops", 2)
        for turn in (1, 2):
            terminal.await_text(rf"(?s)(PDB set_trace.*){{{turn}}}\(Pdb\) *\n* *$")
            terminal.type(f"p 'turn', {turn}\n")
            terminal.await_text(rf"\('turn', {turn}\)")
            assert len(suite.marks("went on")) == turn - 1
            terminal.type("c\n")
        running.finish()
    assert {mark.name for mark in suite.marks("went on")} == {"went on with 21", "went on with 22"}
    assert len({mark.worker for mark in suite.marks("went on")}) == 2


@pytest.mark.parametrize("method", METHODS)
def test_a_failure(suite: Suite, method: str) -> None:
    suite.write(test_a=FAILS, test_b=OTHERS)
    with screen(rows=60) as terminal, started(suite, terminal, "-n", "2", "--pdb", "--start-method", method) as running:
        terminal.await_text(r"(?s)printed by the test.*traceback.*entering PDB.*test_fails.*\(Pdb\)")
        terminal.type("p here\n")
        terminal.await_text("'at the failure'")
        terminal.type("c\n")
        result = running.finish()
        terminal.await_text("1 failed, 11 passed in")
    assert result.returncode == 1
    assert len(suite.marks("after")) == 1


def test_quit_ends_the_run(suite: Suite) -> None:
    suite.write(test_a=FAILS)
    with screen(rows=60) as terminal, started(suite, terminal, "-n", "1", "--pdb") as running:
        terminal.await_text(r"\(Pdb\)")
        terminal.type("q\n")
        result = running.finish()
        terminal.await_text("Exit: Quitting debugger")
        terminal.await_text("1 failed in")
    assert result.returncode == 2
    assert not suite.marks("after")
    # It has an outcome: it is not another test that was interrupted.
    assert not any("interrupted tests" in row for row in terminal.all_rows())


@pytest.mark.parametrize("method", METHODS)
def test_quit_ends_what_others_run(suite: Suite, method: str) -> None:
    """Be it asleep, or stopped in a debugger of its own."""
    suite.write(test_a=STOPS, test_b=STOPS, test_c="import time\ndef test_c(): time.sleep(30)")
    with screen(rows=60) as terminal, started(suite, terminal, "-n", "3", "--start-method", method) as running:
        terminal.await_text(r"gw\d: test_[ab]\.py::test_stops \(call\)\n+>+ PDB(?s:.*)\(Pdb\)")
        terminal.type("q\n")
        result = running.finish(20)
        terminal.await_text("Exit: Quitting debugger")
    assert result.returncode == 2
    assert not suite.marks("went on")
    # Who waited for its turn has not failed for want of something to read.
    assert not any("BdbQuit" in row for row in terminal.all_rows())


def test_standard_input_is_no_terminal(suite: Suite) -> None:
    """As in plain pytest: what has come to its end has nothing to read."""
    suite.write(test_a=STOPS)
    command = ["sh", "-c", 'exec "$@" < /dev/null', "sh", sys.executable, "-m", "pytest"]
    codes = []
    for workers in ("no", "1"):
        with screen() as terminal:
            with suite.running("-n", workers, terminal=terminal.line, env=ENVIRONMENT, command=command) as running:
                codes.append(running.finish(20).returncode)
            terminal.await_text("BdbQuit|Exit: Quitting debugger")
    assert codes == [QUIT[0]] * 2


def test_every_test(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass\ndef test_b(): pass")
    with screen(rows=60) as terminal, started(suite, terminal, "-n", "1", "--trace") as running:
        for name in ("a", "b"):
            terminal.await_text(rf"PDB runcall(?s:.*)test_{name}\(\)(?s:.*)\(Pdb\)")
            terminal.type("c\n")
        assert running.finish().returncode == 0


def test_keys_are_for_the_debugger(suite: Suite) -> None:
    suite.write(
        test_a=STOPS, test_b="from time import sleep\nfrom witness import mark\ndef test_b(): mark('b'); sleep(2)"
    )
    with screen() as terminal, started(suite, terminal, "-n", "2") as running:
        terminal.await_text(r"\(Pdb\)")
        suite.await_marks("b")
        terminal.type("\x03")
        terminal.await_text("--KeyboardInterrupt--")
        # Nor is it stopped, or ended.
        terminal.type("\x1a\x1cp 'still', 'here'\n")
        terminal.await_text(r"\('still', 'here'\)")
        terminal.type("c\n")
        assert running.finish().returncode == 0
        terminal.await_text("3 passed")


def test_keys_are_for_the_run_again(suite: Suite) -> None:
    suite.write(test_a=STOPS + "    def test_long(): mark('long'); time.sleep(30)\n")
    with screen() as terminal, started(suite, terminal, "-n", "1") as running:
        terminal.await_text(r"\(Pdb\)")
        terminal.type("c\n")
        suite.await_marks("long")
        terminal.type("\x03")
        assert running.finish(20).returncode == 2
        terminal.await_text("KeyboardInterrupt")


def test_lines_can_be_edited(suite: Suite) -> None:
    suite.write(test_a=STOPS)
    with screen() as terminal, started(suite, terminal, "-n", "1") as running:
        terminal.await_text(r"\(Pdb\)")
        # To the beginning, and the line before once more.
        terminal.type("'b', secret)\x01p ('a', \n")
        terminal.await_text(r"\('a', 'b', 21\)")
        terminal.type("\x1b[A\x7f, 'c')\n")
        terminal.await_text(r"\('a', 'b', 21, 'c'\)")
        terminal.type("c\n")
        assert running.finish().returncode == 0


def test_a_debugger_of_the_user_s_own(suite: Suite) -> None:
    suite.write(
        mine="""
        import pdb
        class Mine(pdb.Pdb):
            def do_mine(self, _): self.message("mine, not pytest's")
        """,
        test_a=STOPS,
    )
    with screen() as terminal, started(suite, terminal, "-n", "1", "--pdbcls", "mine:Mine") as running:
        terminal.await_text(r"\(Pdb\)")
        terminal.type("mine\n")
        terminal.await_text(r"\nmine, not pytest's")
        terminal.type("c\n")
        assert running.finish().returncode == 0


@pytest.mark.parametrize("method", METHODS)
def test_what_fails_while_it_is_collected_is_reported(suite: Suite, method: str) -> None:
    """And not debugged, where nobody has a terminal."""
    suite.write(test_a="1 / 0", test_b=FAILS)
    arguments = ["-n", "2", "--pdb", "--start-method", method]
    with screen(rows=60) as terminal:
        with started(suite, terminal, *arguments) as running:
            assert running.finish().returncode == 2
            terminal.await_text(r"E +ZeroDivisionError(?s:.*)ERROR test_a.py - ZeroDivisionError(?s:.*)1 error")
        with started(suite, terminal, *arguments, "--continue-on-collection-errors") as running:
            terminal.await_text(r"entering PDB(?s:.*)test_fails.*\n.*\n\(Pdb\)")
            terminal.type("c\n")
            running.finish()
            terminal.await_text("1 failed, 1 passed, 1 error")


def test_no_capturing_at_all(suite: Suite) -> None:
    suite.write(test_a=STOPS)
    with screen() as terminal, started(suite, terminal, "-n", "1", "-s") as running:
        terminal.await_text(r"\(Pdb\)")
        terminal.type("p secret\nc\n")
        assert running.finish().returncode == 0
        terminal.await_text(r"21\n\(Pdb\) c(?s:.*)2 passed")


@pytest.mark.parametrize("capture", ["fd", "sys", "tee-sys", "no"])
def test_what_is_let_through_leaves_the_debugger_its_terminal(suite: Suite, capture: str) -> None:
    """Live logs, and `capsys.disabled()`."""
    suite.write(
        test_a="""
        import logging
        def test_stops(capsys):
            breakpoint()
            logging.warning("logged")
            with capsys.disabled(): print("let through")
            print("captured")
        """
    )
    arguments = ["-n", "1", f"--capture={capture}", "-o", "log_cli=true"]
    with screen(rows=40) as terminal, started(suite, terminal, *arguments) as running:
        terminal.await_text(r"\(Pdb\)")
        for _ in range(4):
            terminal.type("n\n")
        terminal.type("p 'still', 'here'\n")
        terminal.await_text(r"WARNING +root:test_a.py:5 logged\n(?s:.*)let through\n(?s:.*)\('still', 'here'\)")
        terminal.type("c\n")
        assert running.finish().returncode == 0
        terminal.await_text("1 passed")


def test_who_debugs_does_not_hang(suite: Suite) -> None:
    suite.write(test_a=STOPS, test_b="import time\ndef test_b(): time.sleep(1000)")
    with screen() as terminal, started(suite, terminal, "-n", "2", "--hang-timeout", "1") as running:
        terminal.await_text(r"\(Pdb\)")
        suite.await_marks("", 0)
        # The other one does.
        terminal.type("import time; time.sleep(2.5)\nc\n")
        result = running.finish()
        terminal.await_text("1 failed, 2 passed")
    assert result.returncode == 1


def test_a_worker_dies_in_the_debugger(suite: Suite) -> None:
    """The terminal is the run's again, and as it was."""
    suite.write(
        conftest="""
        import os
        from witness import mark
        def pytest_sessionfinish(session):
            if not hasattr(session.config, "workerinput") and os.getppid() == int(os.environ["RECORD_PARENT"]):
                mark(f"in the foreground: {os.tcgetpgrp(2) == os.getpgrp()}")
        """,
        test_a="from witness import mark\ndef test_dies(): mark('dies'); breakpoint()",
        test_b="import os, time\ndef test_b():\n    while not os.path.exists('go'): time.sleep(0.01)",
    )
    with screen(rows=40) as terminal, started(suite, terminal, "-n", "2") as running:
        terminal.await_text(r"\(Pdb\)")
        os.kill(suite.marks("dies")[0].pid, signal.SIGKILL)
        # At once, below the prompt.
        terminal.await_text(r"\(Pdb\)(?s:.*)\ngw\d was killed by SIGKILL in the debugger\n")
        (suite.root / "go").touch()
        result = running.finish()
        terminal.await_text("was killed by(?s:.*)1 failed, 1 passed")
    assert result.returncode == 1
    assert [mark.name for mark in suite.marks("in the")] == ["in the foreground: True"]


def test_a_killed_run_ends_the_debugger(suite: Suite) -> None:
    suite.write(test_a=STOPS)
    with screen() as terminal, started(suite, terminal, "-n", "1") as running:
        terminal.await_text(r"\(Pdb\)")
        running.interrupt(signal.SIGKILL)
        assert running.finish().returncode == -signal.SIGKILL


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_killed_run_gives_a_script_its_terminal_back(suite: Suite, method: str) -> None:
    """As it was: lines come whole, and are shown while they are typed."""
    suite.write(
        conftest="""
        import os
        from witness import mark
        mark("loaded")
        """,
        test_a=STOPS,
    )
    # A script without a shell of job control above it is told of an error when it reads too early.
    script = '"$@"; while ! read -r line; do sleep 0.05; done; echo "read: $line"'
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "pytest"]
    with screen() as terminal:
        modes = termios.tcgetattr(terminal.line)
        arguments = ["-n", "1", "--start-method", method]
        with suite.running(*arguments, terminal=terminal.line, env=ENVIRONMENT, command=command) as running:
            terminal.await_text(r"\(Pdb\)")
            # The script has started it.
            children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
            os.kill(int(children.read_text()), signal.SIGKILL)
            terminal.await_text("Killed")
            terminal.type("hello\n")
            terminal.await_text("read: hello")
            running.finish()
        assert termios.tcgetattr(terminal.line) == modes


def test_what_waits_has_a_bound(suite: Suite) -> None:
    """While somebody debugs, others that write a lot wait, as at a full pipe; nothing is lost."""
    suite.write(
        test_a=STOPS,
        test_b="""
        from witness import mark
        def test_writes():
            for number in range(400):
                print("\\n".join([f"{number:03} " + "x" * 95] * 160))
                mark("wrote")
        """,
    )
    # A terminal that is looked at like this one takes its time.
    command = ["sh", "-c", 'exec "$@" > written', "sh", sys.executable, "-m", "pytest"]
    with (
        screen() as terminal,
        suite.running("-n", "2", "-s", terminal=terminal.line, env=ENVIRONMENT, command=command) as running,
    ):
        terminal.await_text(r"\(Pdb\)")
        suite.await_marks("wrote", 20)
        counts = [0]

        def has_stopped() -> bool:
            counts.append(len(suite.marks("wrote")))
            # A second.
            return len(set(counts[-50:])) == 1 and len(counts) > 50

        wait_until(has_stopped, 30, "an end of what is written")
        assert counts[-1] < 400
        terminal.type("c\n")
        assert running.finish().returncode == 0
    assert len(suite.marks("wrote")) == 400
    assert (suite.root / "written").read_text("utf-8").count("xxx\n") == 400 * 160


def test_a_stop_at_a_line_chosen_before(suite: Suite) -> None:
    """pytest writes no title there: what is said of the worker ends its line itself."""
    suite.write(test_a=STOPS + "    def test_later():\n        later = 1\n        assert later\n")
    with screen(columns=200) as terminal, started(suite, terminal, "-n", "1") as running:
        terminal.await_text(r"\(Pdb\)")
        terminal.type("b test_a.py:10\nc\n")
        terminal.await_text(r"gw0: test_a.py::test_later \(call\)\n> .*test_a\.py\(10\)test_later\(\)")
        terminal.type("c\n")
        assert running.finish().returncode == 0


@pytest.mark.parametrize("option", ["--pdb", "--trace"])
def test_without_a_terminal(suite: Suite, option: str) -> None:
    suite.write(test_a=FAILS)
    result = suite.run("-n", "2", option)
    assert result.returncode == 4
    assert f"{option} with workers needs a terminal" in result.stderr
    assert "-n no" in result.stderr


def test_a_breakpoint_without_a_terminal(suite: Suite) -> None:
    """As in plain pytest with nothing to read: the debugger quits."""
    suite.write(test_a=STOPS)
    plain, ours = suite.run("-n", "no", timeout=20), suite.run("-n", "1", timeout=20)
    assert (plain.returncode, plain.counts) == (ours.returncode, ours.counts) == QUIT
    assert not suite.marks("went on")

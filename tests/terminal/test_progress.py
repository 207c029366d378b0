"""Lines below pytest's output that show how far the run is (`--fastest-progress`)."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from terminal.screen import Screen, screen

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from processes.harness import Running, Suite

# A person's terminal, which is told nothing of its size.
ENVIRONMENT = {"TERM": "xterm-256color", "COLUMNS": "", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
# Two workers come to a test each that waits for its file.
WAITING = """
    import os, time
    import pytest
    from witness import mark

    def wait(name):
        mark(name)
        while not os.path.exists(name):
            time.sleep(0.01)

    @pytest.mark.parametrize("number", range(4))
    def test_before(number):
        assert number != 1
        if number == 2:
            pytest.skip("not today")
"""
TESTS = {
    "test_a": f"{WAITING}\n    def test_long(): wait('go-a')\n",
    "test_b": f"{WAITING}\n    def test_日本語(): wait('go-b')\n    def test_after(): pass\n",
}
WHOLE = r"8/11 +72 %"


def started(
    suite: Suite,
    terminal: Screen,
    *arguments: str,
    env: dict[str, str] | None = None,
    tests: dict[str, str] = TESTS,
    **options: object,
) -> AbstractContextManager[Running]:
    suite.write(**tests)
    environment = ENVIRONMENT | (env or {})
    return suite.running("-n", "2", *arguments, terminal=terminal.line, env=environment, **options)  # type: ignore[arg-type]


def go(suite: Suite, *names: str) -> None:
    for name in names or ("go-a", "go-b"):
        (suite.root / name).touch()


def without_times(rows: list[str]) -> list[str]:
    return [re.sub(r"=+$", "=", re.sub(r"=+ (.*) in [\d.]+s", r"= \1 in x s", row)) for row in rows]


def test_what_has_been_done_and_what_is_being_done(suite: Suite) -> None:
    with screen() as terminal, started(suite, terminal) as running:
        shown = terminal.await_text(rf"({WHOLE}.*)\n(gw\d .*)\n(gw\d .*)")
        assert re.match(r"8/11 +72 % ━+ +2 failed, 4 passed, 2 skipped", shown[1])
        names = {row.split()[-1] for row in shown.groups()[1:]}
        assert names == {"test_a.py::test_long", "test_b.py::test_日本語"}
        # Below pytest's own output, and the longest first.
        rows = terminal.rows()
        assert re.search(r"[.Fs]+$", rows[rows.index(shown[1]) - 1])
        assert b"left" not in terminal.written, "nobody knows"
        go(suite, "go-b")
        terminal.await_text(r"10/11 +90 %.*\ngw\d +\d+\.\d s test_a.py::test_long\n")
        go(suite)
        result = running.finish()
        terminal.await_text(r"2 failed, 7 passed, 2 skipped in ")
    assert result.returncode == 1
    assert not any(re.search(r"\d+/11", row) for row in terminal.all_rows()), "nothing is left of it"


@pytest.mark.parametrize("verbosity", [[], ["-v"]])
def test_nothing_else_changes(suite: Suite, verbosity: list[str]) -> None:
    go_at_once = {"test_a": "import pytest\n" + TESTS["test_a"], "test_b": TESTS["test_b"]}
    suite.write(**go_at_once)
    go(suite)
    shown = []
    for progress in ("on", "off"):
        with screen(rows=12) as terminal:
            with started(suite, terminal, "-n", "1", *verbosity, "--fastest-progress", progress) as running:
                running.finish()
            terminal.await_text("2 failed, 7 passed, 2 skipped in")
            shown.append(without_times(terminal.all_rows()))
            assert (b"11 " in terminal.written and b"\x1b7" in terminal.written) == (progress == "on")
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["--fastest-progress", "off"], {}),
        (["-q"], {}),
        ([], {"CI": "true"}),
        ([], {"TERM": "dumb"}),
        (["-p", "no:terminal"], {}),
    ],
)
def test_where_nobody_looks(suite: Suite, arguments: list[str], env: dict[str, str]) -> None:
    with screen() as terminal:
        with started(suite, terminal, *arguments, env=env) as running:
            suite.await_marks("go", 2)
            go(suite)
            assert running.finish().returncode == 1
        assert b"\x1b7" not in terminal.written


@pytest.mark.parametrize("arguments", [["-q"], []])
def test_who_wants_it_gets_it(suite: Suite, arguments: list[str]) -> None:
    env = {} if arguments else {"CI": "true"}
    with screen() as terminal, started(suite, terminal, "--fastest-progress", "on", *arguments, env=env) as running:
        terminal.await_text(WHOLE)
        go(suite)
        running.finish()


def test_not_where_output_is_no_terminal(suite: Suite) -> None:
    suite.write(**TESTS)
    go(suite)
    outputs = [suite.run("-n", "2", "--fastest-progress", wish, env=ENVIRONMENT).output for wish in ("on", "off")]
    assert not any("\x1b" in output for output in outputs)


@pytest.mark.parametrize(
    ("arguments", "env", "is_coloured"), [([], {}, True), ([], {"NO_COLOR": "1"}, False), (["--color=no"], {}, False)]
)
def test_colours_are_those_of_pytest(
    suite: Suite, arguments: list[str], env: dict[str, str], *, is_coloured: bool
) -> None:
    with screen() as terminal, started(suite, terminal, *arguments, env=env) as running:
        terminal.await_text(WHOLE)
        assert (b"\x1b[31m2 failed" in terminal.written) == is_coloured
        assert (b"\x1b[32m" in terminal.written) == is_coloured
        go(suite)
        running.finish()


def test_the_terminal_changes_its_size(suite: Suite) -> None:
    with screen() as terminal, started(suite, terminal) as running:
        terminal.await_text(rf"{WHOLE} ━")
        # Too narrow for the bar, and too low for both workers.
        terminal.resize(30, 6)
        terminal.await_text(r"8/11 +72 % 2 failed.*\ngw\d +\d+\.\d s .*\n*$")
        terminal.resize(100, 30)
        terminal.await_text(rf"{WHOLE} ━.*\ngw.*\ngw")
        go(suite)
        running.finish()


def test_without_unicode(suite: Suite) -> None:
    env = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    # pytest itself can't set up a test whose name the locale lacks: it writes it into the environment.
    ascii_names = {"test_b": TESTS["test_b"].replace("日本語", "other")}
    with screen() as terminal, started(suite, terminal, env=env, tests=TESTS | ascii_names) as running:
        terminal.await_text(rf"{WHOLE} =+>?.*\ngw\d.*\ngw\d")
        assert all(byte < 128 for byte in terminal.written)
        go(suite)
        running.finish()


@pytest.mark.parametrize("plugin", ["sugar", "instafail"])
def test_beside_another_reporter(suite: Suite, plugin: str) -> None:
    arguments = ["--instafail"] if plugin == "instafail" else []
    with screen(rows=40) as terminal, started(suite, terminal, *arguments, plugins=[plugin]) as running:
        terminal.await_text(rf"(?s){WHOLE} +━+ +2 failed, 4 passed, 2 skipped.*gw\d.*gw\d")
        go(suite)
        running.finish()
    assert not any(re.search(r"\d+/11", row) for row in terminal.all_rows())


def test_what_plugins_print_is_seen_above(suite: Suite) -> None:
    suite.write(conftest="def pytest_runtest_logfinish(nodeid): print('heard of', nodeid)")
    with screen() as terminal, started(suite, terminal) as running:
        terminal.await_text(rf"(?s)heard of test_b.py::test_before.*{WHOLE}")
        go(suite)
        running.finish()
        terminal.await_text("7 passed")
    heard = [row for row in terminal.all_rows() if "heard of" in row]
    # Each in the controller; those of the workers are captured.
    assert len(heard) == 11
    assert all(re.fullmatch(r"[.Fs]*heard of test_[ab]\.py::test_\S+", row) for row in heard), heard


def test_a_run_is_interrupted(suite: Suite) -> None:
    with screen() as terminal, started(suite, terminal) as running:
        terminal.await_text(WHOLE)
        terminal.type("\x03")
        result = running.finish()
        terminal.await_text("KeyboardInterrupt")
    assert result.returncode == 2
    assert not any(re.search(r"8/11", row) for row in terminal.all_rows())


def test_what_a_name_holds_is_not_obeyed(suite: Suite) -> None:
    suite.write(
        conftest="""
        import os, time
        import pytest

        class Odd(pytest.Item):
            def runtest(self):
                while not os.path.exists("go-a"):
                    time.sleep(0.01)

        def pytest_collect_file(parent, file_path):
            if file_path.name == "test_a.py":
                return Odds.from_parent(parent, path=file_path)

        class Odds(pytest.File):
            def collect(self):
                yield Odd.from_parent(self, name="odd\\x1b[2J\\r\\udcff")
        """
    )
    with screen() as terminal, started(suite, terminal) as running:
        terminal.await_text(r"test_a.py::odd\\x1b\[2J\\r\\udcff")
        go(suite)
        running.finish()


def test_the_estimate_comes_from_earlier_runs(suite: Suite) -> None:
    suite.write(test_c="import time\ndef test_c(): time.sleep(1.2)")
    suite.write(test_d=TESTS["test_a"])
    go(suite)
    suite.run("-n", "1")
    (suite.root / "go-a").unlink()
    with screen() as terminal, suite.running("-n", "1", terminal=terminal.line, env=ENVIRONMENT) as running:
        terminal.await_text("about [12] seconds? left")
        go(suite)
        running.finish(20)


def test_the_terminal_is_stopped_and_goes_on(suite: Suite) -> None:
    with screen() as terminal, started(suite, terminal) as running:
        terminal.await_text(WHOLE)
        running.interrupt(signal.SIGSTOP, group=True)
        running.interrupt(signal.SIGCONT, group=True)
        go(suite)
        running.finish()
        terminal.await_text("7 passed")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGQUIT])
def test_the_run_is_ended(suite: Suite, signum: signal.Signals) -> None:
    with screen() as terminal, started(suite, terminal) as running:
        terminal.await_text(WHOLE)
        running.interrupt(signum)
        assert running.finish(10).returncode == -signum
        assert not any(re.search(r"8/11|^gw", row) for row in terminal.rows())

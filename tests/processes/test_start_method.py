"""Which way workers are started, why, and that nobody else notices."""

from __future__ import annotations

import os
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from processes.harness import METHODS, Result, Suite

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
    import time
    import pytest

    @pytest.mark.parametrize("number", range(8))
    def test_number(number, worker_id):
        time.sleep(0.02)
        assert worker_id in ("gw0", "gw1")
"""
SLEEPER = "import threading, time; threading.Thread(target=time.sleep, args=(40,), daemon=True, name='sleeper').start()"
RAW = "import _thread, time; _thread.start_new_thread(time.sleep, (40,)); time.sleep(0.05)"
NATIVE = """
import ctypes
libc = ctypes.CDLL(None)
thread = ctypes.c_ulong()
if libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(libc.pause, ctypes.c_void_p), None):
    raise OSError
"""


def _reason(result: Result, method: str = "forkserver") -> str:
    """What the header says behind the method."""
    assert result.header is not None, result.output
    workers, _, reason = result.header.partition(f"), {method}: ")
    assert workers == "fastest: 2 workers (-n 2", result.header
    return reason


@pytest.mark.parametrize(
    ("conftest", "word"),
    [
        pytest.param(SLEEPER, "sleeper", id="thread in conftest"),
        pytest.param(f"def pytest_configure():\n    {SLEEPER}", "sleeper", id="thread in configure"),
        pytest.param(RAW, "thread", id="raw thread"),
        pytest.param(NATIVE, "native thread", id="native thread"),
        pytest.param("import socket\ndef pytest_configure(config): config.mine = socket.socket()", "1 socket", id="1"),
        pytest.param("import socket\nMINE = socket.socketpair()", "2 sockets", id="socketpair in conftest"),
    ],
)  # fmt: skip
def test_auto_does_not_fork_a_process_that_cannot_be_forked(suite: Suite, conftest: str, word: str) -> None:
    suite.write(conftest=conftest, test_numbers=TESTS)
    result = suite.run("-n", "2")
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 8}
    assert word in _reason(result)


@pytest.mark.parametrize("start", [SLEEPER, "import socket; MINE = socket.socket()"], ids=["thread", "socket"])
def test_auto_looks_at_what_test_modules_do_too(suite: Suite, start: str) -> None:
    suite.write(test_starts=f"{start}\ndef test_here(): pass", test_numbers=TESTS)
    result = suite.run("-n", "2")
    assert result.counts == {"passed": 9}
    assert ("sleeper" if "sleeper" in start else "socket") in _reason(result)


def test_threads_and_sockets_that_are_gone_again_do_not_count(suite: Suite) -> None:
    suite.write(
        conftest="""
            import socket, threading

            def pytest_configure():
                thread = threading.Thread(target=print)
                thread.start()
                thread.join()
                socket.socket().close()
        """,
        test_numbers=TESTS,
    )
    result = suite.run("-n", "2")
    assert result.counts == {"passed": 8}
    assert result.header == "fastest: 2 workers (-n 2), fork"


def test_fork_is_what_it_says(suite: Suite) -> None:
    """Somebody who asks for `fork` knows better, and is told what speaks against it."""
    suite.write(conftest=SLEEPER, test_numbers=TESTS)
    result = suite.run("-n", "2", "--start-method", "fork")
    assert result.counts == {"passed": 8}
    assert str(result.header).startswith("fastest: 2 workers (-n 2), fork")
    assert "sleeper" in str(result.header)


def test_after_a_refusal_the_collector_runs_tests_too(suite: Suite) -> None:
    suite.write(
        conftest=SLEEPER,
        test_numbers="from witness import mark\nmark('import')\n" + dedent(TESTS),
    )
    assert suite.run("-n", "2").counts == {"passed": 8}
    assert len({mark.pid for mark in suite.marks("import")}) == 2


def test_one_test_after_a_refusal(suite: Suite) -> None:
    suite.write(conftest=SLEEPER, test_one="def test_one(): pass")
    result = suite.run("-n", "2")
    assert result.counts == {"passed": 1}
    assert result.workers == 1


def test_pytest_in_a_process_with_threads(suite: Suite) -> None:
    suite.write(
        test_numbers=TESTS,
        script=f"""
            {SLEEPER}
            import pytest
            raise SystemExit(pytest.main(["-n", "2", "-p", "recorder_of_reports"]))
        """,
    )
    result = suite.run(command=[sys.executable, "script.py"])
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 8}
    assert _reason(result, "spawn") == "pytest was started in a process with threads"


def test_pytest_in_a_thread(suite: Suite) -> None:
    suite.write(
        test_numbers=TESTS,
        script="""
            import threading, pytest
            codes = []
            thread = threading.Thread(target=lambda: codes.append(pytest.main(["-n", "2"])))
            thread.start()
            thread.join()
            print("codes", [int(code) for code in codes])
        """,
    )
    result = suite.run(command=[sys.executable, "script.py"])
    assert result.stdout.endswith("codes [0]\n"), result.output
    assert result.counts == {"passed": 8}


BROKEN = {
    "works": ({"test_a": "def test_a(): pass"}, [], 0),
    "fails": ({"test_a": "def test_a(): assert 0"}, [], 1),
    "collects nothing": ({}, [], 5),
    "unknown option": ({"test_a": "def test_a(): pass"}, ["--no-such-option"], 4),
    "bad value": ({"test_a": "def test_a(): pass"}, ["--maxfail", "x"], 4),
    "missing path": ({"test_a": "def test_a(): pass"}, ["nowhere.py"], 4),
    "missing plugin": ({"test_a": "def test_a(): pass"}, ["-p", "no_such_plugin"], 4),
    "broken conftest": ({"conftest": "import no_such_module", "test_a": "def test_a(): pass"}, [], 4),
    "syntax error in conftest": ({"conftest": "def", "test_a": "def test_a(): pass"}, [], 4),
    "broken module": ({"test_a": "import no_such_module"}, [], 2),
    "configure fails": ({"conftest": "def pytest_configure(): 1 / 0", "test_a": "def test_a(): pass"}, [], 3),
    "sessionstart fails": ({"conftest": "def pytest_sessionstart(): 1 / 0", "test_a": "def test_a(): pass"}, [], 3),
    "exit in conftest": ({"conftest": "import pytest; pytest.exit('enough', 7)"}, [], 4),
    "exit in configure": ({"conftest": "import pytest\ndef pytest_configure(): pytest.exit('enough', 7)"}, [], 7),
    "collection modification fails": (
        {"conftest": "def pytest_collection_modifyitems(): 1 / 0", "test_a": "def test_a(): pass"}, [], 3,
    ),
}  # fmt: skip


WORDS = (
    "after pytest\n",
    "ModuleNotFoundError",
    "ZeroDivisionError",
    "SyntaxError",
    "--no-such-option",
    "enough",
    "nowhere.py",
    "no_such_plugin",
)


@pytest.mark.parametrize("case", BROKEN)
def test_main_returns_once_and_in_its_own_process(suite: Suite, case: str) -> None:
    files, args, code = BROKEN[case]
    suite.write(
        **files,
        script=f"""
            import os, sys, pytest
            from witness import mark

            try:
                code = pytest.main(sys.argv[1:] + {args})
                mark(f"returned {{int(code)}}")
            except BaseException as error:
                mark(f"raised {{type(error).__name__}}")
                raise
            finally:
                mark("finally")
            os.write(1, b"after pytest\\n")
            sys.exit(code)
        """,
    )
    command = [sys.executable, "script.py"]
    plain = suite.run("-p", "no:fastest", command=command)
    assert plain.returncode == code, plain.output
    [ended, _] = suite.marks()
    for method in METHODS:
        suite.forget_marks()
        result = suite.run("-n", "2", "--start-method", method, command=command)
        assert [mark.name for mark in suite.marks()] == [ended.name, "finally"], (method, result.output)
        assert len({mark.pid for mark in suite.marks()}) == 1
        assert result.returncode == plain.returncode, (method, result.output)
        for word in WORDS:
            assert (word in result.output) == (word in plain.output), f"{method}: {word}\n{result.output}"
            if code != 3:  # The traceback of an internal error there is part of the one here.
                assert result.output.count(word) == plain.output.count(word), f"{method}: {word}\n{result.output}"


def test_main_can_be_called_again(suite: Suite) -> None:
    suite.write(
        test_numbers=TESTS,
        script="""
            import gc, sys, pytest
            codes = [int(pytest.main(["-q", "-n", "2", *sys.argv[1:]])) for _ in range(3)]
            print("codes", codes, "frozen", gc.get_freeze_count())
        """,
    )
    for method in METHODS:
        result = suite.run("--start-method", method, command=[sys.executable, "script.py"])
        # What the caller has made is left to the garbage collector again.
        assert "codes [0, 0, 0] frozen 0\n" in result.stdout, result.output


def test_the_working_directory_and_environment_of_a_script(suite: Suite) -> None:
    """What a script has changed before it calls `pytest.main` holds in workers, whichever way they start."""
    suite.write(
        script="""
            import os, sys, pytest
            os.environ["MINE"] = "set by the script"
            os.chdir("below")
            sys.path.insert(0, os.path.abspath("../elsewhere"))
            raise SystemExit(pytest.main(sys.argv[1:]))
        """
    )
    below, elsewhere = suite.root / "below", suite.root / "elsewhere"
    below.mkdir()
    elsewhere.mkdir()
    (elsewhere / "of_the_script.py").write_text("VALUE = 1\n", "utf-8")
    (below / "test_script.py").write_text(
        "import os, of_the_script\n"
        "def test_here():\n"
        "    assert os.environ['MINE'] == 'set by the script'\n"
        "    assert os.path.basename(os.getcwd()) == 'below'\n"
        "def test_there(): test_here()\n",
        "utf-8",
    )
    for method in METHODS:
        result = suite.run("-n", "2", "--start-method", method, command=[sys.executable, "script.py"])
        assert result.counts == {"passed": 2}, result.output


def test_the_spawned_environment_is_that_of_the_controller(suite: Suite) -> None:
    suite.write(
        test_env="""
            import os, sys

            def test_1():
                assert os.environb[b"ODD"] == b"\\xff value"
                assert sys.flags.optimize == 0
                assert sys.warnoptions == ["error::FutureWarning"]
            def test_2(): test_1()
        """
    )
    command = [sys.executable, "-W", "error::FutureWarning", "-m", "pytest"]
    for method in METHODS:
        result = suite.run(
            "-n", "2", "--start-method", method, command=command, env={"ODD": os.fsdecode(b"\xff value")}
        )
        assert result.counts == {"passed": 2}, result.output


@pytest.mark.parametrize("method", METHODS)
def test_a_long_temporary_directory(suite: Suite, tmp_path: Path, method: str) -> None:
    long = tmp_path / ("x" * (150 - len(str(tmp_path))))
    assert len(str(long)) >= 150
    short = tmp_path / "run"
    short.mkdir()
    suite.write(test_numbers=TESTS)
    result = suite.run("-n", "2", "--start-method", method, tmpdir=long, env={"XDG_RUNTIME_DIR": str(short)})
    assert result.counts == {"passed": 8}, result.output
    assert list(short.iterdir()) == []
    assert list(long.glob("fastest*")) == []


def test_a_temporary_directory_that_does_not_exist(suite: Suite) -> None:
    suite.write(test_one="def test_1(): pass\ndef test_2(): pass")
    result = suite.run("-n", "2", env={"TMPDIR": "/nonexistent/directory"})
    assert result.counts == {"passed": 2}, result.output


def test_the_private_directory_is_private(suite: Suite) -> None:
    suite.write(
        test_private="""
            import os, stat, time
            from pathlib import Path

            def test_private():
                [directory] = Path(os.environ["TMPDIR"]).glob("fastest-*")
                assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        """
    )
    for method in METHODS:
        assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 1}


def test_runs_beside_each_other_do_not_meet(suite: Suite) -> None:
    suite.write(test_numbers=TESTS)
    with suite.running("-n", "2") as first, suite.running("-n", "2", "--start-method", "spawn") as second:
        results = [first.finish(), second.finish()]
    assert [result.counts for result in results] == [{"passed": 8}, {"passed": 8}]


def test_output_can_be_piped_to_something_that_stops_reading(suite: Suite) -> None:
    suite.write(test_numbers=TESTS)
    script = f"{sys.executable} -m pytest -n 2 -v | head -1"
    result = suite.run(command=["sh", "-c", script])
    assert "test session starts" in result.stdout


@pytest.mark.parametrize("how", [("-p", "ours"), ()], ids=["option", "variable"])
def test_a_plugin_that_is_imported_early_and_reads_the_identity(suite: Suite, how: tuple[str, ...]) -> None:
    suite.write(
        ours="""
            import os
            import pytest
            NAME = os.environ.get("PYTEST_XDIST_WORKER")

            @pytest.fixture
            def name(): return NAME
        """,
        test_numbers="""
            import time
            import pytest

            @pytest.mark.parametrize("number", range(8))
            def test_number(number, name, worker_id):
                time.sleep(0.02)
                assert name == worker_id
        """,
    )
    env = {"PYTHONPATH": os.pathsep.join((str(suite.root), str(suite.helpers)))}
    if not how:
        env["PYTEST_PLUGINS"] = "ours"
    result = suite.run("-n", "2", *how, env=env)
    assert result.counts == {"passed": 8}, result.output
    assert _reason(result, "spawn") == (
        "the plugin ours reads PYTEST_XDIST_WORKER (line 4), and is imported before workers start"
    )

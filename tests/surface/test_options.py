"""The options of pytest-xdist: what they do here, and what is said about those that do nothing."""

from __future__ import annotations

import os

import pytest
from processes.harness import METHODS, Suite

MANY = """
    import time, pytest

    @pytest.mark.parametrize("number", range(40))
    def test_many(number): time.sleep(0.002)
"""


@pytest.fixture
def many(suite: Suite) -> Suite:
    suite.write(test_many=MANY)
    return suite


@pytest.mark.parametrize(
    ("ini", "args", "env", "workers"),
    [
        ("", ("-n", "4", "--maxprocesses", "2"), {}, 2),
        ("", ("-n", "auto", "--maxprocesses", "1"), {}, 1),
        ("addopts = -n 4 --maxprocesses=3", (), {}, 3),
        ("", ("-n", "2", "--maxprocesses", "8"), {}, 2),
        ("", ("--dist", "load", "--tx", "3*popen"), {}, 3),
        ("", ("-d", "--tx", "popen", "--tx", "2*popen"), {}, 3),
        ("addopts = --tx 3*popen", ("--dist", "worksteal"), {}, 3),
        ("", ("--tx", "3*popen"), {}, 0),
        ("", ("--tx", "3*popen", "-n", "2", "-d"), {}, 2),
        ("", ("--dist", "load"), {}, 0),
        ("", ("-d",), {}, 0),
        ("", ("-n", "auto"), {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}, 3),
        ("", ("-n", "logical"), {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}, 3),
        ("", ("-n", "auto", "--maxprocesses", "2"), {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}, 2),
        ("", ("-n", "2"), {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}, 2),
        ("", ("-n", "auto"), {"PYTEST_XDIST_AUTO_NUM_WORKERS": "0"}, 1),
        ("", ("-n", "2", "--maxschedchunk", "1"), {}, 2),
        # Off.
        ("", ("-n", "2", "--dist", "no"), {}, 0),
        ("addopts = -n 2", ("--dist", "no"), {}, 0),
        ("addopts = -n 2 --dist no", (), {}, 0),
        ("", ("--dist", "no"), {"FASTEST_WORKERS": "2"}, 0),
        ("addopts = --dist no", ("-n", "2"), {}, 2),
        ("addopts = --dist no", (), {"FASTEST_WORKERS": "2"}, 2),
        ("addopts = --dist no", (), {"PYTEST_ADDOPTS": "-n 2"}, 2),
        ("fastest_workers = 2", ("--dist", "no"), {}, 0),
        ("addopts = --dist loadfile", ("-n", "2", "--dist", "load"), {}, 2),
    ],
    ids=str,
)
def test_how_many_workers(many: Suite, ini: str, args: tuple[str, ...], env: dict[str, str], workers: int) -> None:
    many.write(ini=ini)
    result = many.run(*args, env=env)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 40}
    assert result.workers == workers


@pytest.mark.parametrize(
    ("args", "env", "reason"),
    [
        (("-n", "4", "--maxprocesses", "2"), {}, "-n 4, --maxprocesses 2"),
        (("-n", "4", "--maxprocesses", "9"), {}, "-n 4"),
        (
            ("-n", "4", "--dist", "loadfile", "--maxprocesses", "2"),
            {},
            "-n 4, --maxprocesses 2, no more separable work",
        ),
        (("-n", "auto"), {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}, "PYTEST_XDIST_AUTO_NUM_WORKERS 3"),
        (
            ("-n", "auto", "--maxprocesses", "2"),
            {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"},
            "PYTEST_XDIST_AUTO_NUM_WORKERS 3, --maxprocesses 2",
        ),
    ],
    ids=str,
)
def test_who_has_chosen_the_number(many: Suite, args: tuple[str, ...], env: dict[str, str], reason: str) -> None:
    assert f"({reason})" in str(many.run(*args, env=env).header)


@pytest.mark.parametrize("args", [("-n", "auto"), ("-n", "0"), ("-n", "logical")], ids=str)
def test_a_limit_above_the_automatic_number(many: Suite, args: tuple[str, ...]) -> None:
    result = many.run(*args, "--maxprocesses", "1000")
    assert result.counts == {"passed": 40}, result.output
    assert 1 <= result.workers <= (os.cpu_count() or 1)


def test_a_number_that_is_none_is_ignored_with_a_warning(many: Suite) -> None:
    result = many.run("-n", "auto", env={"PYTEST_XDIST_AUTO_NUM_WORKERS": "many"})
    assert result.counts["passed"] == 40
    assert 1 <= result.workers <= (os.cpu_count() or 1)
    assert "PYTEST_XDIST_AUTO_NUM_WORKERS is not a number: 'many'" in result.output


@pytest.mark.parametrize(
    ("args", "texts"),
    [
        (("--px", "id=x//ssh=y"), ("--px", "other machines", "-p no:fastest")),
        (("--rsyncdir", "src"), ("--rsyncdir", "other machines")),
        (("--rsyncignore", "*.pyc"), ("--rsyncignore",)),
        (("--tx", "ssh=host//python=python3"), ("--tx ssh=host//python=python3", "N*popen", "-n N")),
        (("--tx", "socket=1.2.3.4:8888"), ("--tx socket=1.2.3.4:8888", "N*popen")),
        (("--tx", "popen//python=python3.9"), ("--tx popen//python=python3.9", "this interpreter")),
        (("--tx", "x*popen"), ("--tx x*popen",)),
        (("--tx", "10001*popen"), ("--tx 10001*popen", "at most 10000")),
        (("-f",), ("--looponfail", "pytest-watcher")),
        (("--looponfail",), ("--looponfail", "pytest-watcher")),
        (("--dist", "foo"), ("--dist", "foo", "loadscope", "worksteal")),
        (("--maxprocesses", "x"), ("--maxprocesses", "x")),
        (("--maxprocesses", "0"), ("--maxprocesses 0", "at least 1")),
        (("--max-worker-restart", "-1"), ("--max-worker-restart -1", "at least 0")),
        (("--max-worker-restart", "few"), ("--max-worker-restart few", "whole number")),
        (("--maxschedchunk", "0"), ("--maxschedchunk 0", "at least 1")),
    ],
    ids=str,
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["no workers", "workers"])
def test_what_is_not_carried(many: Suite, args: tuple[str, ...], texts: tuple[str, ...], workers: tuple[str]) -> None:
    result = many.run(*args, *workers)
    assert result.returncode == 4, result.output
    assert all(text in result.stderr for text in texts), result.stderr
    assert "Traceback" not in result.output
    assert not result.reports


def test_settings_of_the_configuration_file_that_do_nothing(many: Suite) -> None:
    many.write(ini="addopts = --strict-config\nrsyncdirs = src\nrsyncignore = *.pyc\nlooponfailroots = src")
    result = many.run("-n", "2")
    assert result.counts == {"passed": 40}, result.output
    assert "Warning" not in result.output


@pytest.mark.parametrize("method", METHODS)
def test_the_name_of_a_run(suite: Suite, method: str) -> None:
    suite.write(
        test_uid="""
            import os

            def test_uid(testrun_uid):
                assert testrun_uid == os.environ["PYTEST_XDIST_TESTRUNUID"] == "build 17"
        """
    )
    assert suite.run("-n", "2", "--start-method", method, "--testrunuid", "build 17").counts == {"passed": 1}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("most", [0, 1, 3])
def test_how_many_workers_are_replaced(suite: Suite, method: str, most: int) -> None:
    suite.write(
        test_crash="""
            import os, pytest

            @pytest.mark.parametrize("number", range(8))
            def test_crash(number): os._exit(1)
        """
    )
    result = suite.run("-n", "1", "--start-method", method, "--max-worker-restart", str(most))
    assert result.returncode == 1
    assert result.counts == {"failed": 1 + most, "errors": 8 - 1 - most}


@pytest.mark.parametrize("method", METHODS)
def test_what_plugins_read(suite: Suite, method: str) -> None:
    """pytest-xdist's own values: in workers there are none, in the controller there is a number and a mode."""
    suite.write(
        conftest="""
            def pytest_configure(config):
                option = config.option
                side = "worker" if hasattr(config, "workerinput") else "controller"
                print(side, option.numprocesses, option.maxprocesses, option.dist, option.tx, option.distload)
        """,
        test_one="def test_one(): pass\ndef test_two(): pass",
    )
    result = suite.run("-s", "-n", "2", "--maxprocesses", "5", "--start-method", method)
    assert "controller 2 5 load ['popen', 'popen'] False" in result.output
    result = suite.run("-s", "-n", "2", "--dist", "loadfile", "--start-method", method)
    assert "controller 2 None loadfile ['popen', 'popen'] False" in result.output
    plain = suite.run("-s")
    assert "controller None None no [] False" in plain.output
    suite.write(
        test_one="""
            def test_one(request):
                option = request.config.option
                assert (option.numprocesses, option.maxprocesses, option.dist, option.distload) == (
                    None, None, "no", False
                )
                assert option.usepdb is option.looponfail is False
        """
    )
    assert suite.run("-n", "2", "-d", "--maxprocesses", "2", "--start-method", method).counts == {"passed": 1}

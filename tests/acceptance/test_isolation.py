"""Captured output, folders, environment: what tests see around them."""

from __future__ import annotations

import pytest
from parity import ALL, FORK, PLAIN, Parity
from processes.harness import METHODS

CAPTURED = """
    import logging, os, sys
    import pytest

    log = logging.getLogger("own")

    @pytest.fixture
    def noisy():
        print("set-up out")
        log.warning("set-up log")
        yield
        print("teardown out")

    def test_out(noisy):
        print("call out")
        print("call err", file=sys.stderr)
        log.error("call log")
        assert 0

    def test_capsys(capsys):
        print("one")
        assert capsys.readouterr().out == "one\\n"
        print("left")
        with capsys.disabled():
            pass
        assert 0

    def test_capfd(capfd):
        os.write(1, b"bytes\\n")
        os.system("echo child")
        assert capfd.readouterr().out == "bytes\\nchild\\n"

    def test_capfdbinary(capfdbinary):
        os.write(1, bytes(range(256)))
        assert capfdbinary.readouterr().out == bytes(range(256))

    def test_caplog(caplog):
        caplog.set_level(logging.DEBUG, logger="own")
        log.debug("low")
        assert caplog.record_tuples == [("own", logging.DEBUG, "low")]
        assert 0

    def test_odd_characters():
        sys.stdout.write("\\x1b[31mred\\x1b[0m \\r carriage")
        assert 0

    def test_stdin():
        with pytest.raises(OSError):
            sys.stdin.read()
        assert os.read(0, 1) == b""

    def test_large_output():
        print("x" * 300_000)
        assert 0
"""

BY_DESCRIPTOR = """
    def test_descriptors():
        os.write(1, b"by descriptor\\n")
        os.write(1, b"\\xff\\xfe\\x00")
        os.system("echo by a child; echo child error >&2")
        assert 0
"""

PATHS = """
    import os, sys
    from pathlib import Path

    def test_one(tmp_path): (tmp_path / "file").write_text("x"); assert len(list(tmp_path.iterdir())) == 1
    def test_two(tmp_path): assert not list(tmp_path.iterdir())
    def test_factory(tmp_path_factory):
        first, second = (tmp_path_factory.mktemp("made") for _ in range(2))
        assert first != second
        assert (tmp_path_factory.getbasetemp() / "made0").is_dir()
        made = tmp_path_factory.mktemp(__name__, numbered=False)
        assert made.parent == tmp_path_factory.getbasetemp()
    def test_tmpdir(tmpdir): assert tmpdir.listdir() == []
    def test_report(tmp_path_factory, worker_id):
        with open(os.environ["SEEN"], "a") as file: file.write(f"{worker_id} {tmp_path_factory.getbasetemp()}\\n")
"""


@pytest.mark.parametrize("option", ["--capture=fd", "--capture=sys", "--capture=tee-sys"])
def test_captured_output(parity: Parity, option: str) -> None:
    text = CAPTURED + BY_DESCRIPTOR if option == "--capture=fd" else CAPTURED
    parity.write({"test_one.py": text, "test_two.py": text})
    # What is let through at once stands between the lines of the reporter.
    passes_on = option == "--capture=tee-sys"
    parity.check(option, hows=ALL if not passes_on else (FORK,), ignore=("head", "stderr") if passes_on else ())


@pytest.mark.parametrize("how", ALL, ids=METHODS)
def test_uncaptured_output_is_seen(parity: Parity, how: tuple[str, ...]) -> None:
    text = """
        import sys, os, pytest

        @pytest.fixture(scope="module", autouse=True)
        def around():
            print("module {0} begins")
            yield
            print("module {0} ends")

        def test_prints():
            print("printed in {0}")
            print("error in {0}", file=sys.stderr)
            os.system("echo child of {0}")

        def test_capsys(capsys):
            with capsys.disabled():
                print("disabled in {0}")
    """
    parity.write({f"test_{name}.py": text.replace("{0}", name) for name in "abc"})
    run = parity.run("-s", how=how)
    assert run.returncode == 0
    for name in "abc":
        for line in ("printed in", "child of", "disabled in"):
            assert run.stdout.count(f"{line} {name}") == 1
        assert run.stdout.count(f"module {name} begins") == run.stdout.count(f"module {name} ends") >= 1
        assert run.stderr.count(f"error in {name}") == 1


def test_output_of_conftests_is_seen_once_without_capture(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": "print('conftest speaks')\ndef pytest_configure(): print('configure speaks')",
            "test_a.py": "print('module a speaks')\ndef test_a(): pass",
            "test_b.py": "print('module b speaks')\ndef test_b(): pass",
        }
    )
    for how in (PLAIN, *ALL):
        run = parity.run("-s", how=how)
        counts = [run.stdout.count(f"{who} speaks") for who in ("conftest", "configure", "module a", "module b")]
        assert counts == [1, 1, 1, 1], how


@pytest.mark.parametrize("how", ALL, ids=METHODS)
@pytest.mark.parametrize("given", [True, False], ids=["basetemp", "default"])
def test_temporary_folders_are_the_workers_own(parity: Parity, how: tuple[str, ...], *, given: bool) -> None:
    parity.write({f"test_{name}.py": PATHS for name in "abcd"})
    seen = parity.source.parent / f"{parity.source.name}-seen"
    args = ["--basetemp=temporary"] if given else []
    run = parity.run("-rA", *args, how=how, environment={"SEEN": str(seen)})
    assert run.returncode == 0, run.stdout
    lines = set(seen.read_text("utf-8").splitlines())
    workers = {line.split()[0] for line in lines}
    assert len(lines) == len(workers), "one folder per worker"
    assert workers <= {"gw0", "gw1"}
    for line in lines:
        worker, folder = line.split()
        assert folder.endswith(f"/popen-{worker}")
        assert ("/temporary/" in folder) == given


def test_tests_that_change_the_process(parity: Parity) -> None:
    text = """
        import os, sys, pytest

        # One needs the other: a class is not split.
        class TestOwn:
            def test_changes(self, tmp_path):
                os.chdir(tmp_path)
                os.environ["OWN"] = "set"
                sys.path.insert(0, "somewhere")
                os.umask(0o077)

            def test_sees_it(self):
                assert os.environ["OWN"] == "set"
                assert sys.path[0] == "somewhere"
                del os.environ["OWN"]

        def test_fails_elsewhere(): raise ValueError

        def test_monkeypatch(monkeypatch, tmp_path):
            monkeypatch.chdir(tmp_path)
            monkeypatch.setenv("OTHER", "1")
            monkeypatch.syspath_prepend(tmp_path)

        def test_undone(): assert "OTHER" not in os.environ

        def test_skips(): pytest.skip("after a change of folder")
        def test_warns():
            import warnings
            warnings.warn("after a change of folder")
    """
    parity.write({"test_a.py": text, "test_b.py": text})
    parity.check("-vv", ignore=("head",), hows=ALL)


def test_chdir_while_collecting(parity: Parity) -> None:
    parity.write(
        {
            "test_a.py": "import os, tempfile\nos.chdir(tempfile.gettempdir())\ndef test_a(): assert 0",
            "test_b.py": "def test_b(): assert 0",
        }
    )
    parity.check(ignore=("cache",))


def test_environment_of_tests(parity: Parity) -> None:
    text = """
        import os, sys
        def test_current(request):
            assert os.environ["PYTEST_CURRENT_TEST"] == f"{request.node.nodeid} (call)"
            assert os.environ["PYTEST_VERSION"]
        def test_arguments(): assert sys.argv[0].endswith("__main__.py") and "-rA" in sys.argv
        def test_main(): assert sys.modules["__main__"].__name__ == "__main__"
        def test_folder(request): assert os.getcwd() == str(request.config.invocation_params.dir)
        def test_isatty(): assert not sys.stdout.isatty()
    """
    parity.write({"test_a.py": text, "test_b.py": text})
    plain, *_ = parity.check(hows=ALL)
    assert plain.returncode == 0


def test_tests_that_fork_thread_and_spawn(parity: Parity) -> None:
    text = """
        import os, subprocess, sys, threading, multiprocessing, asyncio, signal
        import pytest

        def test_fork():
            pid = os.fork()
            if pid == 0: os._exit(3)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
        def test_subprocess(): assert subprocess.check_output([sys.executable, "-c", "print(1)"]) == b"1\\n"
        def test_thread():
            thread = threading.Thread(target=print, args=("in a thread",))
            thread.start()
            thread.join()
            assert threading.current_thread() is threading.main_thread()
        def test_processes():
            with multiprocessing.get_context("fork").Pool(1) as pool: assert pool.map(abs, [-1]) == [1]
        def test_asyncio(): asyncio.run(asyncio.sleep(0))
        def test_no_children():
            with pytest.raises(ChildProcessError): os.waitpid(-1, os.WNOHANG)
        def test_alarm():
            signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError))
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            try: signal.pause()
            except TimeoutError: pass
    """
    parity.write({"test_a.py": text, "test_b.py": text})
    plain, *_ = parity.check(hows=ALL)
    assert plain.returncode == 0


def test_pytester_runs_inside_tests(parity: Parity) -> None:
    text = """
        def test_inner(pytester):
            pytester.makepyfile("def test_a(): pass")
            pytester.runpytest_inprocess().assert_outcomes(passed=1)
        def test_inner_process(pytester):
            pytester.makepyfile("def test_a(worker_id): assert worker_id")
            pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=1)
    """
    parity.write({"conftest.py": "pytest_plugins = ['pytester']", "test_a.py": text, "test_b.py": text})
    for how in ALL:
        run = parity.run("-rA", how=how)
        assert run.returncode == 0, run.stdout

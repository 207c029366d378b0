"""Tests that have processes, threads and descriptors of their own."""

from __future__ import annotations

import pytest

from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

OTHERS = "def test_1(): pass\ndef test_2(): pass"


def test_fork_and_wait(suite: Suite, method: str) -> None:
    suite.write(
        test_forks="""
            import os
            import pytest

            @pytest.mark.parametrize("number", range(10))
            def test_forks(number):
                pid = os.fork()
                if pid == 0:
                    print("in the child")
                    os._exit(number)
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == number
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 10}, result.output


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_multiprocessing(suite: Suite, method: str, how: str) -> None:
    suite.write(
        test_pool=f"""
            import multiprocessing, os

            CONTEXT = multiprocessing.get_context({how!r})

            def square(number): return number * number
            def put(queue): queue.put(os.getpid())

            def test_pool():
                with CONTEXT.Pool(2) as pool:
                    assert pool.map(square, range(5)) == [0, 1, 4, 9, 16]

            def test_process():
                queue = CONTEXT.Queue()
                process = CONTEXT.Process(target=put, args=(queue,))
                process.start()
                assert queue.get(timeout=20) == process.pid
                process.join()
                assert process.exitcode == 0

            def test_executor():
                from concurrent.futures import ProcessPoolExecutor
                with ProcessPoolExecutor(2, mp_context=CONTEXT) as executor:
                    assert list(executor.map(square, range(3))) == [0, 1, 4]
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 3}, result.output


def test_a_pool_that_is_not_closed(suite: Suite, method: str) -> None:
    suite.write(
        test_pool="""
            import multiprocessing

            def test_pool():
                pool = multiprocessing.get_context("fork").Pool(2)
                test_pool.pool = pool
                assert pool.map(abs, [-1, 2]) == [1, 2]
        """,
        test_others=OTHERS,
    )
    assert suite.run("-n", "no").counts == {"passed": 3}
    assert suite.run("-n", "2", "--start-method", method, timeout=20).counts == {"passed": 3}


def test_subprocesses(suite: Suite, method: str) -> None:
    suite.write(
        test_sub="""
            import subprocess, sys

            def test_output():
                assert subprocess.run(["echo", "hello"], capture_output=True, check=True).stdout == b"hello\\n"

            def test_inherited_descriptors():
                code = "import os; print([fd for fd in os.listdir('/proc/self/fd') if int(fd) > 2])"
                done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
                # The listing itself has one.
                assert len(eval(done.stdout)) == 1, done.stdout

            def test_status():
                assert subprocess.run([sys.executable, "-c", "raise SystemExit(4)"]).returncode == 4

            def test_asynchronous():
                import asyncio

                async def run():
                    process = await asyncio.create_subprocess_exec("true")
                    return await process.wait()

                assert asyncio.run(run()) == 0
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 4}, result.output


def test_waiting_for_any_child(suite: Suite, method: str) -> None:
    """A worker has no children but its tests' own."""
    suite.write(
        test_wait="""
            import os
            import pytest

            def test_wait():
                with pytest.raises(ChildProcessError):
                    os.waitpid(-1, os.WNOHANG)
        """
    )
    assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 1}


@pytest.mark.parametrize("then", ["sys.exit(0)", "assert False", "return"])
def test_a_forked_child_that_comes_back_says_nothing(suite: Suite, method: str, then: str) -> None:
    suite.write(
        test_forks=f"""
            import os, sys
            import pytest

            @pytest.mark.parametrize("number", range(5))
            def test_before(number): pass

            def test_forks():
                pid = os.fork()
                if pid == 0:
                    {then}
                else:
                    os.waitpid(pid, 0)

            @pytest.mark.parametrize("number", range(5))
            def test_later(number): pass
        """,
        test_others=OTHERS,
    )
    result = suite.run("-n", "2", "--start-method", method, timeout=15)
    assert result.counts == {"passed": 13}, result.output


def test_threads_that_go_on(suite: Suite, method: str) -> None:
    suite.write(
        test_threads="""
            import threading, time

            def test_daemon():
                threading.Thread(target=time.sleep, args=(50,), daemon=True).start()

            def test_pool():
                from concurrent.futures import ThreadPoolExecutor
                test_pool.executor = ThreadPoolExecutor(2)
                assert test_pool.executor.submit(abs, -1).result() == 1
        """,
        test_others=OTHERS,
    )
    result = suite.run("-n", "2", "--start-method", method, timeout=15)
    assert result.counts == {"passed": 4}


@pytest.mark.parametrize("then", ["pass", "[os.open('/dev/null', os.O_RDWR) for _ in range(20)]"])
def test_all_descriptors_are_closed_by_a_test(suite: Suite, method: str, then: str) -> None:
    """It cuts its worker off, and costs itself alone."""
    suite.write(
        test_closes=f"""
            import os
            import pytest
            from witness import mark

            @pytest.mark.parametrize("number", range(5))
            def test_before(number): pass

            def test_closes():
                mark("ran")
                os.closerange(3, 20)
                {then}

            @pytest.mark.parametrize("number", range(5))
            def test_later(number): pass
        """,
        test_others=OTHERS,
    )
    result = suite.run("-n", "2", "--start-method", method, timeout=10)
    assert result.counts == {"passed": 12, "failed": 1}, result.output
    assert [failure.nodeid for failure in result.failures] == ["test_closes.py::test_closes"]
    assert len(suite.marks("ran")) == 1


def test_standard_streams_are_closed_by_a_test(suite: Suite, method: str) -> None:
    suite.write(
        test_closes="""
            import os, sys, time

            def test_closes():
                # Until the others have run elsewhere: behind this one, in one process, nothing goes well.
                while not (os.path.exists(os.environ["WITNESS"]) and "other" in open(os.environ["WITNESS"]).read()):
                    time.sleep(0.02)
                sys.stdout.close()
                sys.stderr.close()
        """,
        test_others="from witness import mark\ndef test_1(): pass\ndef test_2(): mark('other')",
    )
    result = suite.run("-n", "2", "--start-method", method, timeout=20)
    assert result.nodeids("passed")["test_others.py::test_1"] == 1
    assert result.nodeids("passed")["test_others.py::test_2"] == 1


@pytest.mark.parametrize("signum", ["SIGALRM", "SIGCHLD", "SIGUSR1"])
def test_signals_are_the_tests_own(suite: Suite, method: str, signum: str) -> None:
    suite.write(
        test_signals=f"""
            import os, signal

            def test_default():
                assert signal.getsignal(signal.{signum}) == signal.SIG_DFL

            def test_handler():
                got = []
                previous = signal.signal(signal.{signum}, lambda *args: got.append(args))
                os.kill(os.getpid(), signal.{signum})
                signal.signal(signal.{signum}, previous)
                assert len(got) == 1
        """
    )
    assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 2}


def test_the_working_directory_and_environment_are_the_workers_own(suite: Suite, method: str) -> None:
    suite.write(
        test_changes="""
            import os
            import pytest

            @pytest.mark.parametrize("number", range(4))
            def test_changes(number, tmp_path):
                os.chdir(tmp_path)
                os.environ["TMPDIR"] = str(tmp_path)
                os.environ.pop("PYTEST_XDIST_TESTRUNUID", None)
        """,
        test_others=OTHERS,
    )
    assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 6}


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_output_with_capturing_disabled_is_shown(suite: Suite, method: str, capture: str) -> None:
    suite.write(
        test_prints="""
            def test_prints(capsys):
                print("captured by the fixture")
                with capsys.disabled():
                    print("meant to be seen")

            def test_prints_descriptor(capfd):
                with capfd.disabled():
                    print("and this too")

            def test_quiet():
                print("captured by pytest")
        """
    )
    result = suite.run("-n", "2", "--start-method", method, f"--capture={capture}")
    assert result.counts == {"passed": 3}, result.output
    assert result.stdout.count("meant to be seen") == 1
    assert result.stdout.count("and this too") == 1
    for text in ("captured by the fixture", "captured by pytest"):
        assert (text in result.stdout) == (capture == "no")


def test_the_fault_handlers_timeout_shows_stacks(suite: Suite, method: str) -> None:
    suite.write(test_slow="import time\ndef test_slow(): time.sleep(1)")
    result = suite.run("-n", "1", "--start-method", method, "-o", "faulthandler_timeout=0.3")
    assert result.counts == {"passed": 1}, result.output
    assert "Timeout (0:00:00.3" in result.stderr
    assert "test_slow" in result.stderr

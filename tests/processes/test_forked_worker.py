"""What a forked worker does before its first test, so that it is a process of its own."""

from __future__ import annotations

import re
import signal

import pytest

from processes.harness import METHODS, Suite


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("capture", ["fd", "sys", "tee-sys"])
def test_captured_output_is_not_mixed(suite: Suite, method: str, capture: str) -> None:
    suite.write(
        conftest="""
            import sys
            print("printed by a conftest")

            def pytest_configure():
                print("printed while configuring")
        """,
        test_printing="""
            import os, sys, time
            import pytest
            print("printed by the module")

            @pytest.mark.parametrize("number", range(30))
            def test_printing(number):
                for line in range(20):
                    print(f"{number} out {line}")
                    print(f"{number} err {line}", file=sys.stderr)
                    if line % 5 == 0:
                        time.sleep(0.002)
                assert number < 0
        """,
    )
    result = suite.run("-n", "2", "--start-method", method, "--capture", capture)
    assert result.counts == {"failed": 30}
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}
    for number in range(30):
        sections = result.sections_of(f"test_printing[{number}]")
        assert sections == {
            "Captured stdout call": "".join(f"{number} out {line}\n" for line in range(20)),
            "Captured stderr call": "".join(f"{number} err {line}\n" for line in range(20)),
        }


def test_output_of_descriptors_is_not_mixed(suite: Suite) -> None:
    suite.write(
        test_writing="""
            import os, subprocess, time
            import pytest

            @pytest.mark.parametrize("number", range(20))
            def test_writing(number, capfd):
                with capfd.disabled():
                    pass
                for line in range(10):
                    os.write(1, f"{number} line {line}\\n".encode())
                    time.sleep(0.001)
                subprocess.run(["sh", "-c", f"echo {number} from a shell"], check=True)
                expected = "".join(f"{number} line {line}\\n" for line in range(10)) + f"{number} from a shell\\n"
                assert capfd.readouterr().out == expected
                os.write(2, f"{number} to the report\\n".encode())

            @pytest.mark.parametrize("number", range(20))
            def test_failing(number):
                os.write(1, f"{number} begins\\n".encode())
                time.sleep(0.002)
                os.write(1, f"{number} ends\\n".encode())
                assert False
        """
    )
    result = suite.run("-n", "2", "--start-method", "fork")
    assert result.counts == {"failed": 20, "passed": 20}
    for number in range(20):
        sections = result.sections_of(f"test_failing[{number}]")
        assert sections == {"Captured stdout call": f"{number} begins\n{number} ends\n"}


def test_inherited_exit_handlers_are_dropped(suite: Suite) -> None:
    suite.write(
        conftest="""
            import atexit
            from witness import mark
            atexit.register(mark, "of the conftest")
        """,
        test_exit="""
            import atexit, time
            import pytest
            from witness import mark
            atexit.register(mark, "of the module")

            @pytest.mark.parametrize("number", range(4))
            def test_exit(number):
                mark("test")
                time.sleep(0.1)
                atexit.register(mark, f"of test {number}")
        """,
    )
    result = suite.run("-n", "2", "--start-method", "fork")
    assert result.counts == {"passed": 4}
    workers = {mark.pid for mark in suite.marks("test")}
    assert len(workers) == 2
    assert not workers & {mark.pid for mark in suite.marks("of the")}
    assert len(suite.marks("of the module")) == 1
    assert sorted(mark.name for mark in suite.marks("of test")) == [f"of test {number}" for number in range(4)]
    assert {mark.pid for mark in suite.marks("of test")} <= workers


def test_exit_handlers_of_tests_run_in_spawned_workers(suite: Suite) -> None:
    suite.write(
        test_exit="""
            import atexit
            from witness import mark

            def test_exit():
                atexit.register(mark, "of the test")
        """
    )
    assert suite.run("-n", "2", "--start-method", "spawn").counts == {"passed": 1}
    assert len(suite.marks("of the test")) == 1


@pytest.mark.parametrize("method", METHODS)
def test_daemonic_children_of_tests_end_with_the_worker(suite: Suite, method: str) -> None:
    """As under plain pytest: `multiprocessing` ends them in an exit handler of its own."""
    suite.write(
        conftest="import multiprocessing",
        test_daemon="""
            import multiprocessing, time

            def test_daemon():
                multiprocessing.get_context("fork").Process(target=time.sleep, args=(50,), daemon=True).start()
        """,
    )
    assert suite.run("-n", "no").counts == {"passed": 1}
    assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 1}


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_has_one_socket(suite: Suite, method: str) -> None:
    suite.write(
        test_sockets="""
            import os, time
            import pytest

            def sockets():
                links = []
                for name in os.listdir("/proc/self/fd"):
                    try:
                        links.append(os.readlink(f"/proc/self/fd/{name}"))
                    except OSError:
                        pass
                return [link for link in links if link.startswith("socket:")]

            @pytest.mark.parametrize("number", range(12))
            def test_sockets(number):
                time.sleep(0.05)
                assert len(sockets()) == 1
        """
    )
    result = suite.run("-n", "4", "--start-method", method)
    assert result.counts == {"passed": 12}, result.output


def test_a_worker_inherits_no_descriptors_of_siblings(suite: Suite) -> None:
    """Neither descriptors of processes nor capture files of the template stay open, however many workers there are."""
    suite.write(
        test_descriptors="""
            import os, time
            import pytest
            from witness import mark

            @pytest.mark.parametrize("number", range(12))
            def test_descriptors(number, worker_id):
                links = []
                for name in os.listdir("/proc/self/fd"):
                    try:
                        links.append(os.readlink(f"/proc/self/fd/{name}"))
                    except OSError:
                        pass
                mark(f"{worker_id} {len(links)}")
                assert not any("pidfd" in link for link in links)
                time.sleep(0.05)
        """
    )
    result = suite.run("-n", "4", "--start-method", "fork")
    assert result.counts == {"passed": 12}, result.output
    counts = {mark.name for mark in suite.marks("gw")}
    assert len({count.split()[1] for count in counts}) == 1, counts


def test_the_collector_is_as_it_was(suite: Suite) -> None:
    suite.write(
        test_gc="""
            import gc

            def test_gc():
                assert gc.isenabled()
                assert gc.get_freeze_count() > 0
        """
    )
    assert suite.run("-n", "2", "--start-method", "fork").counts == {"passed": 1}
    suite.write(conftest="import gc; gc.disable()", test_gc="import gc\ndef test_gc(): assert not gc.isenabled()")
    assert suite.run("-n", "2", "--start-method", "fork").counts == {"passed": 1}


@pytest.mark.parametrize("method", METHODS)
def test_a_native_crash_has_a_stack(suite: Suite, method: str) -> None:
    suite.write(
        test_native="""
            import ctypes

            def reads_from_nowhere():
                ctypes.string_at(0)

            def test_native(): reads_from_nowhere()
            def test_other(): pass
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"failed": 1, "passed": 1}
    [report] = result.failures
    assert report.nodeid.endswith("::test_native")
    assert "SIGSEGV" in report.text
    [(_, stack)] = report.sections
    assert "Segmentation fault" in stack
    assert re.search(r'test_native\.py", line \d+ in reads_from_nowhere', stack)
    assert "in reads_from_nowhere" in result.stdout


# Under spawn the directory stays behind, see docs/limitations.md.
@pytest.mark.parametrize("method", ["fork"])
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_everything_ends_with_the_controller(suite: Suite, method: str, signum: signal.Signals) -> None:
    suite.write(
        test_long="""
            import time
            import pytest
            from witness import mark

            @pytest.mark.parametrize("number", range(2))
            def test_long(number):
                mark("started")
                time.sleep(50)
        """
    )
    with suite.running("-n", "2", "--start-method", method, grace=5.0) as running:
        suite.await_marks("started", 2)
        running.interrupt(signum)
        assert running.finish(10).returncode == -signum


# Under spawn the directory stays behind, see docs/limitations.md.
@pytest.mark.parametrize("method", ["fork"])
def test_everything_ends_with_the_controller_while_collecting(suite: Suite, method: str) -> None:
    suite.write(
        test_long="""
            import time
            from witness import mark
            mark("importing")
            time.sleep(50)
        """
    )
    with suite.running("-n", "2", "--start-method", method, grace=5.0) as running:
        suite.await_marks("importing")
        running.interrupt(signal.SIGKILL)
        running.finish(10)


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_has_one_thread(suite: Suite, method: str) -> None:
    suite.write(
        test_threads="""
            import os, threading

            def test_threads():
                assert threading.active_count() == 1
                assert threading.current_thread() is threading.main_thread()
                assert len(os.listdir("/proc/self/task")) == 1
        """
    )
    assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 1}


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_can_be_interrupted(suite: Suite, method: str) -> None:
    """The base ignores the terminal's Ctrl-C; a worker must not have inherited that."""
    suite.write(
        test_signal="""
            import os, signal, subprocess, sys
            import pytest

            def test_signal():
                assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
                with pytest.raises(KeyboardInterrupt):
                    os.kill(os.getpid(), signal.SIGINT)
                    signal.pause()

            def test_signal_of_a_child():
                code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
                assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout == b"True\\n"
        """
    )
    assert suite.run("-n", "2", "--start-method", method).counts == {"passed": 2}


def test_workers_are_forked_from_one_collection(suite: Suite) -> None:
    suite.write(
        conftest="""
            from witness import mark

            def pytest_configure(config):
                mark("configure worker" if hasattr(config, "workerinput") else "configure controller")

            def pytest_unconfigure(config):
                mark("unconfigure worker" if hasattr(config, "workerinput") else "unconfigure controller")
        """,
        test_a="from witness import mark\nmark('import')\ndef test_a(): mark('test')",
        test_b="from witness import mark\nmark('import')\ndef test_b(): mark('test')",
    )
    result = suite.run("-n", "2", "--start-method", "fork")
    assert result.counts == {"passed": 2}
    for name in ("configure worker", "configure controller", "unconfigure worker", "unconfigure controller"):
        assert len(suite.marks(name)) == 1, name
    assert len(suite.marks("import")) == 2
    assert max(mark.at for mark in suite.marks("test")) < suite.marks("unconfigure worker")[0].at

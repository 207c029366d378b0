"""Ctrl-C and SIGTERM: what runs is cleaned up, what is finished is reported, and nothing stays."""

from __future__ import annotations

import signal

import pytest

from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

SLOW = """
    import time
    import pytest
    from witness import mark

    @pytest.fixture(scope="module")
    def of_the_module():
        yield
        mark("module torn down")

    @pytest.fixture
    def resource(of_the_module):
        yield
        mark("torn down")

    def test_quick(resource): pass

    def test_slow(resource):
        mark("started")
        time.sleep(50)

    def test_never(resource): mark("never")
"""


@pytest.mark.parametrize("group", [False, True], ids=["controller only", "process group"])
@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt(suite: Suite, method: str, group: bool, workers: int) -> None:
    suite.write(test_a=SLOW, test_b=SLOW)
    with suite.running("-n", str(workers), "--start-method", method) as running:
        suite.await_marks("started", workers)
        # The reports of the quick tests are on their way, or have just arrived.
        running.interrupt(group=group)
        result = running.finish(15)
    assert result.returncode == 2, result.output
    assert result.seconds < 12
    assert "KeyboardInterrupt" in result.stdout
    assert result.counts == {"passed": workers}
    # Of the quick tests and of those that were interrupted.
    assert len(suite.marks("torn down")) == 2 * workers
    assert len(suite.marks("module torn down")) == workers
    assert suite.marks("never") == []
    assert "Traceback (most recent call last)" not in result.stderr


def test_a_second_interrupt_ends_a_finalizer_that_hangs(suite: Suite, method: str) -> None:
    suite.write(
        test_a="""
            import time
            import pytest
            from witness import mark

            @pytest.fixture
            def resource():
                yield
                mark("tearing down")
                time.sleep(50)

            def test_slow(resource):
                mark("started")
                time.sleep(50)
        """
    )
    suite.write(test_b=(suite.root / "test_a.py").read_text("utf-8"))
    with suite.running("-n", "2", "--start-method", method) as running:
        suite.await_marks("started", 2)
        running.interrupt(group=True)
        suite.await_marks("tearing down", 2)
        running.interrupt(group=True)
        result = running.finish(10)
    assert result.returncode == 2, result.output
    assert "KeyboardInterrupt" in result.stdout


def test_a_test_that_cannot_be_interrupted(suite: Suite, method: str) -> None:
    suite.write(
        test_a="""
            import signal, time
            from witness import mark

            def test_stubborn():
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                mark("started")
                time.sleep(50)
        """
    )
    suite.write(test_b=(suite.root / "test_a.py").read_text("utf-8"))
    with suite.running("-n", "2", "--start-method", method) as running:
        suite.await_marks("started", 2)
        running.interrupt()
        running.interrupt(signal.SIGCONT)
        with pytest.raises(Exception, match="timed out"):
            running.process.wait(1.0)
        running.interrupt()
        result = running.finish(10)
    assert result.returncode == 2, result.output


def test_a_test_that_catches_the_interrupt(suite: Suite, method: str) -> None:
    """It may: it ends then, is reported, and no other test starts."""
    suite.write(
        test_a="""
            import time
            import pytest
            from witness import mark

            def test_catches():
                mark("started")
                with pytest.raises(KeyboardInterrupt):
                    time.sleep(50)

            def test_never(): mark("never")
        """
    )
    suite.write(test_b=(suite.root / "test_a.py").read_text("utf-8"))
    with suite.running("-n", "2", "--start-method", method) as running:
        suite.await_marks("started", 2)
        running.interrupt()
        result = running.finish(15)
    assert result.returncode == 2, result.output
    assert result.counts == {"passed": 2}
    assert suite.marks("never") == []


@pytest.mark.parametrize("group", [False, True], ids=["controller only", "process group"])
def test_interrupt_while_collecting(suite: Suite, method: str, group: bool) -> None:
    suite.write(
        test_slow="""
            import time
            from witness import mark
            mark("importing")
            time.sleep(50)

            def test_slow(): mark("never")
        """
    )
    with suite.running("-n", "2", "--start-method", method) as running:
        suite.await_marks("importing")
        running.interrupt(group=group)
        result = running.finish(15)
    assert result.returncode == 2, result.output
    assert result.seconds < 6
    assert "KeyboardInterrupt" in result.output
    assert suite.marks("never") == []


@pytest.mark.parametrize("group", [False, True], ids=["controller only", "process group"])
def test_interrupt_while_configuring(suite: Suite, method: str, group: bool) -> None:
    suite.write(
        conftest="""
            import time
            import pytest
            from witness import mark

            def pytest_sessionstart(session):
                if hasattr(session.config, "workerinput"):
                    mark("starting")
                    time.sleep(50)

            @pytest.hookimpl(tryfirst=True)
            def pytest_collection(session):
                mark("waiting")
        """,
        test_a="def test_a(): pass",
    )
    with suite.running("-n", "2", "--start-method", method) as running:
        suite.await_marks("starting")
        # An interrupt of pytest's own start is pytest's to report.
        suite.await_marks("waiting")
        running.interrupt(group=group)
        result = running.finish(15)
    assert result.returncode == 2, result.output
    assert result.seconds < 6


def test_interrupt_before_the_controller_waits_for_the_collection(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import time
            import pytest
            from witness import mark

            @pytest.hookimpl(wrapper=True, tryfirst=True)
            def pytest_sessionstart(session):
                yield
                mark("worker" if hasattr(session.config, "workerinput") else "controller")
                time.sleep(50)
        """,
        test_a="def test_a(): pass",
    )
    with suite.running("-n", "1", "--start-method", method) as running:
        suite.await_marks("controller")
        suite.await_marks("worker")
        running.interrupt()
        result = running.finish(15)
    assert result.returncode == 2, result.output
    assert result.seconds < 6


def test_keyboard_interrupt_in_a_test(suite: Suite, method: str) -> None:
    suite.write(
        test_raises="def test_raises(): raise KeyboardInterrupt",
        test_slow=SLOW,
    )
    with suite.running("-n", "2", "--start-method", method) as running:
        result = running.finish(15)
    assert result.returncode == 2, result.output
    assert result.seconds < 12
    assert "KeyboardInterrupt" in result.stdout


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_while_a_test_is_reported_is_no_crash(suite: Suite, method: str, moment: str) -> None:
    suite.write(
        conftest=f"""
            import signal
            import pytest

            @pytest.hookimpl(tryfirst=True)
            def pytest_runtestloop(session):
                from pytest_fastest.worker.loop import Loop
                flush = Loop._flush

                def interrupted(self, *, finished):
                    if finished and {moment == "before"}:
                        Loop._flush = flush
                        signal.raise_signal(signal.SIGINT)
                    flush(self, finished=finished)
                    if finished:
                        signal.raise_signal(signal.SIGINT)

                if hasattr(session.config, "workerinput"):
                    Loop._flush = interrupted
        """,
        test_a="def test_it(): pass\ndef test_other(): pass",
    )
    result = suite.run("-n", "1", "--start-method", method)
    assert result.returncode == 2, result.output
    assert result.counts == {"passed": 1}
    assert not result.failures
    assert ("interrupted tests" in result.stdout) is (moment == "before")


def test_an_interrupt_while_a_worker_leaves_is_not_shown(suite: Suite, method: str) -> None:
    """The controller has been interrupted too, or nobody."""
    suite.write(
        conftest="""
            import signal
            from witness import mark

            def interrupted():
                mark("interrupted")
                signal.raise_signal(signal.SIGINT)

            def pytest_configure(config):
                if hasattr(config, "workerinput"):
                    from pytest_fastest.worker import leftovers
                    leftovers.let_threads_end = interrupted
        """,
        test_a="def test_a(): pass",
    )
    result = suite.run("-n", "1", "--start-method", method)
    assert suite.marks("interrupted")
    assert result.returncode == 0, result.output
    assert not result.stderr


def test_exit_in_a_test(suite: Suite, method: str) -> None:
    suite.write(
        test_exit="""
            import pytest
            from witness import mark

            def test_exit(): pytest.exit("enough", 9)
            def test_never(): mark("never")
        """
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 9, result.output
    assert "enough" in result.stdout


def test_an_internal_error_of_the_controller_interrupts_too(suite: Suite, method: str) -> None:
    conftest = """
        import os
        import pathlib
        import time

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" in os.environ:
                return
            while "started" not in pathlib.Path(os.environ["WITNESS"]).read_text():
                time.sleep(0.01)
            raise ValueError("a plugin of the controller")
    """
    suite.write(conftest=conftest, test_a=SLOW)
    result = suite.run("-n", "1", "--start-method", method)
    assert result.returncode == 3, result.output
    assert "INTERNALERROR> ValueError: a plugin of the controller" in result.stdout
    assert len(suite.marks("module torn down")) == 1
    assert suite.marks("never") == []

"""Warnings: which are shown, how often, and where they come from."""

from __future__ import annotations

import pytest
from _pytest import unraisableexception
from parity import ALL, PLAIN, Parity
from processes.harness import METHODS

WARNING = """
    import warnings
    import pytest

    class OwnWarning(UserWarning):
        def __init__(self, number, text):
            super().__init__(text)
            self.number = number

    class Odd(UserWarning):
        def __str__(self): return "odd text"

    warnings.warn("while importing")

    def helper(): warnings.warn("from a helper", DeprecationWarning, stacklevel=2)

    @pytest.fixture
    def warning():
        warnings.warn("in set-up", FutureWarning)
        yield
        warnings.warn("in teardown", RuntimeWarning)

    @pytest.mark.parametrize("number", range(3))
    def test_same(number): warnings.warn("the same for all")

    @pytest.mark.parametrize("number", range(3))
    def test_own(number): warnings.warn(OwnWarning(number, f"number {number}"))

    def test_fixture(warning): helper()
    def test_odd(): warnings.warn(Odd(object()))
    def test_unicode(): warnings.warn("é ☃\\nsecond line")
    def test_twice():
        for _ in range(2): warnings.warn("in a loop")

    @pytest.mark.filterwarnings("ignore:hidden")
    def test_ignored(): warnings.warn("hidden")

    @pytest.mark.filterwarnings("error")
    def test_error(): warnings.warn("an error here")

    def test_caught():
        with pytest.warns(UserWarning): warnings.warn("caught")

    def test_recorded(recwarn):
        warnings.warn("recorded")
        assert len(recwarn) == 1

    @pytest.mark.no_such_mark
    def test_unknown_mark(): pass

    def test_returns(): return 1

    class TestWithInit:
        def __init__(self): pass
        def test_never(self): pass

    def test_unraisable():
        class Ends:
            def __del__(self): raise ValueError("in __del__")
        Ends()

    def test_thread():
        import threading
        thread = threading.Thread(target=lambda: 1 / 0, name="failing")
        thread.start()
        thread.join()
"""
CONFTEST = """
    import warnings
    warnings.warn("in the conftest")

    def pytest_configure(config):
        warnings.warn("in configure")
        config.issue_config_time_warning(UserWarning("at configuration"), 2)

    def pytest_collection_modifyitems(): warnings.warn("while modifying items")
    def pytest_runtest_setup(item): warnings.warn("in a hook for " + item.name)
    def pytest_sessionstart(): warnings.warn("at the start")
"""


def test_warnings_of_tests_and_modules(parity: Parity) -> None:
    parity.write({"test_one.py": WARNING, "sub/test_two.py": WARNING})
    parity.check(hows=ALL)


def test_warnings_of_conftests_and_hooks(parity: Parity) -> None:
    test = "import warnings\ndef test_it(): warnings.warn('in a test')"
    parity.write({"conftest.py": CONFTEST, "sub/conftest.py": "import warnings\nwarnings.warn('below')"})
    parity.write({"test_a.py": test, "sub/test_b.py": test})
    parity.check(hows=ALL)


@pytest.mark.parametrize(
    "args",
    [
        ("-W", "error"),
        ("-W", "ignore"),
        ("-W", "error::DeprecationWarning", "-W", "ignore:the same"),
        ("-W", "error::test_one.OwnWarning"),
        ("--disable-warnings",),
        ("-p", "no:warnings"),
    ],
    ids=" ".join,
)
def test_warning_options(parity: Parity, args: tuple[str, ...]) -> None:
    text = WARNING.replace('warnings.warn("while importing")', "")
    if "no:warnings" in args:
        # Then Python shows a warning once per place and process.
        text = text.replace("range(3)", "range(1)")
    parity.write({"test_one.py": text, "test_two.py": text})
    parity.check(*args)


def test_filters_in_the_configuration(parity: Parity) -> None:
    ini = "[pytest]\nfilterwarnings =\n    error\n    ignore:while importing\n    default::DeprecationWarning\n"
    parity.write({"pytest.ini": ini, "test_one.py": WARNING, "test_two.py": WARNING})
    parity.check()


def test_error_at_import(parity: Parity) -> None:
    parity.write({"test_one.py": "import warnings\nwarnings.warn('early')", "test_two.py": "def test_a(): pass"})
    plain, *_ = parity.check("-W", "error")
    assert plain.returncode == pytest.ExitCode.INTERRUPTED


def test_too_many_warnings_for_the_verdict(parity: Parity) -> None:
    """A conftest that ends the run with its own code if there were warnings."""
    parity.write(
        {
            "conftest.py": """
                seen = []
                def pytest_warning_recorded(warning_message): seen.append(str(warning_message.message))
                def pytest_sessionfinish(session):
                    if not hasattr(session.config, "workerinput") and len(seen) == 2:
                        session.exitstatus = 8
            """,
            "test_one.py": "import warnings\ndef test_a(): warnings.warn('a')",
            "test_two.py": "import warnings\ndef test_b(): warnings.warn('b')",
        }
    )
    plain, *_ = parity.check(hows=ALL)
    assert plain.returncode == 8


GARBAGE = {
    "socket": "socket.socket()",
    "coroutine": "coroutine()",
    "finalizer": "Fails()",
}


@pytest.mark.parametrize("kind", GARBAGE)
@pytest.mark.parametrize("filters", ["default", "error"])
@pytest.mark.parametrize("how", ALL, ids=METHODS)
def test_what_garbage_has_not_closed(parity: Parity, kind: str, filters: str, how: tuple[str, ...]) -> None:
    """Only the collection of garbage at the end of the process finds it."""
    parity.write(
        {
            "test_leaks.py": f"""
                import socket

                async def coroutine(): pass

                class Fails:
                    def __del__(self): raise ValueError("in a finalizer")

                def test_leaks():
                    cycle = [{GARBAGE[kind]}]
                    cycle.append(cycle)
            """,
            "test_other.py": "def test_other(): pass",
        }
    )
    plain, run = (parity.run("-W", filters, how=each) for each in (PLAIN, how))
    assert run.returncode == plain.returncode, run.stdout + run.stderr
    said = [line for line in plain.stderr.splitlines() if "Exception ignored" in line or "never awaited" in line]
    for line in said:
        words = line.partition(" at 0x")[0].partition(" fd=")[0].rpartition(": ")[2]
        assert words in run.stdout + run.stderr
    assert said or (filters == "default" and kind == "socket") or not hasattr(unraisableexception, "collect_unraisable")


def test_nobody_looks_for_garbage(parity: Parity) -> None:
    parity.write({"test_a.py": "def test_a(): pass"})
    parity.check("-p", "no:unraisableexception", "-p", "no:threadexception", hows=ALL)

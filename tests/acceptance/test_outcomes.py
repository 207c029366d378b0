"""What becomes of single tests and fixtures."""

from __future__ import annotations

import pytest
from parity import ALL, FORK, PLAIN, Parity

OUTCOMES = """
    import warnings
    import pytest

    def test_passes():
        print("printed by a test that passes")

    def test_fails():
        numbers = [1, 2]
        print("printed by a test that fails")
        assert numbers == [1, 3], "a message"

    def test_raises():
        def deeper(divisor):
            return 1 / divisor
        deeper(0)

    def test_raises_from():
        try:
            {}["key"]
        except KeyError as error:
            raise RuntimeError("outer\\nwith a second line: é ☃") from error

    def test_fails_without_trace():
        pytest.fail("only this", pytrace=False)

    def test_differs_at_length():
        assert {n: str(n) * 30 for n in range(60)} == {n: str(n) * 30 for n in range(1, 61)}

    def test_differs_in_text():
        assert "\\n".join("abcdefgh") * 20 == "\\n".join("abcdefgi") * 20

    def test_exception_group():
        raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])

    def test_raises_own_exception():
        class Own(Exception):
            def __init__(self, a, b):
                super().__init__(a)
                self.b = b
        raise Own(1, object)

    def test_system_exit():
        raise SystemExit(7)

    def test_surrogates():
        assert "\\udc80" == "\\x00\\x1b[31m"
"""

FIXTURE_ERRORS = """
    import pytest

    @pytest.fixture
    def broken():
        print("in the fixture")
        raise ValueError("set-up")

    @pytest.fixture
    def broken_end():
        yield
        raise ValueError("teardown")

    @pytest.fixture(scope="module")
    def module_broken():
        raise ValueError("module set-up")

    @pytest.fixture(scope="session")
    def session_broken():
        raise ValueError("session set-up")

    @pytest.fixture(scope="package")
    def package_broken():
        raise ValueError("package set-up")

    def test_set_up(broken): pass
    def test_set_up_again(broken): pass
    def test_teardown(broken_end): pass
    def test_fails_and_teardown(broken_end): assert 0
    def test_teardown_and_set_up(broken_end, broken): pass
    def test_module(module_broken): pass
    def test_module_again(module_broken): pass
    def test_session(session_broken): pass
    def test_package(package_broken): pass
    def test_missing(no_such_fixture): pass

    class TestClass:
        @pytest.fixture(scope="class", autouse=True)
        def class_end(self):
            yield
            raise ValueError("class teardown")
        def test_one(self): pass
        def test_two(self): pass

    class TestXunit:
        @classmethod
        def setup_class(cls): raise ValueError("setup_class")
        def test_one(self): pass
        def test_two(self): pass
"""

SKIPS = """
    import pytest

    @pytest.mark.skip(reason="by a mark")
    def test_mark(): pass

    @pytest.mark.skip
    def test_mark_without_reason(): pass

    @pytest.mark.skipif("sys.platform != 'never'", reason="by a condition")
    def test_condition(): pass

    @pytest.mark.skipif("no_such_name", reason="broken condition")
    def test_broken_condition(): pass

    @pytest.fixture
    def skipping(): pytest.skip("in a fixture")

    def test_fixture(skipping): pass
    def test_inside(): pytest.skip("inside")
    def test_import(): pytest.importorskip("no_such_module_at_all")

    @pytest.fixture
    def skipping_at_the_end():
        yield
        pytest.skip("in the teardown")

    def test_end(skipping_at_the_end): pass

    class TestAll:
        pytestmark = pytest.mark.skip(reason="the class")
        def test_one(self): pass
        def test_two(self): pass
"""

XFAILS = """
    import pytest

    @pytest.mark.xfail(reason="known")
    def test_known(): assert 0

    @pytest.mark.xfail
    def test_unexpected_pass(): pass

    @pytest.mark.xfail(strict=True, reason="strict")
    def test_strict(): assert 0

    @pytest.mark.xfail(strict=True, reason="strict one passes")
    def test_strict_pass(): pass

    @pytest.mark.xfail(raises=ValueError)
    def test_other_exception(): raise KeyError("other")

    @pytest.mark.xfail(run=False, reason="never run")
    def test_not_run(): raise SystemExit

    @pytest.mark.xfail(False, reason="condition is false")
    def test_condition(): assert 0

    def test_imperative(): pytest.xfail("said inside")

    @pytest.fixture
    def broken(): raise ValueError

    @pytest.mark.xfail(reason="fixture is broken")
    def test_fixture(broken): pass

    @pytest.fixture
    def broken_end():
        yield
        raise ValueError

    @pytest.mark.xfail(reason="only the teardown fails")
    def test_end(broken_end): pass
"""


def test_passes_and_failures_have_the_same_reports(parity: Parity) -> None:
    parity.write({"test_all.py": OUTCOMES, "test_other.py": OUTCOMES})
    plain, *_ = parity.check(hows=ALL)
    assert plain.returncode == pytest.ExitCode.TESTS_FAILED
    assert len(plain.outcomes) == 66


@pytest.mark.parametrize("option", ["-vv", "--tb=short", "--tb=line", "--tb=native", "--tb=no", "--showlocals"])
def test_traceback_styles_are_the_workers_too(parity: Parity, option: str) -> None:
    parity.write({"test_all.py": OUTCOMES, "test_other.py": OUTCOMES})
    parity.check(option, ignore=("head",) if option == "-vv" else ())


def test_errors_in_set_up_and_teardown(parity: Parity) -> None:
    parity.write({"pkg/__init__.py": "", "pkg/test_one.py": FIXTURE_ERRORS, "pkg/test_two.py": FIXTURE_ERRORS})
    plain, *_ = parity.check(hows=ALL)
    assert ("pkg/test_one.py::TestClass::test_two", "teardown", "failed") in plain.outcomes


@pytest.mark.parametrize("scope", ["class", "module"])
def test_teardown_error_of_a_shared_fixture_belongs_to_the_last_test(parity: Parity, scope: str) -> None:
    text = f"""
        import pytest

        @pytest.fixture(scope="{scope}")
        def shared():
            yield
            raise ValueError("end")

        class TestIt:
            def test_one(self, shared): pass
            def test_two(self, shared): pass
            def test_three(self, shared): pass
    """
    parity.write({f"test_{name}.py": text for name in "abc"})
    plain, *_ = parity.check(hows=ALL)
    failed = [outcome for outcome in plain.outcomes if outcome[2] == "failed"]
    assert failed == [(f"test_{name}.py::TestIt::test_three", "teardown", "failed") for name in "abc"]


def test_teardown_error_of_a_session_fixture_is_one_error_per_worker_at_most(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest

                @pytest.fixture(scope="session", autouse=True)
                def whole():
                    yield
                    raise ValueError("end of session")
            """,
            "test_a.py": "def test_one(): pass",
            "test_b.py": "def test_two(): pass",
        }
    )
    plain = parity.run("-rA", how=PLAIN)
    run = parity.run("-rA")
    assert run.returncode == plain.returncode
    failed = [outcome for outcome in run.outcomes if outcome[2] == "failed"]
    assert {when for _, when, _ in failed} == {"teardown"}
    assert 1 <= len(failed) <= 2
    assert sum(1 for outcome in run.outcomes if outcome[1] == "call") == 2


def test_teardown_error_of_a_session_fixture_in_a_single_worker_run(parity: Parity) -> None:
    parity.write(
        {
            "test_a.py": """
                import pytest

                @pytest.fixture(scope="session")
                def whole():
                    yield
                    raise ValueError("end of session")

                class TestOne:
                    def test_one(self, whole): pass
                    def test_two(self, whole): pass
            """
        }
    )
    parity.check(hows=ALL)


def test_skips(parity: Parity) -> None:
    parity.write(
        {
            "test_all.py": SKIPS,
            "test_module.py": "import pytest\npytest.skip('whole module', allow_module_level=True)",
            "test_import.py": "import pytest\npytest.importorskip('no_such_module_at_all')\ndef test_one(): pass",
            "test_mark.py": "import pytest\npytestmark = pytest.mark.skip(reason='all')\ndef test_one(): pass",
        }
    )
    parity.check(hows=ALL)


@pytest.mark.parametrize("strict", ["true", "false"])
def test_expected_failures(parity: Parity, strict: str) -> None:
    parity.write({"test_all.py": XFAILS, "test_other.py": XFAILS})
    parity.check("-o", f"xfail_strict={strict}")


def test_runxfail(parity: Parity) -> None:
    text = XFAILS.replace("SystemExit", "ValueError")
    parity.write({"test_all.py": text, "test_other.py": text})
    parity.check("--runxfail")


def test_reporting_hooks_of_a_conftest_change_reports(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest

                @pytest.hookimpl(wrapper=True)
                def pytest_runtest_makereport(item, call):
                    report = yield
                    if report.when == "call":
                        report.sections.append(("Own section", f"about {item.name}"))
                        report.own = {"tuple": (1, 2), "item": item.name}
                        if item.name == "test_turned":
                            report.outcome = "failed"
                            report.longrepr = "turned into a failure"
                    return report

                def pytest_report_teststatus(report, config):
                    if report.when == "call" and report.passed and report.own["item"] == "test_renamed":
                        return "renamed", "R", "RENAMED"

                def pytest_terminal_summary(terminalreporter):
                    for report in terminalreporter.stats.get("passed", []):
                        if report.when == "call":
                            terminalreporter.write_line(f"own {report.own}")
            """,
            "test_a.py": "def test_turned(): pass\ndef test_kept(): pass",
            "test_b.py": "def test_renamed(): pass\ndef test_fails(): assert 0",
        }
    )
    parity.check(hows=ALL)


def test_reruns_of_a_conftest_protocol(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                from _pytest.runner import runtestprotocol

                def pytest_runtest_protocol(item, nextitem):
                    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                    reports = runtestprotocol(item, nextitem=nextitem, log=False)
                    if any(report.failed for report in reports):
                        item._initrequest()
                        reports = runtestprotocol(item, nextitem=nextitem, log=False)
                    for report in reports:
                        item.ihook.pytest_runtest_logreport(report=report)
                    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
                    return True
            """,
            "test_a.py": """
                tries = []
                def test_second_time():
                    tries.append(1)
                    assert len(tries) == 2
                def test_never(): assert 0
                def test_at_once(): pass
            """,
            "test_b.py": "def test_b(): pass",
        }
    )
    parity.check()


@pytest.mark.parametrize("scope", ["function", "class", "module", "package", "session"])
@pytest.mark.parametrize("names", ["absent", "broken", "no_frame", "broken, callback, no_frame"])
def test_errors_of_fixtures_in_a_conftest(parity: Parity, scope: str, names: str) -> None:
    """pytest finds no frame of the test module to begin at, and leaves out frames of its own only."""
    parity.write(
        {
            "conftest.py": f"""
                from functools import partial

                import pytest

                @pytest.fixture(scope={scope!r})
                def absent():
                    raise RuntimeError("at the start")

                @pytest.fixture(scope={scope!r})
                def broken():
                    yield
                    raise RuntimeError("at the end")

                @pytest.fixture(scope={scope!r})
                def callback(request):
                    request.addfinalizer(lambda: int("no frame of a file"))

                @pytest.fixture(scope={scope!r})
                def no_frame(request):
                    request.addfinalizer(partial(int, "no frame at all"))
            """,
            "test_a.py": f"def test_a({names}): pass",
        }
    )
    # How a worker was started has nothing to do with the scope: one of them shows that its frames are left out.
    parity.check(hows=ALL if scope == "session" else (FORK,))

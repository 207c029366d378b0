"""Much of everything."""

from __future__ import annotations

import pytest

from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)


@pytest.mark.parametrize("character", ["x", "€"], ids=["ascii", "three bytes"])
def test_a_large_captured_output(suite: Suite, method: str, character: str) -> None:
    suite.write(
        test_large=f"""
            def test_large():
                for _ in range(300):
                    print({character!r} * 99_999)
                assert False

            def test_other(): pass
        """
    )
    result = suite.run("-n", "2", "--start-method", method, "--show-capture", "no")
    assert result.counts == {"failed": 1, "passed": 1}, result.output[-3000:]
    text = result.sections_of("test_large")["Captured stdout call"]
    assert len(text) == 30_000_000
    assert text.count(character) == 300 * 99_999


def test_a_large_output_in_every_section(suite: Suite, method: str) -> None:
    """Every phase repeats the sections of those before: a report is several times what was printed."""
    suite.write(
        test_large="""
            import sys
            import pytest

            def flood():
                for stream in (sys.stdout, sys.stderr):
                    stream.write("\\N{grinning face}" * 2_000_000)

            @pytest.fixture
            def resource():
                flood()
                yield
                flood()

            def test_large(resource):
                flood()
                assert False

            def test_other(): pass
        """
    )
    result = suite.run("-n", "2", "--start-method", method, "--show-capture", "no")
    assert result.counts == {"failed": 1, "passed": 1}, result.output[-3000:]


def test_a_large_message(suite: Suite, method: str) -> None:
    suite.write(test_large="def test_large(): raise ValueError('y' * 20_000_000)\ndef test_other(): pass")
    result = suite.run("-n", "2", "--start-method", method, "--tb", "line", "-rN")
    assert result.counts == {"failed": 1, "passed": 1}, result.output[-3000:]
    assert result.failures[0].text.count("y") >= 20_000_000


def test_many_tiny_tests(suite: Suite, method: str) -> None:
    tests = "\n".join(f"def test_{number}(): pass" for number in range(250))
    suite.write(**{f"test_m{module}": tests for module in range(20)})
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 0
    assert result.counts == {"passed": 5000}
    passed = result.nodeids("passed")
    assert len(passed) == 5000
    assert set(passed.values()) == {1}
    assert result.seconds < 30


def test_many_workers(suite: Suite, method: str) -> None:
    suite.write(
        test_many="""
            import time
            import pytest
            from witness import mark

            @pytest.mark.parametrize("number", range(48))
            def test_many(number):
                mark("ran")
                time.sleep(0.2)
        """
    )
    workers = 24 if method == "fork" else 6
    result = suite.run("-n", str(workers), "--start-method", method)
    assert result.counts == {"passed": 48}
    assert result.workers == workers
    assert len({mark.pid for mark in suite.marks("ran")}) > workers // 2


def test_a_flood_on_the_standard_error_that_nobody_captures(suite: Suite, method: str) -> None:
    suite.write(
        test_flood="""
            import sys

            def test_1(): print("to stdout" * 100_000); sys.stderr.write("to stderr" * 100_000)
            def test_2(): test_1()
        """
    )
    result = suite.run("-n", "2", "--start-method", method, "-s")
    assert result.counts == {"passed": 2}
    assert result.stderr.count("to stderr") == 200_000


def test_reports_of_an_item_keep_what_they_share_once(suite: Suite, method: str) -> None:
    """pytest keeps every report to the end of the run, so the controller grows with what each of them holds."""
    suite.write(
        conftest="""
            import pytest

            def pytest_terminal_summary(terminalreporter):
                for name in ("test_one", "test_two"):
                    kept = terminalreporter.stats[""] + terminalreporter.stats["passed"]
                    reports = [report for report in kept if report.nodeid.endswith(name)]
                    for shared in ("nodeid", "id", "location", "keywords"):
                        different = {id(getattr(report, shared, None)) for report in reports}
                        print(name, shared, len(reports), len(different))
                    print(name, sorted(reports[0].keywords, key=str))
        """,
        test_shared="def test_one(): pass\ndef test_two(): pass",
    )
    result = suite.run("-n", "1", "--start-method", method)
    for name in ("test_one", "test_two"):
        for shared in ("nodeid", "id", "location", "keywords"):
            assert f"{name} {shared} 3 1" in result.output
    plain = suite.run()
    names = [line for line in plain.output.splitlines() if line.startswith("test_one [")]
    assert names, plain.output
    assert names[0] in result.output

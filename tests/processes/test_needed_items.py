"""`fastest_collect = needed`: a worker that collects for itself imports the modules that it is given tests of."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Result, Suite

METHODS = ("forkserver", "spawn")
MODULES = "abcdefghij"
# The workers start when the collection is done then, all but the first.
ON_ONE_CORE = """
import os, sys, pytest
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
sys.exit(pytest.main(["-p", "recorder_of_reports", *sys.argv[1:]]))
"""
MODULE = """
    import warnings

    import pytest
    from witness import mark

    mark(f"imports {__name__}")
    warnings.warn(f"import of {__name__}")
    print("printed by an import")

    @pytest.mark.parametrize("number", range(8))
    def test_number(number):
        mark(f"runs {__name__}")
        print("printed by a test")
"""

pytestmark = [
    pytest.mark.parametrize("method", METHODS),
    pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="has no way to use one core"),
]


def run(suite: Suite, method: str, *args: str) -> Result:
    command = [sys.executable, "-c", ON_ONE_CORE]
    return suite.run("-n", "3", "--start-method", method, *args, command=command)


def write_modules(suite: Suite, **more: str) -> None:
    suite.write(ini="fastest_collect = needed", **{f"test_{name}": MODULE for name in MODULES}, **more)


def test_imports_leave_no_trace_in_tests(suite: Suite, method: str) -> None:
    write_modules(suite)
    result = run(suite, method, "-rA")
    assert result.counts == {"passed": 80, "warnings": 10}
    assert "printed by an import" not in result.output
    for name in MODULES:
        assert result.stdout.count(f"UserWarning: import of test_{name}\n") == 1
    for report in result.reports:
        if report.when == "call":
            assert report.sections == [("Captured stdout call", "printed by a test\n")]


def test_a_session_knows_all_items(suite: Suite, method: str) -> None:
    asks = """
        from witness import mark, meet

        def test_first(request):
            meet(3)

        def test_items(request):
            assert [item.nodeid for item in request.session.items] == EXPECTED
            assert request.session.testscollected == len(EXPECTED)

        def test_third(request): test_items(request)

        EXPECTED = [f"test_{name}.py::test_{number}" for name in "abc" for number in ("first", "items", "third")]
    """
    suite.write(ini="fastest_collect = needed", test_a=asks, test_b=asks, test_c=asks)
    result = run(suite, method)
    assert result.counts == {"passed": 9}, result.output


def test_hooks_get_the_items_of_each_module(suite: Suite, method: str) -> None:
    write_modules(
        suite,
        conftest="""
            import pytest
            def pytest_collection_modifyitems(items):
                for item in items:
                    if "[3]" in item.nodeid:
                        item.add_marker(pytest.mark.skip)
        """,
    )
    result = run(suite, method, "-k", "not 5")
    assert result.counts == {"passed": 60, "skipped": 10, "deselected": 10, "warnings": 10}
    assert len(suite.marks("runs")) == 60


def test_a_module_that_needs_another(suite: Suite, method: str) -> None:
    (suite.root / "library").mkdir()
    (suite.root / "library" / "of_ours.py").write_text("", "utf-8")
    write_modules(
        suite,
        test_a_path="import sys; sys.path.append('library')\ndef test_path(): pass",
        **{f"test_z{name}": "\n    import of_ours" + MODULE for name in ("x", "y", "z")},
    )
    result = run(suite, method)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 105, "warnings": 13}


def test_a_module_that_only_some_can_import(suite: Suite, method: str) -> None:
    picky = """
        import os
        import time
        if os.environ["PYTEST_XDIST_WORKER"] != "gw0":
            raise ImportError("not here")
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_number(number):
            time.sleep(0.1)
    """
    suite.write(ini="fastest_collect = needed", test_a=picky, test_b=picky, test_c=picky)
    result = run(suite, method, "-x")
    assert result.returncode == 1
    assert "errors" in result.counts, result.output
    assert "did not collect this test" in result.failures[0].text
    assert result.failures[0].worker in ("gw1", "gw2")


def test_files_that_are_not_modules(suite: Suite, method: str) -> None:
    write_modules(suite, told='"""\n>>> 1 + 1\n2\n"""\n')
    result = run(suite, method, "--doctest-modules", "told.py", *(f"test_{name}.py" for name in MODULES))
    assert result.counts["passed"] == 81, result.output


def test_the_same_file_twice(suite: Suite, method: str) -> None:
    write_modules(suite)
    assert run(suite, method, "test_a.py", "test_b.py", "test_a.py").counts["passed"] == 16
    assert (
        run(suite, method, "test_a.py", "test_b.py::test_number[0]", "test_a.py", "--keep-duplicates").counts["passed"]
        == 17
    )


def test_anything_else_is_refused(suite: Suite, method: str) -> None:
    suite.write(ini="fastest_collect = some", test_a="def test_a(): pass")
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 4
    assert "the ini option fastest_collect: 'some' is not allowed; allowed: all, needed" in result.stderr

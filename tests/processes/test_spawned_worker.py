"""Workers that collect for themselves: the same tests are found again, or the loss is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite

ARGS = ("-n", "2", "--start-method", "spawn")
STABLE = """
    import time
    import pytest

    @pytest.mark.parametrize("number", range(10))
    def test_stable(number): time.sleep(0.02)
"""


def test_ids_that_differ_between_processes(suite: Suite) -> None:
    suite.write(
        test_random="""
            import time, uuid
            import pytest

            @pytest.mark.parametrize("value", [uuid.uuid4().hex for _ in range(30)])
            def test_random(value): time.sleep(0.05)
        """,
        test_stable=STABLE,
    )
    result = suite.run(*ARGS)
    assert result.returncode == 1, result.output
    assert sum(result.counts.values()) == 40
    passed = result.nodeids("passed")
    assert sum(count for nodeid, count in passed.items() if "test_stable" in nodeid) == 10
    assert result.failures, "the second worker has none of them"
    for failure in result.failures:
        assert "test_random" in failure.nodeid
        assert failure.worker == "gw1"
        assert "did not collect this test" in failure.text
        assert "different" in failure.text


@pytest.mark.parametrize("collect", ["all", "needed"])
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_file_that_one_worker_cannot_import(suite: Suite, method: str, collect: str) -> None:
    suite.write(
        ini=f"fastest_collect = {collect}",
        test_picky="""
            import os, time
            import pytest

            if os.environ["PYTEST_XDIST_WORKER"] == "gw1":
                raise RuntimeError("not in this one")

            @pytest.mark.parametrize("number", range(20))
            def test_picky(number): time.sleep(0.05)
        """,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.returncode == 1
    assert sum(result.counts.values()) == 20
    assert result.failures
    for failure in result.failures:
        assert failure.worker == "gw1"
        assert "did not collect this test: its file could be collected in another process" in failure.text
        assert "RuntimeError: not in this one" in failure.text


def test_an_order_that_differs_between_processes(suite: Suite) -> None:
    suite.write(
        conftest="""
            import random

            def pytest_collection_modifyitems(items):
                random.shuffle(items)
        """,
        test_a=STABLE,
        test_b=STABLE,
    )
    result = suite.run(*ARGS)
    assert result.counts == {"passed": 20}, result.output
    assert set(result.nodeids("passed").values()) == {1}


def test_ids_that_come_several_times(suite: Suite) -> None:
    suite.write(
        conftest="""
            def pytest_collection_modifyitems(items):
                items.extend(list(items))
        """,
        test_a=STABLE,
    )
    plain = suite.run("-n", "no")
    result = suite.run(*ARGS)
    assert result.counts == plain.counts


@pytest.mark.parametrize("count", ["1", "2", "4", "0"])
def test_one_test(suite: Suite, count: str) -> None:
    """Workers that were started before it was known that they are not needed, leave again."""
    suite.write(test_one="def test_one(): pass")
    result = suite.run("-n", count, "--start-method", "spawn", timeout=15)
    assert result.counts == {"passed": 1}
    assert result.workers == 1


@pytest.mark.parametrize("content", ["", "import no_such_module", "def test_one(): pass"])
def test_nothing_to_run(suite: Suite, content: str) -> None:
    suite.write(test_one=content)
    args = ("-k", "nothing") if "def" in content else ()
    plain = suite.run(*args)
    result = suite.run(*ARGS, *args, timeout=15)
    assert result.returncode == plain.returncode, result.output
    assert result.returncode in (2, 5)


def test_a_worker_whose_collection_fails(suite: Suite) -> None:
    suite.write(
        test_a="""
            import os
            if os.environ["PYTEST_XDIST_WORKER"] == "gw1":
                raise ValueError("only here")
            from test_b import *
        """,
        test_b=STABLE,
    )
    result = suite.run(*ARGS, timeout=15)
    assert result.returncode in (0, 1, 2), result.output
    assert sum(result.counts.values()) == 20
    assert all(report.worker == "gw1" for report in result.failures)


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_worker_that_dies_while_the_first_still_collects(suite: Suite, how: str) -> None:
    suite.write(
        conftest=f"""
            import os, time
            if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
                {how}
        """,
        test_a="import time; time.sleep(0.5)\nfrom test_b import *",
        test_b=STABLE,
    )
    result = suite.run(*ARGS, timeout=20)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 20}
    assert "worker 'gw1'" in result.output


def test_a_slow_second_worker_does_not_hold_up_the_first(suite: Suite) -> None:
    suite.write(
        conftest="""
            import os, time
            if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
                time.sleep(2)
        """,
        test_a="from witness import mark\ndef test_a(): mark('ran')",
        test_b="from witness import mark\ndef test_b(): mark('ran')",
    )
    result = suite.run(*ARGS, timeout=15)
    assert result.counts == {"passed": 2}
    assert {mark.worker for mark in suite.marks("ran")} == {"gw0"}


def test_conftests_see_their_own_number_at_import(suite: Suite) -> None:
    suite.write(
        conftest="""
            import os
            AT_IMPORT = os.environ.get("PYTEST_XDIST_WORKER")
        """,
        test_a="import conftest, time\ndef test_a(worker_id): assert conftest.AT_IMPORT == worker_id; time.sleep(.3)",
        test_b="import conftest, time\ndef test_b(worker_id): assert conftest.AT_IMPORT == worker_id; time.sleep(.3)",
    )
    result = suite.run(*ARGS)
    assert result.counts == {"passed": 2}, result.output
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}

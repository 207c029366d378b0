"""anyio: coroutines run under its plugin, with fixtures that are coroutines."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

TESTS = """
    import anyio
    import pytest
    from witness import mark, meet

    pytestmark = pytest.mark.anyio

    @pytest.fixture(scope="module")
    def anyio_backend(): return "asyncio"

    @pytest.fixture(scope="module")
    async def resource(worker_id):
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 60)
            mark(f"set up {worker_id}")
            yield worker_id
            group.cancel_scope.cancel()
        mark(f"torn down {worker_id}")

    @pytest.mark.parametrize("number", range(6))
    async def test_passes(number, resource, worker_id):
        await anyio.to_thread.run_sync(meet, 2)
        assert resource == worker_id

    async def test_fails(resource):
        with anyio.fail_after(0.01):
            await anyio.sleep(60)
"""


def test_coroutines(suite: Suite, method: str) -> None:
    suite.write(test_coroutines=TESTS)
    result = suite.run("-n", "2", "--start-method", method, plugins=("anyio",))
    assert result.counts == {"passed": 6, "failed": 1}, result.output
    (failure,) = result.failures
    assert failure.nodeid == "test_coroutines.py::test_fails"
    assert "TimeoutError" in failure.text
    assert sorted(mark.name for mark in suite.marks("set up")) == ["set up gw0", "set up gw1"]
    assert sorted(mark.name for mark in suite.marks("torn down")) == ["torn down gw0", "torn down gw1"]

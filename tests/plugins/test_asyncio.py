"""pytest-asyncio: coroutines run, and loops of a wider scope are each worker's own."""

from __future__ import annotations

from collections import defaultdict

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

TESTS = """
    import asyncio
    import pytest
    from witness import mark, meet

    pytestmark = pytest.mark.asyncio(loop_scope="session")

    @pytest.fixture
    async def resource():
        loop = asyncio.get_running_loop()
        yield loop
        mark("torn down" if asyncio.get_running_loop() is loop else "torn down elsewhere")

    @pytest.mark.parametrize("number", range(6))
    async def test_in_the_loop_of_the_session(number, resource, worker_id):
        await asyncio.to_thread(meet, 2)
        mark(f"loop {id(asyncio.get_running_loop())}")
        reader, writer = await asyncio.open_connection(*await serve())
        assert await reader.read() == b"answer"
        writer.close()

    async def serve():
        async def answer(reader, writer):
            writer.write(b"answer")
            await writer.drain()
            writer.close()
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        return server.sockets[0].getsockname()
"""


def test_the_loop_of_a_session_is_the_worker_s_own(suite: Suite, method: str) -> None:
    suite.write(ini="asyncio_mode = auto\nasyncio_default_fixture_loop_scope = session", test_loops=TESTS)
    result = suite.run("-n", "2", "--start-method", method, plugins=("asyncio",))
    assert result.counts == {"passed": 6}, result.output
    loops = defaultdict(set)
    for mark in suite.marks("loop"):
        loops[mark.worker].add(mark.name)
    assert sorted(loops) == ["gw0", "gw1"]
    assert [len(found) for found in loops.values()] == [1, 1]
    assert [mark.name for mark in suite.marks("torn down")] == ["torn down"] * 6


def test_failures_and_modes_are_those_of_plain_pytest(suite: Suite, method: str) -> None:
    suite.write(
        ini="asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function",
        test_auto="""
            import asyncio
            import pytest, pytest_asyncio

            @pytest_asyncio.fixture(scope="module", loop_scope="module")
            async def number():
                await asyncio.sleep(0)
                yield 1
                raise OSError("in the end")

            class TestModule:
                pytestmark = pytest.mark.asyncio(loop_scope="module")
                async def test_passes(self, number): assert number == 1
                async def test_fails(self, number): assert number == 2

            async def test_times_out():
                await asyncio.wait_for(asyncio.sleep(60), 0.01)

            async def test_leaves_a_task():
                asyncio.create_task(asyncio.sleep(60))
        """,
    )
    results = [
        suite.run(*how, plugins=("asyncio",))
        for how in (("-p", "no:fastest"), ("-n", "2", "--start-method", method, "--dist=loadfile"))
    ]
    plain, parallel = (sorted((report.nodeid, report.when, report.outcome) for report in r.reports) for r in results)
    assert parallel == plain
    assert results[1].counts == results[0].counts == {"passed": 2, "failed": 2, "errors": 1}

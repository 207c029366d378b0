"""Where items are ordered across modules, that order is the one in which they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processes.harness import METHODS

if TYPE_CHECKING:
    from processes.harness import Suite

pytestmark = pytest.mark.parametrize("method", METHODS)


def test_a_parameter_of_the_session_is_set_up_once_by_each_worker(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import pytest
            from witness import mark

            @pytest.fixture(scope="session", params="ABC")
            def server(request):
                mark(f"starts {request.param}")
        """
    )
    for number in range(8):
        # Of different lengths: module by module would be those of one, with all parameters.
        suite.write(
            **{
                f"test_{number}": f"""
                    import time
                    import pytest

                    @pytest.mark.parametrize("number", range({4 + number}))
                    def test_server(server, number): time.sleep(0.005)
                """
            }
        )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 180}, result.output
    # Once by each of two, and what is stolen at the end of a busy machine's run; not once for each module.
    assert 3 <= len(suite.marks("starts")) <= 9


def test_what_is_moved_to_the_front_begins_first(suite: Suite, method: str) -> None:
    many = """
        import pytest
        from witness import mark, meet

        @pytest.mark.parametrize("number", range(6))
        def test_many(number):
            mark("begins many")
            meet(2)
    """
    suite.write(
        conftest="""
            def pytest_collection_modifyitems(items):
                items.sort(key=lambda item: item.name != "test_first")
        """,
        test_a=many,
        test_b=many,
        test_c="""
            from witness import mark, meet

            def test_other(): pass

            def test_first():
                mark("begins first")
                meet(2)
        """,
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 14}, result.output
    assert "begins first" in [mark.name for mark in suite.marks("begins")][:2]

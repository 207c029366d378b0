"""pytest-mock: patches of a test end with it, in its worker."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

TESTS = """
    import os
    from witness import mark, meet

    UNPATCHED = os.getcwd()

    class TestOne:
        def test_patches(self, mocker):
            meet(2)
            mocker.patch("os.getcwd", return_value="nowhere")
            assert os.getcwd() == "nowhere"
            os.getcwd.assert_called_once_with()

        def test_is_patched_no_more(self):
            assert os.getcwd() == UNPATCHED

    class TestTwo:
        def test_spies(self, mocker):
            meet(2)
            spy = mocker.spy(os.path, "basename")
            assert os.path.basename("a/b") == "b"
            assert spy.spy_return == "b"

        def test_stays_unpatched(self, class_mocker):
            assert os.getcwd() == UNPATCHED

    def test_explains(mocker):
        mocker.stub("stub")("a", key=1)
        stub = mocker.stub("stub")
        stub("given", key=1)
        stub.assert_called_once_with("expected", key=2)
"""


def test_patches(suite: Suite, method: str) -> None:
    suite.write(test_patches=TESTS)
    result = suite.run("-n", "2", "--start-method", method, plugins=("mock",))
    assert result.counts == {"passed": 4, "failed": 1}, result.output
    (failure,) = result.failures
    assert failure.nodeid == "test_patches.py::test_explains"
    # The plugin's own words, and pytest's comparison of the arguments.
    assert "pytest introspection follows:" in failure.text
    assert "assert ('given',) == ('expected',)" in failure.text


def test_a_patch_for_the_session_is_each_worker_s_own(suite: Suite, method: str) -> None:
    suite.write(
        test_session="""
            import os
            import pytest
            from witness import meet

            @pytest.fixture(scope="session", autouse=True)
            def patched(session_mocker, worker_id):
                session_mocker.patch.dict(os.environ, {"PATCHED": worker_id})

            @pytest.mark.parametrize("number", range(6))
            def test_one(number, worker_id):
                meet(2)
                assert os.environ["PATCHED"] == worker_id
        """
    )
    result = suite.run("-n", "2", "--start-method", method, plugins=("mock",))
    assert result.counts == {"passed": 6}, result.output
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}

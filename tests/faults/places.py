"""Places behind and before the tests at which a worker can be made to wait."""

from __future__ import annotations

# Leaves a mark at each; waits at the one that `WAITS_AT` names.
CONFTEST = """
    import os, time
    import pytest
    from witness import mark

    def wait_at(config, place):
        if hasattr(config, "workerinput"):
            mark(place)
            if os.environ["WAITS_AT"] == place:
                time.sleep(30)

    def pytest_collection_modifyitems(config): wait_at(config, "collecting")
    def pytest_sessionfinish(session): wait_at(session.config, "finishing")

    @pytest.fixture(scope="session", autouse=True)
    def of_the_session(request):
        yield
        wait_at(request.config, "tearing down")
"""

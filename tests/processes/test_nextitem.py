"""What teardown hooks are told of the next item."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from processes.harness import METHODS

if TYPE_CHECKING:
    from processes.harness import Suite

CONFTEST = """
    import json
    from pathlib import Path
    import pytest

    LOG = Path(__file__).with_name("log")
    LOG.mkdir(exist_ok=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(item, nextitem):
        with LOG.joinpath(item.config.workerinput["workerid"]).open("a") as log:
            print(json.dumps([item.nodeid, nextitem and nextitem.nodeid]), file=log)
"""
TESTS = """
    import time
    import pytest

    @pytest.mark.parametrize("number", range(9))
    def test_function(number): time.sleep(0.02)

    class TestClass:
        @pytest.mark.parametrize("number", range(4))
        def test_method(self, number): time.sleep(0.01)
"""


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("method", METHODS)
def test_the_next_item_is_the_one_that_comes(suite: Suite, method: str, workers: str) -> None:
    suite.write(conftest=CONFTEST, test_a=TESTS, test_b=TESTS, test_c=TESTS)
    result = suite.run("-n", workers, "--start-method", method)
    assert result.counts == {"passed": 39}, result.output
    told: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for log in (suite.root / "log").iterdir():
        told[log.name] = [tuple(json.loads(line)) for line in log.read_text().splitlines()]
    assert sum(map(len, told.values())) == 39
    for pairs in told.values():
        ran = [item for item, _ in pairs]
        assert [following for _, following in pairs] == [*ran[1:], None]


@pytest.mark.parametrize("method", METHODS)
def test_an_item_that_comes_twice_in_a_row_is_set_up_twice(suite: Suite, method: str) -> None:
    """Where it stands twice in the list, stealing may bring it so; in plain pytest its arguments are missing then."""
    conftest = "def pytest_collection_modifyitems(items): items[:] = [item for item in items for _ in range(2)]"
    suite.write(conftest=conftest, test_a=TESTS)
    result = suite.run("-n", "1", "--start-method", method)
    assert result.counts == {"passed": 26}, result.output

"""A session fixture that is set up once for all workers: pytest-xdist's how-to, with a file lock.

What it starts stands for a container: expensive, and wanted once.
"""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

CONFTEST = """
    import json
    import pytest
    from filelock import FileLock
    from witness import mark

    def start():
        mark("started")
        return {"port": 5432}

    @pytest.fixture(scope="session")
    def container(tmp_path_factory, worker_id):
        if worker_id == "master":
            yield start()
            mark("stopped")
            return
        # All workers share the parent of their directories.
        shared = tmp_path_factory.getbasetemp().parent
        data, users = shared / "container.json", shared / "users"
        with FileLock(str(data) + ".lock"):
            if data.is_file():
                found = json.loads(data.read_text())
            else:
                found = start()
                data.write_text(json.dumps(found))
            users.write_text(str(int(users.read_text()) + 1 if users.exists() else 1))
        yield found
        with FileLock(str(data) + ".lock"):
            left = int(users.read_text()) - 1
            users.write_text(str(left))
            if left == 0:
                mark("stopped")
                data.unlink()
"""
TESTS = """
    from witness import mark, meet

    def test_one(container):
        mark("used")
        assert container == {"port": 5432}
        meet(WORKERS)

    def test_two(container):
        mark("used")
        assert container == {"port": 5432}
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("workers", [2, 3])
def test_it_is_started_once_and_stopped_by_the_last(suite: Suite, method: str, workers: int) -> None:
    text = TESTS.replace("WORKERS", str(workers))
    suite.write(conftest=CONFTEST, test_a=text, test_b=text, test_c=text)
    result = suite.run("-n", str(workers), "--start-method", method, plugins=("filelock",))
    assert result.counts == {"passed": 6}, result.output
    assert len({mark.worker for mark in suite.marks("used")}) == workers
    order = [mark.name for mark in suite.marks() if mark.name != "meets"]
    assert order == ["started", *["used"] * 6, "stopped"]


@pytest.mark.parametrize("method", METHODS)
def test_the_next_run_starts_it_again(suite: Suite, method: str) -> None:
    # As the how-to has it, without an end: a worker may have left before another one begins.
    conftest = CONFTEST.replace("if left == 0:", "if None:")
    text = TESTS.replace("WORKERS", "1")
    suite.write(conftest=conftest, test_a=text, test_b=text)
    for runs in (1, 2):
        result = suite.run("-n", "2", "--start-method", method, plugins=("filelock",))
        assert result.counts == {"passed": 4}, result.output
        assert len(suite.marks("started")) == runs


def test_without_workers(suite: Suite) -> None:
    suite.write(conftest=CONFTEST, test_a=TESTS.replace("WORKERS", "1"))
    assert suite.run("-n", "no", plugins=("filelock",)).counts == {"passed": 2}
    assert [mark.name for mark in suite.marks() if mark.name != "meets"] == ["started", "used", "used", "stopped"]

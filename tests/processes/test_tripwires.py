"""Suites that break when workers are forked from the process that has collected, and what `auto` makes of them."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest

from processes.harness import PLUGINS, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator

# Two workers run a test each at the same time. What both would take, the second does not get.
TESTS = """
    import os, pytest
    from witness import meet

    def take(name):
        os.mkdir(os.path.join(os.path.dirname(os.environ["WITNESS"]), str(name)))

    @pytest.fixture(scope="session")
    def own(request):
        meet(2)
        {own}

    def test_one(own): pass
    def test_two(own): pass
"""

BREAK = {
    "a name made of the worker's at import": (
        """
        import os
        DATABASE = "test_" + os.environ.get("PYTEST_XDIST_WORKER", "master")
        """,
        "import conftest; take(conftest.DATABASE)",
        "conftest.py:2 read PYTEST_XDIST_WORKER",
    ),
    "a name made of the worker's id": (
        """
        def pytest_configure(config):
            config.database = getattr(config, "workerinput", {"workerid": "master"})["workerid"]
        """,
        "take(request.config.database)",
        'conftest.py:2 read workerinput["workerid"]',
    ),
    "a name by the function for it": (
        """
        import xdist

        def pytest_sessionstart(session):
            session.config.database = xdist.get_xdist_worker_id(session)
        """,
        "take(request.config.database)",
        'conftest.py:4 read workerinput["workerid"]',
    ),
    "a port for each node": (
        """
        def pytest_configure_node(node):
            node.workerinput["port"] = 7000 + int(node.gateway.id[2:])

        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                config.port = config.workerinput["port"]
        """,
        "take(request.config.port)",
        'conftest.py:6 read workerinput["port"], which is another for each worker',
    ),
    "a name by a helper that has read another before": (
        """
        import os

        def variable(name):
            return os.environ.get(name, "none")

        HOST = variable("DB_HOST")
        DATABASE = "test_" + variable("PYTEST_XDIST_WORKER")
        """,
        "import conftest; take(conftest.DATABASE)",
        "conftest.py:4 read PYTEST_XDIST_WORKER",
    ),
    "a name in a loop": (
        """
        import os
        ALL = dict(os.environ), list(os.environ)
        FOUND = {name: os.environ.get(name) for name in ("DB_HOST", "PYTEST_XDIST_WORKER")}
        """,
        "import conftest; take(conftest.FOUND['PYTEST_XDIST_WORKER'])",
        "conftest.py:3 read PYTEST_XDIST_WORKER",
    ),
    "a name in bytes": (
        """
        import os
        DATABASE = os.environb.get(b"PYTEST_XDIST_WORKER", b"master").decode()
        """,
        "import conftest; take(conftest.DATABASE)",
        "conftest.py:2 read PYTEST_XDIST_WORKER",
    ),
    "a name that is filled in": (
        """
        import os
        DATABASE = os.path.expandvars("test_$PYTEST_XDIST_WORKER")
        """,
        "import conftest; take(conftest.DATABASE)",
        "conftest.py:2 read PYTEST_XDIST_WORKER",
    ),
    "a port that is taken out": (
        """
        def pytest_configure_node(node):
            node.workerinput["port"] = 7000 + int(node.gateway.id[2:])

        def pytest_configure(config):
            config.port = getattr(config, "workerinput", {}).pop("port", None)
        """,
        "take(request.config.port)",
        'conftest.py:5 read workerinput["port"], which is another for each worker',
    ),
    "a role that one node has": (
        """
        def pytest_configure_node(node):
            if node.gateway.id == "gw1":
                node.workerinput["role"] = "main"

        def pytest_configure(config):
            config.has_role = "role" in getattr(config, "workerinput", {})
        """,
        "take(request.config.has_role)",
        'conftest.py:6 read "role" in workerinput, which is another for each worker',
    ),
    "the name of the temporary directory": (
        """
        def pytest_configure(config):
            config.base = config.option.basetemp
        """,
        "take(os.path.basename(request.config.base))",
        "conftest.py:2 read config.option.basetemp",
    ),
    "the name of the temporary directory by the function for it": (
        """
        def pytest_configure(config):
            config.base = config.getoption("basetemp")
        """,
        "take(os.path.basename(request.config.base))",
        "conftest.py:2 read config.option.basetemp",
    ),
    **{
        f"a copy of what the worker is given: {copy}": (
            f"""
        def pytest_configure(config):
            given = getattr(config, "workerinput", {{"workerid": "master"}})
            config.database = {copy}
        """,
            "take(request.config.database)",
            'conftest.py:3 read workerinput["workerid"]',
        )
        for copy in (
            'dict(given)["workerid"]',
            '__import__("json").loads(__import__("json").dumps(given))["workerid"]',
            '__import__("ast").literal_eval(f"{given}")["workerid"]',
            '(given | {})["workerid"]',
            'given.copy()["workerid"]',
            '"{workerid}".format(**given)',
            '[value for key, value in given.items() if key == "workerid"][0]',
            'max(value for value in given.values() if str(value).startswith(("gw", "master")))',
        )
    },
    "a connection": (
        """
        import os, socket

        def pytest_configure(config):
            config.connection = socket.create_connection(("127.0.0.1", int(os.environ["SERVER_PORT"])))
            config.client = config.connection.recv(100).decode()
        """,
        "take(request.config.client)",
        "conftest.py:4 opened 1 socket",
    ),
    "a database": (
        """
        import os, sqlite3

        def pytest_configure(config):
            config.database = sqlite3.connect("shared.db")
            config.own = f"{os.getpid()}"
        """,
        "take(request.config.own)",
        "the database shared.db is open",
    ),
    "a unique name": (
        """
        from uuid import uuid4
        DATABASE = f"test_{uuid4().hex}"
        """,
        "import conftest; take(conftest.DATABASE)",
        "conftest.py:2 made a unique name",
    ),
    "a name in a template of the standard library": (
        """
        import os, string
        DATABASE = string.Template("test_$PYTEST_XDIST_WORKER").safe_substitute(os.environ)
        """,
        "import conftest; take(conftest.DATABASE)",
        "conftest.py:2 read PYTEST_XDIST_WORKER",
    ),
    "a temporary directory": (
        """
        import tempfile
        PLACE = tempfile.mkdtemp()
        """,
        "import conftest; take(conftest.PLACE.replace('/', '-'))",
        "conftest.py:2 made a temporary directory",
    ),
    "a temporary directory that goes with its object": (
        """
        from tempfile import TemporaryDirectory
        PLACE = TemporaryDirectory()
        """,
        "import conftest; take(conftest.PLACE.name.replace('/', '-'))",
        "conftest.py:2 made a temporary directory",
    ),
    "a temporary file": (
        """
        import os, tempfile
        descriptor, FILE = tempfile.mkstemp()
        os.close(descriptor)
        """,
        "import conftest; take(conftest.FILE.replace('/', '-'))",
        "conftest.py:2 made a temporary file",
    ),
    "a temporary file that is open": (
        """
        import tempfile
        FILE = tempfile.NamedTemporaryFile(delete=False)
        """,
        "import conftest; take(conftest.FILE.name.replace('/', '-'))",
        "conftest.py:2 made a temporary file",
    ),
    "an event loop": (
        """
        import asyncio, os

        def pytest_configure(config):
            config.loop = asyncio.new_event_loop()
            config.own = f"{os.getpid()}"
        """,
        "take(request.config.own)",
        "conftest.py:4 opened 1 event loop",
    ),
    "a pipe to a child": (
        """
        import os, subprocess

        def pytest_configure(config):
            config.child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            config.own = f"{config.child.pid}"

        def pytest_unconfigure(config):
            config.child.communicate()
        """,
        "take(request.config.own)",
        "conftest.py:4 opened 2 pipes",
    ),
    "a thread": (
        """
        import queue, threading

        class Doubler(threading.Thread):
            def __init__(self):
                super().__init__(daemon=True, name="doubler")
                self.jobs, self.results = queue.Queue(), queue.Queue()
                self.start()

            def run(self):
                while True:
                    self.results.put(2 * self.jobs.get())

        def pytest_configure(config):
            config.doubler = Doubler()
        """,
        "request.config.doubler.jobs.put(21); assert request.config.doubler.results.get(timeout=1) == 42",
        "conftest.py:7 started a thread (doubler)",
    ),
    "a directory for the session": (
        """
        import os, tempfile

        def pytest_sessionstart(session):
            session.config.folder = tempfile.mkdtemp()

        def pytest_sessionfinish(session):
            os.rmdir(session.config.folder)
        """,
        "take(os.path.basename(request.config.folder))",
        "conftest.py has pytest_sessionstart and pytest_sessionfinish",
    ),
    "a file from configuration to the end of the session": (
        """
        import os

        def pytest_configure(config):
            config.own = f"{os.getpid()}"
            open(config.own, "x").close()

        def pytest_sessionfinish(session):
            os.remove(session.config.own)
        """,
        "take(request.config.own)",
        "conftest.py has pytest_configure and pytest_sessionfinish",
    ),
    "a file from collection to the end of the session": (
        """
        import os

        def pytest_collection_finish(session):
            session.config.own = f"{os.getpid()}"
            open(session.config.own, "x").close()

        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"):
                os.remove(session.config.own)
        """,
        "take(request.config.own)",
        "conftest.py has pytest_collection_finish and pytest_sessionfinish",
    ),
    "the temporary directory": (
        """
        def pytest_sessionstart(session):
            session.config.own = session.config._tmp_path_factory.getbasetemp() / "own"
        """,
        "request.config.own.mkdir()",
        "used the temporary directory",
    ),
}


@pytest.fixture
def server_port() -> Iterator[int]:
    """A server that tells each client its own name."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            clients = []
            with contextlib.suppress(OSError):
                while True:
                    clients.append(server.accept()[0])
                    clients[-1].sendall(f"client-{len(clients)}".encode())

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("case", BREAK)
def test_what_breaks_under_fork_passes_by_itself(suite: Suite, case: str, server_port: int) -> None:
    conftest, own, reason = BREAK[case]
    suite.write(
        conftest=conftest.lstrip("\n"),
        test_suite=dedent(TESTS).format(own=own),
        ini="pythonpath = .",
    )
    env = {"SERVER_PORT": str(server_port)}
    forked = suite.run("-n", "2", "--start-method", "fork", "-p", "no:cacheprovider", env=env)
    assert forked.returncode == 1, f"not broken by forking:\n{forked.output}"
    assert "fork: although " in str(forked.header)
    assert reason in str(forked.header)
    for folder in suite.helpers.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    suite.forget_marks()
    first = suite.run("-n", "2", env=env)
    assert first.returncode == 0, first.output
    assert first.counts == {"passed": 2}
    assert "(-n 2), forkserver: " in str(first.header)
    assert reason in str(first.header)


HARMLESS = {
    "a copy of the environment": """
        import os, subprocess
        COPIES = dict(os.environ), os.environ.copy(), {**os.environ}, list(os.environ.items()), os.environ | {"A": "1"}
        ONE_BY_ONE = {name: os.environ[name] + os.environ.get("HOME", "") for name in os.environ}
        BYTES = dict(os.environb)
        subprocess.run(["true"], env={**os.environ, "MINE": "1"}, check=True)
        subprocess.run(["true"], env=os.environ, check=True)
        subprocess.run(["true"], check=True)
    """,
    "a question about the role": """
        import os
        IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
        OTHERS = os.environ.get("PYTEST_XDIST_TESTRUNUID"), os.environ.get("HOME")

        def pytest_configure(config):
            config.is_worker = hasattr(config, "workerinput") and "workerid" in config.workerinput
    """,
    "a key whose value nobody reads": """
        def pytest_configure_node(node):
            node.workerinput["port"] = 7000 + int(node.gateway.id[2:])

        def pytest_configure(config):
            config.has_port = "port" in getattr(config, "workerinput", {})
    """,
    "a value that all nodes have": """
        def pytest_configure_node(node):
            node.workerinput["host"] = "localhost"

        def pytest_configure(config):
            if hasattr(config, "workerinput"):
                config.host = config.workerinput["host"], config.workerinput.get("testrunuid")
    """,
    "a lock of multiprocessing": """
        import multiprocessing
        LOCK = multiprocessing.get_context("spawn").Lock()
    """,
    "a file to read and a file to write": """
        FILE = open(__file__)
        LOG = open("own.log", "w")
    """,
    "a temporary directory that is gone": """
        import os, tempfile
        with tempfile.TemporaryDirectory(dir=os.fsencode(tempfile.gettempdir())): pass
    """,
    "hooks for one end of the session": """
        def pytest_sessionfinish(session): pass
        def pytest_unconfigure(config): pass
    """,
    "a loop that is closed": """
        import asyncio, sqlite3
        asyncio.run(asyncio.sleep(0))
        sqlite3.connect("own.db").close()
    """,
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_does_not_speak_against_forking(suite: Suite, case: str) -> None:
    suite.write(conftest=HARMLESS[case], test_suite=dedent(TESTS).format(own="take(os.getpid())"))
    result = suite.run("-n", "2", "-W", "ignore::ResourceWarning")
    assert result.counts == {"passed": 2}, result.output
    assert result.header == "fastest: 2 workers (-n 2), fork"


def test_a_unique_name_as_a_parameter(suite: Suite) -> None:
    """It has to be the same in all workers."""
    suite.write(
        test_suite="""
            import pytest, uuid
            from witness import meet

            @pytest.mark.parallel_safe
            @pytest.mark.parametrize("name", [uuid.uuid4().hex, uuid.uuid4().hex])
            def test_one(name): meet(2)
        """
    )
    result = suite.run("-n", "2")
    assert result.counts == {"passed": 2}, result.output
    assert result.header == "fastest: 2 workers (-n 2), fork"


def test_the_identity_is_an_ordinary_value_in_a_test(suite: Suite) -> None:
    suite.write(
        test_suite="""
            import os
            from witness import meet

            def test_one(request, worker_id):
                meet(2)
                assert os.environ["PYTEST_XDIST_WORKER"] == request.config.workerinput["workerid"] == worker_id
                assert type(os.environ).__name__ == "_Environ"
            def test_two(request, worker_id): test_one(request, worker_id)
        """
    )
    result = suite.run("-n", "2")
    assert result.counts == {"passed": 2}, result.output
    assert result.header == "fastest: 2 workers (-n 2), fork"


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_all_workers_are_configured_before_a_test_starts(suite: Suite, method: str) -> None:
    """What one deletes while it is configured must not be what a test of another has written."""
    suite.write(
        conftest="""
            import os, time
            from witness import mark

            def pytest_configure(config):
                worker = getattr(config, "workerinput", {}).get("workerid")
                if worker == "gw2":
                    time.sleep(0.7)
                if worker is not None:
                    mark(f"configured {worker}")
        """,
        test_suite="""
            import pytest
            from witness import mark

            @pytest.mark.parametrize("number", range(9))
            def test_one(number): mark("test")
        """,
    )
    result = suite.run("-n", "3", "--start-method", method)
    assert result.counts == {"passed": 9}, result.output
    names = [mark.name for mark in suite.marks()]
    assert sorted(names[:3]) == ["configured gw0", "configured gw1", "configured gw2"]


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_worker_that_dies_while_it_is_configured_is_not_waited_for(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import os

            def pytest_configure(config):
                if getattr(config, "workerinput", {}).get("workerid") == "gw1":
                    os._exit(3)
        """,
        test_suite="def test_one(): pass\ndef test_two(): pass",
    )
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"passed": 2}, result.output
    assert result.returncode == 1
    assert "worker 'gw1' left with exit status 3 outside of any test" in result.output


def test_a_lock_that_refuses_to_be_forked(suite: Suite) -> None:
    suite.write(
        test_suite="""
            import filelock
            from witness import meet

            LOCK = filelock.FileLock("test.lock")

            def test_one():
                meet(2)
                with LOCK: pass
            def test_two(): test_one()
        """
    )
    plugins = ("filelock",)
    forked = suite.run("-n", "2", "--start-method", "fork", "-p", "no:cacheprovider", plugins=plugins)
    assert forked.counts == {"failed": 2}, forked.output
    suite.forget_marks()
    result = suite.run("-n", "2", plugins=plugins)
    assert result.counts == {"passed": 2}, result.output
    assert "forkserver: a FileLock was made" in str(result.header)


def test_a_lock_of_a_plugin_that_was_there_before_the_base(suite: Suite) -> None:
    suite.write(
        early="import filelock\nLOCK = filelock.FileLock('test.lock')",
        test_suite="def test_one(): pass\ndef test_two(): pass",
    )
    result = suite.run("-n", "2", "-p", "early", plugins=("filelock",))
    assert "forkserver: a FileLock was made" in str(result.header), result.output


@pytest.mark.skipif(not (PLUGINS / "polars").exists(), reason="make plugins has not been run")
def test_a_library_whose_threads_would_be_lost(suite: Suite) -> None:
    suite.write(
        conftest="""
            import polars
            FRAME = polars.DataFrame({"a": range(100_000), "b": ["x", "y"] * 50_000})
            FRAME.lazy().group_by("b").agg(polars.col("a").sum()).collect()
        """,
        test_suite=indent(
            dedent("""
                import conftest, polars
                from witness import meet

                def test_one():
                    meet(2)
                    sums = conftest.FRAME.lazy().group_by("b").agg(polars.col("a").sum()).sort("b").collect()
                    assert sums["a"].to_list() == [2499950000, 2500000000]
                def test_two(): test_one()
            """),
            "",
        ),
        ini="pythonpath = .",
    )
    result = suite.run("-n", "2", plugins=("polars",))
    assert result.counts == {"passed": 2}, result.output
    assert "forkserver: " in str(result.header)
    assert "native thread" in str(result.header)

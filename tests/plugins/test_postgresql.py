"""pytest-postgresql: each worker starts a server of its own, and each test has a fresh database in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes.harness import METHODS, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator

# PostgreSQL does not run as root: then it runs as somebody else, who may still write below root's directories.
AS_NOBODY = """\
#!/bin/sh
exec setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override \\
    {pg_ctl} "$@"
"""
CONFTEST = """
    from pytest_postgresql import factories

    def load(**connection):
        import psycopg
        with psycopg.connect(**connection) as server:
            server.execute("CREATE TABLE stories (name text UNIQUE)")
            server.execute("INSERT INTO stories VALUES ('loaded')")

    server = factories.postgresql_proc(port=None, load=[load])
    database = factories.postgresql("server")
"""
TESTS = """
    import pytest
    from witness import mark, meet

    @pytest.mark.parametrize("number", range(3))
    def test_stories(database, server, number):
        # The same unique value in every test, and in both workers at once.
        database.execute("INSERT INTO stories VALUES ('written')")
        database.commit()
        mark(f"uses {server.port}")
        meet(WORKERS)
        assert database.execute("SELECT name FROM stories ORDER BY name").fetchall() == [("loaded",), ("written",)]
"""


@pytest.fixture
def pg_ctl(tmp_path: Path) -> str:
    """A `pg_ctl` that works for who runs the tests."""
    # Debian has it outside the path, in a folder for each version.
    debian = map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
    found = shutil.which("pg_ctl") or shutil.which("pg_ctl", path=os.pathsep.join(debian))
    if found is None:
        pytest.skip("there is no PostgreSQL (pg_ctl); postgresql.sh installs it")
    if os.geteuid() != 0:
        return found
    script = tmp_path / "pg_ctl"
    script.write_text(AS_NOBODY.format(pg_ctl=found), "utf-8")
    script.chmod(0o755)
    if not shutil.which("setpriv") or subprocess.run([script, "--version"], check=False).returncode != 0:
        pytest.skip("PostgreSQL does not run as root, and root may not become somebody else here (setpriv)")
    return str(script)


@pytest.fixture
def stories(suite: Suite, pg_ctl: str) -> Suite:
    suite.write(ini=f"postgresql_exec = {pg_ctl}\n", conftest=CONFTEST)
    return suite


@pytest.mark.parametrize("method", METHODS)
def test_a_server_for_each_worker(stories: Suite, method: str) -> None:
    text = TESTS.replace("WORKERS", "2")
    stories.write(test_a=text, test_b=text)
    result = stories.run("-n", "2", "--start-method", method, "--basetemp", "base", plugins=("postgresql",))
    assert result.counts == {"passed": 6}, result.output
    ports = {(mark.worker, mark.name) for mark in stories.marks("uses ")}
    assert len(ports) == len({worker for worker, _ in ports}) == len({port for _, port in ports}) == 2
    # The harness sees that no server is left; the plugin's notes about its ports lie beside the workers' directories.
    base = stories.root / "base"
    assert {path.name for path in base.iterdir()} == {"popen-gw0", "popen-gw1"}
    assert not list(base.glob("popen-*/*/data-*"))


def test_in_one_process(stories: Suite) -> None:
    text = TESTS.replace("WORKERS", "1")
    stories.write(test_a=text, test_b=text)
    result = stories.run("-p", "no:fastest", plugins=("postgresql",))
    assert result.counts == {"passed": 6}, result.output
    assert len({mark.name for mark in stories.marks("uses ")}) == 1


@pytest.fixture
def port(pg_ctl: str, tmp_path: Path) -> Iterator[int]:
    """Of a server that runs already."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    data = str(tmp_path / "data")
    subprocess.run([pg_ctl, "-s", "-D", data, "-o", "--username=postgres --auth=trust --no-sync", "initdb"], check=True)
    options = f"-F -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    subprocess.run([pg_ctl, "-s", "-D", data, "-l", f"{data}.log", "-o", options, "-w", "start"], check=True)
    yield port
    subprocess.run([pg_ctl, "-s", "-D", data, "-m", "immediate", "stop"], check=True)


@pytest.mark.parametrize("method", METHODS)
def test_a_database_for_each_worker_of_one_server(stories: Suite, port: int, method: str) -> None:
    conftest = CONFTEST.replace("postgresql_proc(port=None", f"postgresql_noproc(host='127.0.0.1', port={port}")
    text = TESTS.replace("WORKERS", "2").replace("server.port", "database.info.dbname")
    stories.write(conftest=conftest, test_a=text, test_b=text)
    result = stories.run("-n", "2", "--start-method", method, plugins=("postgresql",))
    assert result.counts == {"passed": 6}, result.output
    databases = {(mark.worker, mark.name) for mark in stories.marks("uses ")}
    assert databases == {("gw0", "uses testsgw0"), ("gw1", "uses testsgw1")}

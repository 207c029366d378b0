"""Who may take part in a run: the processes of it, of this user, with its secret. Nobody else changes anything."""

from __future__ import annotations

import json
import marshal
import os
import pickle
import re
import socket
import stat
import struct
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes.harness import METHODS, Running, Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
# The version of the protocol (`protocol.rs`).
VERSION = 6
# A frame that is larger ends the connection (`frame.rs`).
MOST = 256 << 20
# Bytes that the controller may take for what is sent to it, by any number of strangers.
NOTHING_MUCH = 8 << 20

# Each waits until it may end.
TESTS = """
    import os, time
    import pytest
    from witness import mark

    @pytest.mark.parametrize("number", range(4))
    def test_it(number):
        mark("started")
        deadline = time.monotonic() + 40
        while not os.path.exists("go"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
"""


@contextmanager
def under_way(suite: Suite, *args: str, **options: Any) -> Iterator[tuple[Running, Path]]:
    """A run of two workers, and its directory. At the end of the block its tests may end, and all must have passed."""
    suite.write(test_a=TESTS)
    with suite.running("-n", "2", *args, **options) as running:
        suite.await_marks("started", 2)
        (directory,) = (running.home / "t").glob("fastest-*")
        yield running, directory
        (suite.root / "go").touch()
        result = running.finish()
        assert result.counts == {"passed": 4}, result.output
        assert sorted(result.nodeids("passed").values()) == [1] * 4
        assert result.returncode == 0


def token_of(directory: Path) -> str:
    token = marshal.loads((directory / "boot").read_bytes())["token"]
    assert isinstance(token, str)
    return token


def pack(value: Any) -> bytes:
    """The value in msgpack, as far as greetings need it."""
    match value:
        case int():
            return b"\xce" + struct.pack(">I", value)
        case str():
            return b"\xd9" + bytes([len(value)]) + value.encode()
        case list():
            return bytes([0x90 | len(value)]) + b"".join(map(pack, value))
        case dict():
            return bytes([0x80 | len(value)]) + b"".join(pack(key) + pack(item) for key, item in value.items())
    raise TypeError(value)


def frame(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body


def hello(token: str, version: int = VERSION, role: Any = "Base") -> bytes:
    return frame(pack([version, token, role, os.getpid()]))


def connect(directory: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(8)  # Before the coordinator's own patience is at its end.
    peer.connect(str(directory / "socket"))
    return peer


def is_refused(directory: Path, sent: bytes, *, ends: bool = False) -> bool:
    """Whether the connection ends, without a word, when these bytes are `sent` (and, if it `ends`, nothing more)."""
    with connect(directory) as peer:
        try:
            peer.sendall(sent)
            if ends:
                peer.shutdown(socket.SHUT_WR)
            return peer.recv(1) == b""
        except (BrokenPipeError, ConnectionResetError):
            return True


def as_nobody(action: Callable[[], object]) -> str:
    """What `action` returns, or the name of its exception, in a process of another user."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            answer = repr(action())
        except BaseException as error:
            answer = type(error).__name__
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as stream:
        return stream.read()


def memory_of(pid: int) -> int:
    """Bytes of memory that the process has in use."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("method", METHODS)
def test_the_directory_is_the_users_alone(suite: Suite, method: str) -> None:
    with under_way(suite, "--start-method", method) as (_, directory):
        assert re.fullmatch("fastest-[0-9a-f]{16}", directory.name)
        status = directory.lstat()
        assert (stat.filemode(status.st_mode), status.st_uid) == ("drwx------", os.geteuid())
        modes = {path.name: stat.filemode(path.lstat().st_mode) for path in directory.iterdir()}
        assert modes["socket"] == "srw-------"
        for name in ("boot", "board", "outbox-0", "outbox-1"):
            assert modes[name] == "-rw-------", name


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become another user")
def test_another_user_is_refused_at_every_door(suite: Suite) -> None:
    with under_way(suite) as (running, directory):
        greeting = hello(token_of(directory))
        for place in (running.home, directory.parent):
            place.chmod(0o755)
        assert as_nobody(lambda: list(directory.iterdir())) == "PermissionError"
        assert as_nobody(lambda: connect(directory)) == "PermissionError"
        directory.chmod(0o755)
        assert as_nobody(lambda: connect(directory)) == "PermissionError"
        # Even with the secret, and where all that is left is what the system says of the peer.
        (directory / "socket").chmod(0o777)
        assert as_nobody(lambda: is_refused(directory, greeting)) == "True"
        assert as_nobody(lambda: is_refused(directory, b"")) == "True"


def test_who_does_not_greet_as_is_right_is_refused(suite: Suite) -> None:
    with under_way(suite) as (_, directory):
        token = token_of(directory)
        wrong = {
            "no token": hello(""),
            "another token": hello("0" * len(token)),
            "nearly the token": hello(token[:-1] + ("0" if token[-1] != "0" else "1")),
            "a part of the token": hello(token[:-1]),
            "more than the token": hello(token + "0"),
            "an older version": hello(token, VERSION - 1),
            "a newer version": hello(token, VERSION + 1),
            "no role": hello(token, role="King"),
            "a number for a token": frame(pack([VERSION, 7, "Base", 1])),
            "no greeting": frame(pack("Ready")),
            "garbage": b"GET / HTTP/1.1\r\n\r\n",
            "the largest frame": struct.pack("<I", MOST) + b"\x94" * 1000,
            "a larger frame": b"\xff" * 1000,
            "deep nesting": frame(b"\x91" * 250),
        }
        for what, sent in wrong.items():
            assert is_refused(directory, sent), what
        assert is_refused(directory, hello(token)[:-1], ends=True), "truncated"
        assert is_refused(directory, b"", ends=True), "nothing"


@pytest.mark.parametrize("method", METHODS)
def test_who_has_the_secret_and_is_not_awaited_is_refused(suite: Suite, method: str) -> None:
    with under_way(suite, "--start-method", method) as (_, directory):
        roles = ["Collector", {"Worker": 0}, {"Worker": 1}, {"Worker": 2}, {"Worker": 2**32 - 1}]
        # Under `spawn` there is no base: one that comes is as good as any, and does nothing.
        for role in roles if method == "spawn" else ["Base", *roles]:
            assert is_refused(directory, hello(token_of(directory), role=role)), role


def test_strangers_cost_nothing(suite: Suite) -> None:
    with under_way(suite) as (running, directory), ExitStack() as strangers:
        before = memory_of(running.process.pid)
        for _ in range(30):
            announces_much = strangers.enter_context(connect(directory))
            with suppress(BrokenPipeError, ConnectionResetError):
                announces_much.sendall(struct.pack("<I", MOST) + bytes(1 << 20))
        # More than may stand at the door. They say nothing, and do not keep the run from its end.
        for _ in range(100):
            strangers.enter_context(connect(directory))
        assert memory_of(running.process.pid) - before < NOTHING_MUCH
        assert len(list(Path(f"/proc/{running.process.pid}/task").iterdir())) < 80
        (suite.root / "go").touch()
        running.finish(timeout=20)


BREAKS_IN = """
    import os, socket, stat
    import pytest

    def connections():
        for name in os.listdir("/proc/self/fd"):
            try:
                if stat.S_ISSOCK(os.stat(f"/proc/self/fd/{name}").st_mode):
                    yield socket.socket(fileno=os.dup(int(name)))
            except OSError:
                pass

    def send(data):
        for connection in connections():
            connection.send(data)

    @pytest.mark.parametrize("number", range(20))
    def test_other(number): pass

    def test_sends():
        send(DATA)
"""


@pytest.mark.parametrize(
    ("method", "data"),
    [
        *((method, b"\xff" * 100) for method in METHODS),
        # What only a process that forks says.
        ("fork", frame(b"\x81\xa6Forked\x92\xa4Base\x01")),
        # Of an item that does not exist.
        ("fork", frame(b"\x81\xa8Released\xce\xff\xff\xff\xff")),
    ],
    ids=[*METHODS, "role", "item"],
)
def test_a_process_that_can_t_be_believed_ends_alone(suite: Suite, method: str, data: bytes) -> None:
    suite.write(test_a=BREAKS_IN.replace("DATA", repr(data)) + "        import time; time.sleep(30)")
    result = suite.run("-n", "2", "--start-method", method)
    assert result.counts == {"failed": 1, "passed": 20}, result.output
    assert [report.nodeid for report in result.failures] == ["test_a.py::test_sends"]


@pytest.mark.parametrize("method", METHODS)
def test_what_has_ended_does_not_end_again(suite: Suite, method: str) -> None:
    """Not even as a failure, of which one would stop the run."""
    failed = b"\x09" + b"\xcb" + bytes(8) + b"\x97" + b"\xca\0\0\0\0" * 7 + b"\xc4\x00"
    reports = b"".join(frame(b"\x81\xa7Reports\x95" + bytes([item]) + failed) for item in range(20))
    suite.write(test_a=BREAKS_IN.replace("DATA", repr(reports)), test_b="def test_b(): pass")
    result = suite.run("-n", "2", "--start-method", method, "--dist", "loadfile", "--maxfail", "1")
    assert result.counts == {"passed": 22}, result.output
    assert set(result.nodeids("passed").values()) == {1}


@pytest.mark.skipif(os.name != "posix", reason="permissions are told from a mode")
def test_a_directory_that_others_could_exchange_is_passed_over(suite: Suite, tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    suite.write(
        test_a="""
        import os
        def test_it(): assert not any("fastest" in name for name in os.listdir(os.environ["TMPDIR"]))
        """
    )
    result = suite.run("-n", "2", tmpdir=open_to_all)
    assert result.counts == {"passed": 1}, result.output


class Command:
    """What would run if somebody unpickled it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return os.mkdir, (str(self.file),)


def test_nothing_in_the_cache_is_run_and_nothing_in_it_breaks_a_run(suite: Suite, tmp_path: Path) -> None:
    suite.write(test_a="def test_a(): pass", test_b="def test_b(): pass")
    trap = tmp_path / "sprung"
    code = compile(f"import os; os.mkdir({str(trap)!r})", "cache", "exec")
    findings = [
        b"[" * 100_000,
        json.dumps({"run": ["__import__('os')"], "files": 7, "reason": {}}).encode(),
        json.dumps({"run": [], "files": {"\0": []}, "reason": "x"}).encode(),
    ]
    contents = [pickle.dumps(Command(trap)), marshal.dumps(code), b"\xff" * 1000, *findings]
    magic = b"fastest timings 2\n"
    places = [suite.root / ".pytest_cache" / name for name in ("v/fastest/start-method", "d/fastest/timings")]
    for place in places:
        place.parent.mkdir(parents=True)
    for content in contents:
        places[0].write_bytes(content)
        places[1].write_bytes(magic + content)
        result = suite.run("-n", "2")
        assert result.returncode == 0, result.output
        assert result.counts["passed"] == 2, result.output
        assert not trap.exists()

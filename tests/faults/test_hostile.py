"""Tests that change their process and leave it so: whatever plain pytest survives has the same outcome in a worker."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from parity import ALL, PLAIN, Parity, difference

if TYPE_CHECKING:
    from processes.harness import Suite

# Each is the body of a test. What comes behind it in its class finds the process as it was left.
STREAMS = {
    "stdout_is_none": "sys.stdout = None",
    "streams_raise": "sys.stdout = sys.stderr = Bad()",
    "stdout_is_no_file": "sys.stdout = object()",
    "stdout_is_a_buffer": "sys.stdout = io.StringIO(); sys.stdin = None",
    "no_streams_of_the_interpreter": "sys.__stdout__ = sys.__stderr__ = sys.__stdin__ = None",
    "descriptors_closed": "os.close(0); os.close(1); os.close(2)",
}
MODULES = {
    "getpid": "os.getpid = os.getppid = lambda: 1",
    "times_raise": "replace(time, raising, *TIMES)",
    "times_are_mocks": "replace(time, mock.MagicMock(), *TIMES)",
    "times_stand_still": "freeze()",
    "no_sockets": "replace(socket, None, 'socket', 'socketpair', 'create_connection')",
    "descriptors_are_mocks": "replace(os, mock.MagicMock(), 'open', 'pipe', '_exit', 'fork', 'kill', 'waitpid')",
    "resources_raise": "replace(resource, raising, 'getrusage')",
    "encoders_raise": "replace(marshal, raising, 'dumps', 'loads'); replace(pickle, raising, 'dumps', 'loads')",
    "printing_raises": "replace(builtins, raising, 'print', 'input')",
    "modules_forgotten": "forget('pytest', '_pytest', 'marshal', 'pickle', 'importlib', 'encodings', 'pytest_fastest')",
    "own_module_forgotten": "del sys.modules[__name__]",
    "no_imports": "sys.path[:] = []; sys.meta_path[:] = []; sys.path_hooks[:] = []",
    "strange_path": "sys.path[:] = [None, 1, '/nowhere']",
}
INTERPRETER = {
    "signals_ignored": "handle_all(signal.SIG_IGN)",
    "signals_handled": "handle_all(lambda *args: None)",
    "signals_blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    "signals_to_a_closed_pipe": "wake_up_nobody()",
    "traced": "sys.settrace(lambda *args: None); sys.setprofile(lambda *args: None)",
    "trace_raises": "sys.settrace(raising)",
    "recursion_limit": "sys.setrecursionlimit(150)",
    "recursion": "recurse()",
    "collector": "gc.disable(); gc.freeze(); gc.set_threshold(1)",
    "hooks": "sys.excepthook = threading.excepthook = sys.unraisablehook = None",
    "logging": "logging.disable(); logging.shutdown(); logging.root.handlers[:] = []",
    "warnings": "warnings.filters[:] = []; warnings.showwarning = None",
    "warnings_are_errors": "warnings.simplefilter('error')",
    "threads_stay": "threading.Thread(target=time.sleep, args=(100,), daemon=True).start()",
    "loop_goes_on": "threading.Thread(target=loop_with_a_task().run_forever, daemon=True).start()",
    "loop_is_set": "asyncio.events._set_running_loop(asyncio.new_event_loop())",
    "not_awaited": "asyncio.sleep(1)",
    "switch_interval": "sys.setswitchinterval(100)",
    "priority": "os.nice(1)",
}
SURROUNDINGS = {
    "folder_is_gone": "os.chdir(tmp_path); os.rmdir(tmp_path)",
    "mask": "os.umask(0o777)",
    "locale": "os.environ['LC_ALL'] = 'C'; locale.setlocale(locale.LC_ALL, 'C')",
    "temporary_directory": "os.environ['TMPDIR'] = tempfile.tempdir = '/nowhere'",
    "limits": "limit(RLIMIT_NPROC=0, RLIMIT_CORE=0)",
    "group": "os.setpgid(0, 0) if os.getpid() != os.getpgid(0) else None",
    "a_child_that_is_waited_for": "wait_for(os.fork() or os._exit(3))",
    "a_child_that_nobody_waits_for": "os.fork() or os._exit(3)",
}
ENDS = {
    "exit": "sys.exit(3)",
    "generator_exit": "raise GeneratorExit",
    "base_exception": "raise BaseException('base')",
    "stop_iteration": "raise StopIteration",
    "cancelled": "raise asyncio.CancelledError",
    "a_group": "raise BaseExceptionGroup('several', [KeyboardInterrupt(), ValueError()])",
    "no_repr": "raise NoRepr",
    "a_large_message": "raise ValueError('x' * 500_000)",
    "a_large_repr": "assert Large() == 1",
    "no_text": "raise ValueError('\\ud800\\udc80\\x00\\x1b[31m\\x07')",
    "its_own_cause": "error = ValueError(); error.__cause__ = error; raise error",
    "many_causes": "chain(30)",
    "a_syntax_error": "raise SyntaxError('no', ('file', 1, 2, 'text'))",
    "skipped": "pytest.skip('\\ud800\\x00' + 'x' * 100_000)",
    "expected": "pytest.xfail('\\ud800\\n\\n')",
    "much_output": "print('x' * 1_000_000); os.write(1, bytes(range(256)) * 100)",
    "odd_output": "sys.stdout.write('\\ud800\\x00\\x1b[2J'); warnings.warn('\\ud800\\x00')",
    "odd_section": "request.node.add_report_section('call', '\\ud800', '\\udfff\\x00')",
    "odd_property": "request.node.user_properties.append(('name', '\\ud800\\x00'))",
}
GROUPS = {"process": STREAMS | MODULES | INTERPRETER, "rest": SURROUNDINGS | ENDS}
HEAD = '''
import asyncio, builtins, gc, io, locale, logging, marshal, os, pickle, resource, signal, socket, sys, tempfile
import threading, time, warnings
from unittest import mock
import pytest

CHANGED = (asyncio.events, builtins, marshal, os, pickle, resource, socket, sys, tempfile, threading, time, warnings)
KEPT = [(vars(module), dict(vars(module))) for module in CHANGED]
LISTS = [(kept, list(kept)) for kept in (sys.path, sys.meta_path, sys.path_hooks, warnings.filters)]
LOADED = dict(sys.modules)

def put_back():
    """For the next class, which may come in another worker. The streams are pytest's."""
    for now, before in KEPT:
        now.update({name: value for name, value in before.items() if name not in ("stdin", "stdout", "stderr")})
    for now, before in LISTS: now[:] = before
    sys.modules.update(LOADED)
    sys.setrecursionlimit(1000)
    sys.settrace(None)
    sys.setprofile(None)
    threading.settrace(None)
    asyncio.events._set_running_loop(None)

TIMES = ("time", "monotonic", "perf_counter", "process_time", "thread_time", "time_ns", "monotonic_ns", "sleep")

def raising(*args): raise RuntimeError("replaced")

def replace(module, value, *names):
    for name in names: setattr(module, name, value)

def forget(*names):
    for name in list(sys.modules):
        if name.partition(".")[0] in names: del sys.modules[name]

def freeze():
    """In all modules that have imported it, as freezegun does."""
    for name in ("time", "monotonic", "perf_counter"):
        real = getattr(time, name)
        for module in list(sys.modules.values()):
            for key, value in list(getattr(module, "__dict__", {}).items()):
                if value is real: setattr(module, key, lambda: 1.3e9)

class Bad:
    def __getattr__(self, name): raise RuntimeError(f"no {name}")

class NoRepr(Exception):
    def __repr__(self): raise RuntimeError("no repr")
    __str__ = __repr__

class Large:
    def __repr__(self): return "x" * 10_000_000

def handle_all(how):
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try: signal.signal(number, how)
        except (OSError, ValueError): pass

def wake_up_nobody():
    out, into = os.pipe()
    os.set_blocking(into, False)
    signal.set_wakeup_fd(into)
    os.close(out)

def recurse(): recurse()

def loop_with_a_task():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.create_task(asyncio.sleep(100))
    return loop

def limit(**limits):
    for name, value in limits.items(): resource.setrlimit(getattr(resource, name), (value, value))

def wait_for(pid): assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3

def chain(count):
    try:
        if count: chain(count - 1)
        else: raise ValueError
    except ValueError as error: raise ValueError(count) from error
'''
CLASS = """
class TestIt:
    def test_before(self): pass

    def test_hostile(self, tmp_path, request):
        {way}

    def test_next(self): pass
    def test_fails(self): assert [1] == [2]
    def test_folder(self, tmp_path): pass
    def test_warns(self): warnings.warn("text")
    def test_prints(self):
        print("printed")
        assert 0
    def test_last(self): put_back()
"""


# Not the texts: they name folders for temporary files, and the one that a neighbour has left as the current one.
COMPARED = ("exit code", "outcomes", "finish", "frames", "cache", "collect reports", "recorded warnings")


@pytest.mark.parametrize("ways", GROUPS.values(), ids=GROUPS)
def test_it(parity: Parity, ways: dict[str, str]) -> None:
    parity.write({f"test_{name}.py": HEAD + CLASS.format(way=way) for name, way in ways.items()})
    plain = parity.run(how=PLAIN)
    assert len({nodeid for nodeid, _, _ in plain.outcomes}) == 8 * len(ways), "plain pytest survives it"
    for how in ALL:
        run = parity.run(how=how)
        ignored = {*plain.aspects(), *run.aspects()} - {*COMPARED}
        if problems := difference(plain, run, ignored):
            pytest.fail("\n".join(problems), pytrace=False)


def test_who_has_another_process_s_id_ends_nobody_else(suite: Suite) -> None:
    """What tests have left running is ended: only what is theirs."""
    with subprocess.Popen(["sh", "-c", "sleep 60; true"], start_new_session=True) as bystander:
        suite.write(
            test_a=f"""
                import os, subprocess

                def test_it():
                    subprocess.Popen(["sleep", "60"])
                    os.getpid = lambda: {bystander.pid}
            """
        )
        try:
            result = suite.run("-n", "1")
            assert result.counts == {"passed": 1, "warnings": 1}, result.output
            # Its shell would have come to its end.
            assert bystander.poll() is None
        finally:
            os.killpg(bystander.pid, signal.SIGKILL)

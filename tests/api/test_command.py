"""The command ``fastest`` and ``python -m fastest``."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata

import pytest

import fastest
from fastest._plugin_args import load_plugin

needs_plugin = pytest.mark.skipif(
    not metadata.entry_points(group="pytest11", name="fastest"),
    reason="the plugin is not installed",
)


def run_command(root, *args, **environment):
    return subprocess.run(
        [sys.executable, "-m", "fastest", *args],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def root(make_project):
    return make_project({"test_a.py": "def test_1(): pass\ndef test_2(): assert 0\n"})


def test_runs_pytest_and_returns_its_exit_code(root):
    done = run_command(root)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "workers" not in done.stdout
    assert run_command(root, "test_a.py::test_1").returncode == 0


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_names_both(root, option):
    done = run_command(root, option)
    assert done.stdout.splitlines() == [
        f"fastest {fastest.__version__}",
        f"pytest {pytest.__version__}",
    ]


def test_version_twice_is_that_of_pytest_with_plugins(root):
    done = run_command(root, "--version", "--version")
    assert done.stdout.startswith(f"fastest {fastest.__version__}\n")
    assert "imported from" in done.stdout + done.stderr


def test_usage_errors_name_the_program(root):
    done = run_command(root, "--no-such-option")
    assert done.returncode == 4
    assert "usage: fastest" in done.stderr
    assert "pytest.main()" not in done.stderr


def test_a_closed_pipe_is_no_traceback(root):
    body = "".join(f"def test_{n}(): pass\n" for n in range(3000))
    (root / "test_a.py").write_text(body)
    process = subprocess.Popen(
        [sys.executable, "-m", "fastest", "-v"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() != 0
    assert "Exception ignored" not in stderr


@pytest.mark.parametrize(
    ("args", "loads"),
    [
        ([], True),
        (["-p", "no:fastest"], False),
        (["-pno:fastest"], False),
        (["-p", "no:other", "-v"], True),
        (["-p"], True),
        (["no:fastest"], True),
    ],
)
def test_the_plugin_is_loaded_unless_switched_off(args, loads):
    assert load_plugin(args) == (["-p", "fastest"] if loads else [])


@needs_plugin
def test_workers_without_autoload(root):
    done = run_command(root, "-n", "2", "-v", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "[gw" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


@needs_plugin
def test_the_plugin_is_registered_once_and_without_warnings(root):
    for environment in ({}, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}):
        done = run_command(root, "--trace-config", "-W", "error", "test_a.py::test_1", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "RewriteWarning" not in done.stdout + done.stderr
        registered = done.stdout.partition("active plugins:")[2].splitlines()
        named = [line.split()[0] for line in registered if line.strip().startswith("fastest ")]
        assert named == ["fastest"]


@needs_plugin
def test_the_plugin_can_be_switched_off(root):
    done = run_command(root, "-p", "no:fastest", "test_a.py::test_1")
    assert done.returncode == 0
    off = run_command(root, "-p", "no:fastest", "--fail-fast", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert off.returncode == 4


@needs_plugin
def test_the_api_works_without_autoload(root, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    run = fastest.run_tests_parallel("test_a.py", 2, cwd=root)
    assert run.totals[fastest.Outcome.PASSED] == 1
    assert all(result.worker is not None for result in run)

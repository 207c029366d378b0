"""What a run says to the CI system that it runs in (`--ci`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest.options import CI, CI_SYSTEMS, ci_system

if TYPE_CHECKING:
    from pytest_fastest.ci.results import System

# A run that a test starts inherits one of them.
_OF_TESTS = ("PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")


def register(config: pytest.Config) -> None:
    """Lets the run speak to a CI system, if it is to. Raises `pytest.UsageError` for a value that isn't allowed."""
    system = _system(config)
    if system is None or hasattr(config, "workerinput"):
        return
    from pytest_fastest.ci.junit import Properties
    from pytest_fastest.ci.reporter import Reporter

    config.pluginmanager.register(Reporter(config, system), "fastest-ci")
    if getattr(config.option, "xmlpath", None):
        config.pluginmanager.register(Properties(config), "fastest-ci-junit")


def _system(config: pytest.Config) -> System | None:
    value: Any = ci_system(config)
    if value is None:
        value = config.getini(CI) or "auto"
        if value not in CI_SYSTEMS:
            raise pytest.UsageError(f"the ini option {CI}: {value!r} is not allowed; allowed: {', '.join(CI_SYSTEMS)}")
    # Nobody looks for the failures of a run inside of a test, which may be what the test wants.
    if any(name in os.environ for name in _OF_TESTS):
        return None
    if value == "auto" and config.pluginmanager.has_plugin("fastest-controller"):
        if _is_true(os.environ.get("GITHUB_ACTIONS")):
            return "github"
        return "gitlab" if _is_true(os.environ.get("GITLAB_CI")) else None
    return value if value in ("github", "gitlab") else None


def _is_true(value: str | None) -> bool:
    return value is not None and value.lower() in ("true", "1")

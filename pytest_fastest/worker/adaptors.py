"""What plugins of other people need in workers, where they can't find out by themselves."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

# What deletes at the start has been done by the controller, and somebody may have written since. What is shown, only
# the controller shows.
_OF_THE_CONTROLLER = (
    "cacheclear",
    "clean_alluredir",  # allure-pytest
    "gherkin_terminal_reporter",  # pytest-bdd
)


def before_conftests(config: pytest.Config) -> None:
    """In every process but the controller."""
    # pytest-cov erases all data files when it starts, which it does before it knows that it is in a worker.
    if hasattr(config.known_args_namespace, "cov_append"):
        config.known_args_namespace.cov_append = True


def before_configure(config: pytest.Config) -> None:
    """In every worker and in the template."""
    for name in _OF_THE_CONTROLLER:
        if hasattr(config.option, name):
            setattr(config.option, name, False)


def after_fork(config: pytest.Config) -> None:
    """In a forked worker."""
    _let_hypothesis_find_its_generator()
    listener: Any = config.pluginmanager.get_plugin("allure_listener")
    if listener is not None:
        # allure-pytest draws a lane for each process, which it has asked for when it was configured.
        with contextlib.suppress(ImportError, AttributeError):
            from allure_commons.utils import thread_tag  # type: ignore[import-not-found]

            listener._thread = thread_tag()


def _let_hypothesis_find_its_generator() -> None:
    """Hypothesis warns if it finds nobody who refers to its random generator, and what has been frozen is not found. So
    it gets a place for it that is new.
    """
    core: Any = sys.modules.get("hypothesis.core")
    with contextlib.suppress(AttributeError, KeyError):
        if core is not None and core.threadlocal._hypothesis_global_random is None:
            places = vars(core.threadlocal)
            places["_ThreadLocal__threadlocal"] = type(places["_ThreadLocal__threadlocal"])()

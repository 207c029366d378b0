"""Warnings about a run, beside those that its tests cause."""

from __future__ import annotations

import warnings

import pytest
from _pytest.config import apply_warning_filters


def warn(
    config: pytest.Config, text: str, nodeid: str = "", location: tuple[str, int | None, str] | None = None
) -> None:
    """Shows a warning in pytest's summary, unless the user's filters ignore it. `nodeid` and `location`: of the test
    that it is about, if it is about one.

    It never becomes an error: the same suite has no such warning in one process.
    """
    message = pytest.PytestWarning(text)
    file, line = "fastest", 0
    if location is not None:
        file, line = str(config.rootpath / location[0]), (location[1] or 0) + 1
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        apply_warning_filters(config.getini("filterwarnings"), config.known_args_namespace.pythonwarnings or [])
        try:
            warnings.warn_explicit(message, pytest.PytestWarning, file, line)
        except pytest.PytestWarning:
            log.append(warnings.WarningMessage(message, pytest.PytestWarning, file, line))
    for warning in log:
        config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": warning, "when": "runtest", "nodeid": nodeid, "location": None}
        )

"""Reports and warnings on their way to the controller, as values that `codec` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import _pytest.reports
import pytest

from pytest_fastest import codec
from pytest_fastest.hooks import are_pytests_own

if TYPE_CHECKING:
    import warnings

# A longer text of captured output is cut, so that a report always fits into a frame (characters).
_MAX_SECTION = 48 << 20


def have_hooks(config: pytest.Config) -> None:
    """Sees to it that reports can be taken apart and put together, with `-p no:reports` too."""
    if not config.pluginmanager.is_registered(_pytest.reports):
        config.pluginmanager.register(_pytest.reports, "fastest-reports")


def report(config: pytest.Config, value: pytest.TestReport | pytest.CollectReport) -> dict[str, Any]:
    """A report as plain values."""
    data: dict[str, Any]
    if type(value) is pytest.TestReport and are_pytests_own(config.hook.pytest_report_to_serializable):
        data = _pytest.reports.pytest_report_to_serializable(value)  # type: ignore[assignment]
    else:
        data = config.hook.pytest_report_to_serializable(config=config, report=value)
    if isinstance(data.get("longrepr"), str) and not isinstance(value.longrepr, str):
        # pytest turns what it can't take apart into text; here it should not look like a message.
        data["$text_only"] = True
    if "_subtest.context" in data:
        data["$failed_subtests"] = _failed_subtests(config, value)
    sections = data.get("sections")
    if sections and any(len(text) > _MAX_SECTION for _, text in sections):
        data["sections"] = [(title, _shortened(text)) for title, text in sections]
    return data


def subtest_key(value: Any) -> Any:
    """What pytest counts the failed subtests of a test by: its parsed node id, before 9.2 the text."""
    return getattr(value, "id", value.nodeid)


def _failed_subtests(config: pytest.Config, value: Any) -> int:
    """How many subtests of the test have failed, as pytest counts for the verdict on the test itself."""
    try:
        from _pytest.subtests import failed_subtests_key
    except ImportError:
        return 0
    return config.stash[failed_subtests_key][subtest_key(value)]


def counts_as_failure(value: pytest.TestReport) -> bool:
    """As `Session.pytest_runtest_logreport` counts for `--maxfail`."""
    return value.failed and not hasattr(value, "wasxfail")


def warning(message: warnings.WarningMessage, when: str, nodeid: str, location: object) -> dict[str, Any]:
    """A warning as plain values, with what is needed to make one that looks the same."""
    category = message.category or type(message.message)
    return {
        "text": str(message.message),
        "module": category.__module__,
        "category": category.__qualname__,
        "arguments": _arguments(message.message),
        "filename": message.filename,
        "lineno": message.lineno,
        "line": message.line,
        "when": when,
        "nodeid": nodeid,
        "location": location,
    }


def degrade(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Makes plain values of a report's attributes; returns which have become text, and what they were."""
    found = []
    for name, value in data.items():
        if not codec.is_plain(value):
            lost: list[str] = []
            texts = _as_junit_writes_them(value) if name == "user_properties" else value
            data[name] = codec.plain(texts, lost)
            found += [(name, lost[0])] if lost else []
    return found


def _as_junit_writes_them(properties: Any) -> Any:
    """Values as texts, by `str`."""
    try:
        return [(name, value if codec.is_plain(value) else str(value)) for name, value in properties]
    except Exception:
        return properties


def _arguments(message: Warning | str) -> tuple[Any, ...] | None:
    arguments = getattr(message, "args", None)
    return arguments if isinstance(arguments, tuple) and codec.is_plain(arguments) else None


def _shortened(text: str) -> str:
    if len(text) <= _MAX_SECTION:
        return text
    return f"{text[:_MAX_SECTION]}\n... {len(text) - _MAX_SECTION} more characters were cut\n"

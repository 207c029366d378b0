"""Reports and warnings as they were in the process that made them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import _pytest.reports
from _pytest._code.code import TerminalRepr

from pytest_fastest.hooks import are_pytests_own
from pytest_fastest.worker.reports import subtest_key

if TYPE_CHECKING:
    import pytest
    from _pytest._io import TerminalWriter


class TextRepr(TerminalRepr):
    """The text of a failure that travels as text only. A plain string would be repeated in the short summary."""

    def __init__(self, text: str) -> None:
        self.text = text

    def toterminal(self, tw: TerminalWriter) -> None:
        """Writes the text as pytest writes a string."""
        tw.line(self.text)


def report(config: pytest.Config, data: dict[str, Any]) -> Any:
    """The report that `worker.reports.report` has taken apart."""
    was_text = data.pop("$text_only", False)
    if data.get("$report_type") == "TestReport" and are_pytests_own(config.hook.pytest_report_from_serializable):
        rebuilt: Any = _pytest.reports.pytest_report_from_serializable(data)
    else:
        rebuilt = config.hook.pytest_report_from_serializable(config=config, data=data)
    if was_text:
        rebuilt.longrepr = TextRepr(rebuilt.longrepr)
    if "_subtest.context" in data:
        _mend_subtest(config, rebuilt, data)
    return rebuilt


def share_id(rebuilt: Any, other: Any) -> None:
    """Lets two reports with the same node id have the parsed form of it in common (pytest 9.2, which has one)."""
    if rebuilt is not other and hasattr(rebuilt, "_id") and rebuilt._id == other._id:
        rebuilt._id = other._id


def _mend_subtest(config: pytest.Config, rebuilt: Any, data: dict[str, Any]) -> None:
    """What pytest keeps beside the reports of subtests: how many failed, and values that are quoted only once."""
    try:
        from _pytest.subtests import failed_subtests_key
    except ImportError:
        return  # The plugin pytest-subtests, which counts otherwise.
    object.__setattr__(rebuilt.context, "kwargs", data["_subtest.context"]["kwargs"])
    config.stash[failed_subtests_key][subtest_key(rebuilt)] = data["$failed_subtests"]


def warning(data: dict[str, Any]) -> Warning:
    """The warning, as an instance of its class if that is already imported here, else of one that looks like it.

    The module is not imported: it may be a test module.
    """
    category: Any = sys.modules.get(data["module"])
    for name in data["category"].split("."):
        category = getattr(category, name, None)
    if not (isinstance(category, type) and issubclass(category, Warning)):
        category = type(data["category"].rpartition(".")[2], (Warning,), {"__module__": data["module"]})
    if data["arguments"] is not None:
        try:
            rebuilt: Warning = category(*data["arguments"])
        except Exception:
            rebuilt = Warning()
        if type(rebuilt) is category and str(rebuilt) == data["text"]:
            return rebuilt
    plain: type[Warning] = type(category.__name__, (Warning,), {"__module__": data["module"]})
    return plain(data["text"])

"""GitHub's formats and limits.

Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_fastest import alone
from pytest_fastest.ci.results import message_of, text_of
from pytest_fastest.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

# Of each kind, GitHub shows so many of one step.
ANNOTATIONS = 10
# So much may stand in the summary of one step, in bytes.
SUMMARY = 1024 * 1024
# Bounds of our own, in characters.
_MESSAGE = 4000
_TITLE = 250

# "test_a.py:8: AssertionError", or as Python writes it, also of a syntax error.
_PLACE = re.compile(
    r"^(?:(?!E  )(?P<path>[^\s>].*?):(?P<line>\d+): |(?:E   )?  +File \"(?P<native>.+)\", line (?P<number>\d+))",
    re.MULTILINE,
)


def command(name: str, message: str, **properties: object) -> str:
    """A workflow command."""
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    return f"::{name}{' ' if given else ''}{given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def annotate(config: pytest.Config, failures: list[Any]) -> Iterator[str]:
    """The lines that annotate failures, as many as GitHub shows, and one about those that are left out."""
    for report in failures[:ANNOTATIONS]:
        file, line = _place(config, report)
        yield command("error", _message(config, report), file=file, line=line, title=_title(report))
    if len(failures) > ANNOTATIONS:
        text = f"{len(failures)} failures, of which {ANNOTATIONS} are annotated: GitHub shows no more of one step"
        yield command("notice", text, title="pytest")


def group(title: str, lines: list[str]) -> Iterator[str]:
    """Lines that are folded in the log."""
    yield command("group", title)
    yield from lines
    yield command("endgroup", "")


def _message(config: pytest.Config, report: Any) -> str:
    message = message_of(report)
    if len(message) > _MESSAGE:
        message = f"{message[:_MESSAGE]}\n… ({len(message) - _MESSAGE} more characters)"
    return (
        f"{message}\n\n{alone.runs_alone(config, str(report.nodeid), report.location)}"
        if report.when != "collect"
        else message
    )


def _title(report: Any) -> str:
    worker = getattr(report, "worker_id", None)
    where = [*([] if report.when in ("call", "collect") else [report.when]), *([worker] if worker else [])]
    title = one_line(str(report.nodeid))[:_TITLE]
    return f"{title} ({', '.join(where)})" if where else title


def _place(config: pytest.Config, report: Any) -> tuple[str | None, int | None]:
    """File, below the repository's directory, and line of a failure: where the test's own file was left last."""
    name, first, _ = getattr(report, "location", None) or (str(report.nodeid).partition("::")[0], None, "")
    test = os.path.realpath(config.rootpath / name)
    text = text_of(report)
    line = None if first is None else first + 1
    places = [(found["path"] or found["native"], found["line"] or found["number"]) for found in _PLACE.finditer(text)]
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        # Without a traceback (`--tb=line`) that is all there is.
        places.insert(0, (crash.path, crash.lineno))
    for path, number in places:
        if os.path.realpath(config.invocation_params.dir / path) == test:
            line = int(number)
    top = os.path.realpath(os.environ.get("GITHUB_WORKSPACE") or config.rootpath)
    file = os.path.relpath(test, top)
    return (None, None) if Path(file).parts[:1] == ("..",) else (file, line)

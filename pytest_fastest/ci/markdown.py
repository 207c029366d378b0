"""The summary of a job, in GitHub's Markdown."""

from __future__ import annotations

import math
import re
from html import escape
from typing import TYPE_CHECKING, Any

from pytest_fastest import alone
from pytest_fastest.ci.results import plain, text_of
from pytest_fastest.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

    from pytest_fastest.ci.results import Results

_SLOWEST = 10
# Characters of the text of one failure, from its beginning and its end.
_HEAD, _TAIL = 5_000, 15_000
_MARKUP = re.compile(r"[\\`*_~|\[\]:@]")


def summary(config: pytest.Config, results: Results, fates: Mapping[str, str], room: int) -> str:
    """The text, in UTF-8 at most `room` bytes long; nothing if there is no room for the least of it.

    `fates`: what has happened to workers, in words.
    """
    mark = "✅" if results.is_good else "❌"
    head = f"\n### {mark} pytest: {results.line} in {results.seconds:.1f} s\n"
    foot = _slowest(results) + _workers(results, fates)
    left = room - _bytes(head) - _bytes(foot)
    if left < 0:
        return head if _bytes(head) <= room else ""
    return head + _failures(config, results.failures, left) + foot


def _failures(config: pytest.Config, failures: list[Any], room: int) -> str:
    blocks: list[str] = []
    # Room for the line about those that are left out.
    room -= 200
    for report in failures:
        block = _failure(config, report)
        room -= _bytes(block)
        if room < 0:
            blocks.append(
                f"\n{len(blocks)} of {len(failures)} failures are shown: GitHub takes no more than 1 MiB of one step\n"
            )
            break
        blocks.append(block)
    return "".join(blocks)


def _failure(config: pytest.Config, report: Any) -> str:
    worker = getattr(report, "worker_id", None)
    where = [*([] if report.when == "call" else [report.when]), *([worker] if worker else [])]
    run_alone = ""
    if report.when != "collect":
        run_alone = f"\nRun it alone:\n\n{_fenced('sh', alone.runs_alone(config, str(report.nodeid), report.location))}"
    return (
        f"\n<details><summary>{_code(str(report.nodeid))} {escape(', '.join(where))}</summary>\n\n"
        f"{_fenced('text', _cut(_all_of(report)))}{run_alone}\n</details>\n"
    )


def _all_of(report: Any) -> str:
    parts = [text_of(report)]
    parts += [f"{f' {title} ':-^80}\n{plain(text).rstrip()}" for title, text in report.sections]
    return "\n".join(parts)


def _cut(text: str) -> str:
    left_out = len(text) - _HEAD - _TAIL
    return text if left_out <= 0 else f"{text[:_HEAD]}\n\n… {left_out} characters left out …\n\n{text[-_TAIL:]}"


def _slowest(results: Results) -> str:
    slowest = sorted(results.tests, key=lambda test: -test.seconds)[:_SLOWEST]
    rows = ([f"{test.seconds:.2f} s", _code(test.nodeid), test.worker] for test in slowest)
    return _table("Slowest tests", ["took", "test", "worker"], rows) if slowest else ""


def _workers(results: Results, fates: Mapping[str, str]) -> str:
    by_worker = results.workers()
    rows = (
        [
            worker,
            str(len(tests)),
            f"{math.fsum(test.seconds for test in tests):.1f} s",
            str(sum(test.has_failed for test in tests)),
            escape(fates.get(worker, "")),
        ]
        for worker, tests in by_worker.items()
    )
    return _table("Workers", ["worker", "tests", "in tests", "failed", "how it ended"], rows) if by_worker else ""


def _table(title: str, names: list[str], rows: Iterable[list[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"\n<details><summary>{title}</summary>\n\n{table}\n\n</details>\n"


def _code(text: str) -> str:
    """In a line or a cell, with nothing in it that Markdown would take for its own."""
    return f"<code>{_MARKUP.sub(lambda found: f'&#{ord(found[0])};', escape(one_line(text)))}</code>"


def _fenced(language: str, text: str) -> str:
    """A block with a fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))

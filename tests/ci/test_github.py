"""GitHub: annotations, groups in the log, the summary of the step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from processes.harness import Result, Suite

ONE_MIB = 1024 * 1024


@dataclass(frozen=True)
class Command:
    """A line as GitHub's runner reads it."""

    name: str
    properties: dict[str, str]
    message: str


def commands(result: Result) -> list[Command]:
    """The workflow commands in the output, taken apart as the runner does it."""
    found = []
    for line in result.stdout.split("\n"):
        matched = re.fullmatch(r"::(\S+?)(?: (.*?))?::(.*)", line)
        if matched:
            pairs = (pair.partition("=") for pair in (matched[2] or "").split(",") if pair)
            properties = {name: unquote(value) for name, _, value in pairs}
            found.append(Command(matched[1], properties, unquote(matched[3])))
    return found


def errors(result: Result) -> list[Command]:
    return [command for command in commands(result) if command.name == "error"]


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    return tmp_path / "summary.md"


def on_github(suite: Suite, summary: Path | None, *args: str, **more: str) -> Result:
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(suite.root), **more}
    if summary is not None:
        environment["GITHUB_STEP_SUMMARY"] = str(summary)
    return suite.run("-n", "2", *args, env=environment)


def test_annotations(suite: Suite, summary: Path) -> None:
    suite.write(
        helper="def check(value):\n    raise ValueError(value)",
        test_one="""
            import os, pytest, helper

            @pytest.mark.parametrize("text", ["100%, a: b\\nc\\r::d"])
            def test_escapes(text):
                helper.check(text)

            @pytest.fixture
            def broken(): raise OSError("set up")

            def test_setup(broken): pass
            def test_dies(): os._exit(3)
            def test_passes(): pass
        """,
    )
    result = on_github(suite, summary)
    assert result.counts == {"passed": 1, "failed": 2, "errors": 1}
    found = {command.properties["title"]: command for command in errors(result)}
    setup, escapes, dies = (next(title for title in found if name in title) for name in ("setup", "escapes", "dies"))
    places = {title: (one.properties["file"], one.properties["line"]) for title, one in found.items()}
    # Where the test's own file was left last, not where the exception was raised.
    assert places == {escapes: ("test_one.py", "6"), setup: ("test_one.py", "9"), dies: ("test_one.py", "12")}
    assert re.fullmatch(r"test_one.py::test_setup \(setup, gw\d\)", setup)
    assert re.fullmatch(r"test_one.py::test_dies \(gw\d\)", dies)
    message, _, command = found[escapes].message.partition("\n\n")
    assert message == "ValueError: 100%, a: b\nc\r::d"
    assert command.startswith(("pytest", "python")), command
    assert " -n no 'test_one.py::test_escapes[" in command
    assert "it left with exit status 3" in found[dies].message


@pytest.mark.parametrize("style", ["auto", "long", "short", "line", "native", "no"])
def test_places_in_every_style(suite: Suite, style: str) -> None:
    suite.write(test_one="def test_one():\n    a = 1\n    b = 2\n    assert a == b\n")
    result = on_github(suite, None, f"--tb={style}")
    (error,) = errors(result)
    assert error.properties["file"] == "test_one.py"
    assert error.properties["line"] == "4"


def test_a_file_that_can_not_be_imported(suite: Suite) -> None:
    suite.write(test_syntax="\n\ndef test_x(: pass", test_raises="\nraise OSError('imported')")
    found = {error.properties["file"]: error for error in errors(on_github(suite, None))}
    assert {file: error.properties["line"] for file, error in found.items()} == {
        "test_syntax.py": "3",
        "test_raises.py": "2",
    }
    assert "SyntaxError: invalid syntax" in found["test_syntax.py"].message
    assert found["test_raises.py"].message == "OSError: imported"


def test_files_are_named_from_the_repository(suite: Suite) -> None:
    suite.write(test_one="def test_one(): assert 1 == 2")
    (error,) = errors(on_github(suite, None, GITHUB_WORKSPACE=str(suite.root.parent)))
    assert error.properties["file"] == "suite/test_one.py"
    # A file of somebody else can't be annotated.
    (error,) = errors(on_github(suite, None, GITHUB_WORKSPACE=str(suite.helpers)))
    assert "file" not in error.properties


def test_no_more_annotations_than_are_shown(suite: Suite, summary: Path) -> None:
    suite.write(test_many="import pytest\n@pytest.mark.parametrize('n', range(13))\ndef test_many(n): assert n < 0")
    result = on_github(suite, summary)
    assert len(errors(result)) == 10
    (notice,) = [command for command in commands(result) if command.name == "notice"]
    assert notice.message == "13 failures, of which 10 are annotated: GitHub shows no more of one step"
    assert summary.read_text("utf-8").count("<details><summary><code>test&#95;many") == 13


def test_the_last_line_is_pytests(suite: Suite, summary: Path) -> None:
    suite.write(test_one="def test_one(): assert 1 == 2")
    plain = suite.run("-n", "no")
    result = on_github(suite, summary)
    assert result.returncode == plain.returncode
    assert result.counts == plain.counts
    assert result.stdout.splitlines()[-1].startswith("=")


def test_the_log_of_a_worker_is_folded(suite: Suite) -> None:
    suite.write(
        test_one="""
            import pytest

            class TestTogether:
                @pytest.mark.parametrize("number", range(300))
                def test_many(self, number): assert number != 250
        """,
        test_two="def test_fine(): pass",
    )
    result = on_github(suite, None)
    names = [command.name for command in commands(result)]
    assert names == ["group", "endgroup", "error"]
    lines = result.stdout.split("\n")
    begin, end = (next(n for n, line in enumerate(lines) if line.startswith(f"::{name}")) for name in names[:2])
    assert re.fullmatch(r"::group::gw\d: 30[01] tests in \d+\.\d s, 1 failed", lines[begin])
    log = lines[begin + 1 : end]
    numbers = [int(found[1]) for line in log if (found := re.search(r"test_many\[(\d+)\]", line))]
    assert numbers == list(range(51, 251))
    assert re.fullmatch(r" +\d+\.\d{3} s  failed   test_one.py::TestTogether::test_many\[250\]", log[-2])
    assert re.fullmatch(r"\(\d+ tests after its last failure\)", log[-1])


def test_a_summary(suite: Suite, summary: Path) -> None:
    summary.write_text("# What was there\n", "utf-8")
    suite.write(
        test_one="""
            import time, pytest

            def test_slow(): time.sleep(0.05)
            def test_fails():
                print("```\\n</details> \\x1b[31mred\\x1b[0m")
                assert 1 == 2, "<b> & | `x`"
            @pytest.mark.parametrize("text", ["a|b", "*x*`y`", "<i>"])
            def test_odd(text): pass
        """
    )
    on_github(suite, summary, "--color=yes")
    text = summary.read_text("utf-8")
    assert text.startswith("# What was there\n\n### ❌ pytest: 1 failed, 4 passed in ")
    assert re.search(r"<details><summary><code>test&#95;one.py&#58;&#58;test&#95;fails</code> gw\d</summary>", text)
    # The fence is longer than what the test has printed.
    assert re.search(r"^````text\n(.|\n)*^E +AssertionError: <b> & \| `x`\n(.|\n)*^````$", text, re.MULTILINE)
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.count("|") == rows[0].count("|") for line in rows[:7])
    assert rows[2].endswith("|")
    assert "test&#95;slow" in rows[2]
    assert "&#42;x&#42;&#96;y&#96;" in text
    assert "&lt;i&gt;" in text
    assert re.search(r"^\| gw0 \| \d \| \d\.\d s \| [01] \|  \|$", text, re.MULTILINE)


def test_a_summary_of_a_good_run(suite: Suite, summary: Path) -> None:
    suite.write(test_one="def test_1(): pass\ndef test_2(): pass")
    result = on_github(suite, summary)
    assert commands(result) == []
    assert summary.read_text("utf-8").startswith("\n### ✅ pytest: 2 passed in ")


def test_a_summary_has_room_for_what_github_takes(suite: Suite, summary: Path) -> None:
    suite.write(
        test_big="""
            import pytest

            @pytest.mark.parametrize("number", range(80))
            def test_big(number):
                print("ü" * 100_000)
                assert False
        """
    )
    summary.write_bytes(b"x" * 10_000)
    on_github(suite, summary, "--tb=short")
    text = summary.read_text("utf-8")
    assert ONE_MIB - 50_000 < len(text.encode()) <= ONE_MIB
    found = re.search(r"^(\d+) of 80 failures are shown: GitHub takes no more than 1 MiB of one step$", text, re.M)
    assert found
    assert text.count("<details><summary><code>test&#95;big") == int(found[1]) > 10
    assert "characters left out …" in text
    assert text.rstrip().endswith("</details>")
    # There is no room for another run's.
    summary.write_bytes(b"x" * ONE_MIB)
    result = on_github(suite, summary, "-k", "test_big[0]")
    assert summary.stat().st_size == ONE_MIB
    assert "fastest: no summary: GITHUB_STEP_SUMMARY is full" in result.stdout


def test_a_summary_that_can_not_be_written(suite: Suite) -> None:
    suite.write(test_one="def test_1(): pass\ndef test_2(): pass")
    result = on_github(suite, suite.root / "missing" / "summary.md")
    assert result.returncode == 0
    assert "fastest: no summary: [Errno 2] No such file or directory" in result.stdout

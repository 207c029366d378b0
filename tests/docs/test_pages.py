"""Links lead somewhere, options and keys exist, nothing is missing, the README repeats what the docs say."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import environment
import pages
import pytest
import reference
from processes.harness import Suite

import fastest
from docs import commands

if TYPE_CHECKING:
    from pathlib import Path

    from pages import Page

WRITTEN = pages.written()
_OPTION = re.compile(r"(?<![\w/.-])--[a-z][\w-]*")
# Options of others that are named, by whose they are.
FOREIGN = {
    "allure-pytest": {"--clean-alluredir"},
    "coverage": {"--quiet"},
    "fastest report": {"--list"},
    "pip": {"--no-deps", "--wheel-dir"},
    "pytest-bdd": {"--cucumberjson", "--gherkin-terminal-reporter"},
    "pytest-benchmark": {"--benchmark-only"},
    "pytest-cov": {"--cov", "--cov-append", "--cov-branch", "--cov-context", "--cov-fail-under", "--cov-report"},
    "pytest-django": {"--create-db", "--ds", "--liveserver", "--no-migrations", "--reuse-db"},
    "pytest-randomly": {"--randomly-seed"},
    "pytest-rerunfailures": {"--fail-on-flaky", "--only-rerun", "--reruns"},
    "pytest-timeout": {"--session-timeout"},
    "the benchmarks and the comparison": {"--full", "--markdown", "--only", "--rounds", "--suite", "--workers"},
}


def test_the_reference_is_what_the_code_says() -> None:
    """In a process of its own, since it runs pytest."""
    command = [sys.executable, pages.DOCS / "tools" / "reference.py", "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr + checked.stdout


def test_what_is_explained_nowhere_is_noticed() -> None:
    explained = reference.Explained(WRITTEN)
    assert explained.link("-n", "--numprocesses")
    with pytest.raises(pages.Unexplained, match="--numproc is explained nowhere"):
        explained.link("--numproc")


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("--hang-timeout", "configuration.md#tests-that-hang"),
        ("--start-method", "configuration.md#start-methods"),
        ("--maxschedchunk", "xdist.md#options"),
        ("--fastest-report", "report.md#the-report"),
        ("--slow-after", "configuration.md#slow-tests"),
        ("--output-prefix", "configuration.md#what-tests-write"),
        ("fastest_collect", "configuration.md#what-a-worker-collects"),
        ("xdist_group", "configuration.md#markers"),
        ("pytest_configure_node", "xdist.md#hooks"),
        ("PYTEST_XDIST_WORKER", "configuration.md#what-a-worker-sees"),
        ("TERM", "configuration.md#progress-and-remaining-time"),
    ],
)
def test_the_reference_leads_to_what_explains(name: str, section: str) -> None:
    assert reference.Explained(WRITTEN).link(name).endswith(f"({section})")


@pytest.mark.parametrize(
    "source",
    [
        "os.environ.get('NEW')",
        "os.environ['NEW']",
        "os.environ['NEW'] = '1'",
        "os.getenv('NEW')",
        "'NEW' in os.environ",
        "NAME = 'NEW'\nos.environ.get(NAME)",
        "os.environb.pop(b'FASTEST_NEW')",
        "if value := environ.get('PYTEST_NEW'): ...",
        "any(os.environ.get(name) for name in ('NEW', 'OTHER'))",
        "NAMES = ('NEW',)\nfor name in NAMES: os.environ[name]",
    ],
)
def test_a_variable_without_a_text_is_noticed(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fastest").mkdir()
    (tmp_path / "fastest" / "new.py").write_text(f"import os\n{source}\n", "utf-8")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    with pytest.raises(pages.Unexplained, match=r"NEW \(fastest/new.py:\d\) has no text"):
        list(reference.variables())


def test_a_variable_that_nobody_can_tell_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fastest").mkdir()
    (tmp_path / "fastest" / "new.py").write_text("import os\nos.environ[input()]\n", "utf-8")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    with pytest.raises(pages.Unexplained, match=r"fastest/new.py:2: which variable is input\(\)"):
        list(reference.variables())


def test_a_text_without_a_variable_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(environment.TEXTS, "FASTEST_NEW", "read: for nothing")
    with pytest.raises(pages.Unexplained, match="FASTEST_NEW stands in"):
        list(reference.variables())


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("SIGUSR1", "docs/configuration.md"),
        ("remaining time", "docs/configuration.md"),
        ("slow tests", "docs/configuration.md"),
        ("migrate", "docs/xdist.md"),
        ("the report", "docs/report.md"),
    ],
)
def test_what_is_searched_for_stands_in_a_heading(words: str, name: str) -> None:
    """The site's search puts headings first."""
    page = next(page for page in WRITTEN if page.name == name)
    assert any(words.lower() in section.title.lower() for section in page.sections)


@pytest.mark.parametrize("page", [*WRITTEN, pages.read(pages.REFERENCE)], ids=lambda page: page.name)
def test_links(page: Page) -> None:
    """Paths and anchors as they are on GitHub; Sphinx looks at those of the site."""
    for link in page.links:
        target, _, anchor = link.target.partition("#")
        if "://" in target:
            continue
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), f"{page.name}:{link.line}: {link.target}"
        if anchor:
            anchors = [section.anchor for section in pages.read(path).sections]
            assert anchor in anchors, f"{page.name}:{link.line}: {link.target}; there are {anchors}"


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The long options that pytest has with our plugin."""
    suite = Suite(tmp_path_factory.mktemp("options") / "suite")
    return set(_OPTION.findall(suite.run("--help").stdout))


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_options_exist(page: Page, options: set[str]) -> None:
    known = options.union(*FOREIGN.values())
    code = [(span.text, span.line) for span in page.spans]
    code += [(command.text, command.line) for command in commands.commands(page)]
    unknown = [
        f"{page.name}:{line}: {name}" for text, line in code for name in _OPTION.findall(text) if name not in known
    ]
    assert unknown == []


def test_foreign_options_are_named() -> None:
    named = {name for page in WRITTEN for name in _OPTION.findall(page.path.read_text("utf-8"))}
    assert sorted(set().union(*FOREIGN.values()) - named) == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_keys_exist(page: Page) -> None:
    code = "\n".join(part.text for part in (*page.spans, *page.fences))
    known = pages.REFERENCE.read_text("utf-8")
    for name in re.findall(r"(?<![\w/.-])fastest_(?!pytest)\w+", code):
        assert f"| `{name}` |" in known


def test_commands_that_are_not_run_are_there() -> None:
    """No reason is left over from a command that has gone."""
    texts = [command.text for page in WRITTEN for command in commands.commands(page)]
    assert [start for start in commands.NOT_RUN if not any(text.startswith(start) for text in texts)] == []


def test_everything_in_the_python_api_is_explained() -> None:
    page = pages.read(pages.DOCS / "api.md")
    code = "\n".join(part.text for part in (*page.spans, *page.fences))
    assert [name for name in fastest.__all__ if not re.search(rf"\b{re.escape(name)}\b", code)] == []


def test_benchmarks_in_the_readme_are_those_of_the_docs() -> None:
    rows = _rows(pages.ROOT / "README.md")
    measured: dict[str, dict[str, tuple[str, str]]] = {}
    case = ""
    for row in _rows(pages.DOCS / "benchmarks.md"):
        if len(row) == 9:
            case = row[0].strip("`") or case
            measured.setdefault(case, {})[row[2]] = (row[3].partition(" ")[0], row[4])
    compared = 0
    for row in rows:
        times = measured.get(row[0].partition(",")[0].strip("`"))
        if times is None or not row[0].startswith("`") or "memory" in row[0]:
            continue
        for name, cell in zip(("plain pytest", "Fastest", "pytest-xdist", "rstest"), row[2:6], strict=True):
            seconds, ratio = times[name]
            shown, _, shown_ratio = cell.strip("*").partition(" ")
            assert shown == seconds, f"{row[0]}: {name}"
            # Differences are rounded there.
            assert shown_ratio.strip("()") == ratio or not ratio.endswith("\N{MULTIPLICATION SIGN}"), (
                f"{row[0]}: {name}"
            )
        compared += 1
    assert compared >= 10


def _rows(path: Path) -> list[list[str]]:
    lines = path.read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]

"""The environment variables that the source reads or sets, found in the source, and what is said of each."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages import ROOT, Unexplained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TEXTS = {
    "BUILD_NUMBER": "read: as `CI`",
    "CI": "read: pytest's own; a CI system is at work, so no progress is shown",
    "FASTEST_WORKERS": "read: the number of workers, values as of `-n`. It beats what configuration files say, and not "
    "`-n` on the command line. Not looked at in a worker",
    "GITHUB_ACTIONS": "read: if it is `true`, and there are workers, the run speaks to GitHub",
    "GITHUB_STEP_SUMMARY": "read: the file that a summary is added to",
    "GITHUB_WORKSPACE": "read: the directory from which annotated files are named",
    "GITLAB_CI": "read: if it is `true`, and there are workers, the run speaks to GitLab",
    "PYTEST_ADDOPTS": "read: pytest's own; an `-n` in it counts less than `FASTEST_WORKERS`",
    "PYTEST_CURRENT_TEST": "read in the environment of processes that tests have left behind, to name the test. A run "
    "that finds it at its start was started by a test, and does not speak to a CI system",
    "PYTEST_PLUGINS": "read: pytest's own; what it names is imported before there are workers, and looked through",
    "PYTEST_VERSION": "removed for the child of the Python API",
    "PYTEST_XDIST_AUTO_NUM_WORKERS": "read: the number of workers if it is automatic, as in pytest-xdist",
    "PYTEST_XDIST_TESTRUNUID": "set in workers: as the fixture `testrun_uid`",
    "PYTEST_XDIST_WORKER": "set in workers: `gw0`, `gw1`, …",
    "PYTEST_XDIST_WORKER_COUNT": "set in workers: how many there were at the start",
    "TERM": "read: on a terminal that is `dumb` or unknown no progress is shown",
    "TMPDIR": "read: where the run's directory is made",
    "XDG_RUNTIME_DIR": "read: where the run's directory is made if the temporary directory will not do",
}
_OURS = re.compile(r"(FASTEST|PYTEST)_[A-Z_]+")
_RUST = re.compile(r'env::var(?:_os)?\("(\w+)"\)|env::(temp_dir)\(\)')


@dataclass(frozen=True)
class Use:
    """A place in the source that knows a variable."""

    name: str
    where: str


def uses() -> Iterator[Use]:
    """All places in the packages and in the crates. Raises `Unexplained` for one that can't be understood."""
    modules = {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for package in ("pytest_fastest", "fastest")
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    # A constant may be imported from another module.
    constants = _meanings(node for module in modules.values() for node in module.body)
    for where, module in modules.items():
        meanings = constants | _meanings(ast.walk(module))
        for node in ast.walk(module):
            for name in _names(node, meanings, where):
                yield Use(name, f"{where}:{getattr(node, 'lineno', 0)}")
    for path in sorted((ROOT / "rust").glob("*/src/**/*.rs")):
        for match in _RUST.finditer(path.read_text("utf-8")):
            yield Use(match[1] or "TMPDIR", str(path.relative_to(ROOT)))


def _meanings(nodes: Iterable[ast.AST]) -> dict[str, list[str]]:
    """The texts that names stand for: those assigned to them, or the ones that they go through in a loop."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = [text]
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Tuple(elts=elements)):
                found[name] = _texts(elements)
            case (
                ast.For(target=ast.Name(id=name), iter=several)
                | ast.comprehension(target=ast.Name(id=name), iter=several)
            ):
                found[name] = found.get(getattr(several, "id", ""), []) or _texts(getattr(several, "elts", []))
    return {name: texts for name, texts in found.items() if texts}


def _texts(elements: list[ast.expr]) -> list[str]:
    return [node.value for node in elements if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _names(node: ast.AST, meanings: dict[str, list[str]], where: str) -> Iterator[str]:
    """The variables that are looked up here, and every text that looks like one of ours."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
        text = node.value if isinstance(node.value, str) else node.value.decode("utf-8", "replace")
        if _OURS.fullmatch(text.removesuffix("=")):
            yield text.removesuffix("=")
    for key in _keys(node):
        match key:
            case ast.Constant(value=str(name)):
                yield name
            case ast.Constant(value=bytes(name)):
                yield name.decode()
            case ast.Name(id=name) if name in meanings:
                yield from meanings[name]
            case _:
                raise Unexplained(f"{where}:{key.lineno}: which variable is {ast.unparse(key)}?")


def _keys(node: ast.AST) -> Iterator[ast.expr]:
    """What the environment is asked for here."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="get" | "pop" | "setdefault"), args=[key, *_]) if _is(value):
            yield key
        case ast.Call(func=ast.Attribute(attr="getenv"), args=[key, *_]):
            yield key
        case ast.Subscript(value=value, slice=key) if _is(value):
            yield key
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[value]) if _is(value):
            yield key


def _is(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("environ", "environb")

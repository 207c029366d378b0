"""The environment variables that the source reads or sets, found in the source, and what is said of each."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = {
    "FASTEST_WORKERS": "read: the number of workers, values as of `-n`. It beats what configuration files say, and not "
    "`-n` on the command line. Not looked at in a worker",
    "PYTEST_ADDOPTS": "read: pytest's own; an `-n` in it counts less than `FASTEST_WORKERS`",
    "PYTEST_CURRENT_TEST": "read in the environment of processes that tests have left behind, to name the test",
    "PYTEST_PLUGINS": "read: pytest's own; what it names is imported before there are workers, and looked through",
    "PYTEST_VERSION": "removed for the child of the Python API",
    "PYTEST_XDIST_AUTO_NUM_WORKERS": "read: the number of workers if it is automatic, as in pytest-xdist",
    "PYTEST_XDIST_TESTRUNUID": "set in workers: as the fixture `testrun_uid`",
    "PYTEST_XDIST_WORKER": "set in workers: `gw0`, `gw1`, …",
    "PYTEST_XDIST_WORKER_COUNT": "set in workers: how many there were at the start",
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
    """All places in the packages and in the crates."""
    for package in ("pytest_fastest", "fastest"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for name, line in _in_python(ast.parse(path.read_text("utf-8"))):
                yield Use(name, f"{path.relative_to(ROOT)}:{line}")
    for path in sorted((ROOT / "rust").glob("*/src/**/*.rs")):
        for match in _RUST.finditer(path.read_text("utf-8")):
            yield Use(match[1] or "TMPDIR", str(path.relative_to(ROOT)))


def _in_python(module: ast.Module) -> Iterator[tuple[str, int]]:
    """What is looked up in the environment by a literal or a constant of the module, and all that looks ours."""
    constants = {
        target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            text = node.value if isinstance(node.value, str) else node.value.decode("utf-8", "replace")
            if _OURS.fullmatch(text.removesuffix("=")):
                yield text.removesuffix("="), node.lineno
        for key in _keys(node):
            value = key.value if isinstance(key, ast.Constant) else constants.get(getattr(key, "id", ""))
            if isinstance(value, str):
                yield value, key.lineno


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

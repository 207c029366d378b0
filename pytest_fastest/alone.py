"""The command that runs one test by itself."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

# Options of a run without which a test may not be found, or is another one. What says how much is printed, what is
# written or when to stop is left out.
_WITH_VALUE = (
    "-c",
    "--config-file",
    "--rootdir",
    "-p",
    "-o",
    "--override-ini",
    "-m",
    "--import-mode",
    "--confcutdir",
    "--doctest-glob",
)
_FLAGS = ("--noconftest", "--doctest-modules")


def command(config: pytest.Config, *args: str) -> str:
    """The command for a shell that starts pytest with these arguments as the user has started this run."""
    return shlex.join([*_program(), *_kept([str(argument) for argument in config.invocation_params.args]), *args])


def runs_alone(config: pytest.Config, nodeid: str, location: tuple[str, int | None, str] | None) -> str:
    """The command for a shell that runs this test, and nothing else; `location`: pytest's, of the test."""
    path, *names = nodeid.split("::")
    if location is not None and not (config.rootpath / path).exists() and (config.rootpath / location[0]).exists():
        # Outside of the root directory node ids begin anywhere (`--pyargs`).
        nodeid = "::".join([location[0], *names])
    return command(config, "-n", "no", from_here(config, nodeid))


def from_here(config: pytest.Config, nodeid: str) -> str:
    """The node id as it is written in the directory where pytest was started: it begins at the root directory."""
    here = config.invocation_params.dir
    if here == config.rootpath:
        return nodeid
    path, *names = nodeid.split("::")
    return "::".join([os.path.relpath(config.rootpath / path, here), *names])


def _program() -> list[str]:
    # `python -m pytest` has the current directory among those that modules are imported from.
    called = Path(sys.argv[0]) if sys.argv else Path()
    if called.name == "__main__.py":
        return [Path(sys.executable).name, "-m", called.parent.name]
    return [called.name] if called.name in ("fastest", "py.test") else ["pytest"]


def _kept(args: list[str]) -> Iterator[str]:
    """Those of the arguments that belong to `_WITH_VALUE` and `_FLAGS`, with their values."""
    rest = iter(args)
    for argument in rest:
        name, has_value, _ = argument.partition("=")
        if argument in _WITH_VALUE:
            value = next(rest, None)
            if value is not None:
                yield from (argument, value)
        elif argument in _FLAGS or (has_value and name in _WITH_VALUE) or _is_joined(argument):
            yield argument


def _is_joined(argument: str) -> bool:
    """Whether a short option has its value behind it, as in `-pno:randomly`."""
    return argument[:1] == "-" and argument[1:2] != "-" and len(argument) > 2 and argument[:2] in _WITH_VALUE

"""Checks of what the caller passes, before any process is started."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fastest.errors import InvalidWorkerCountError, MissingPathError
from fastest.model import Test

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PathInput = str | os.PathLike[str]
_T = TypeVar("_T")


def as_paths(paths: PathInput | Sequence[PathInput]) -> list[str]:
    """One path or many, as a list of strings."""
    if isinstance(paths, (str, os.PathLike)):
        return [_as_path(paths)]
    return [_as_path(path) for path in _iterate(paths, "paths")]


def as_requests(
    tests: Test | PathInput | Sequence[Test | PathInput],
) -> list[Test | Path | str]:
    """What to run: tests, strings (node ids or paths), and paths that came as path objects."""
    if isinstance(tests, (str, os.PathLike, Test)):
        return [_as_request(tests)]
    return [_as_request(test) for test in _iterate(tests, "tests")]


def as_args(args: Sequence[str]) -> list[str]:
    """Further arguments for pytest."""
    if isinstance(args, str):
        raise TypeError(f"args is the string {args!r}, expected a sequence of strings")
    result = list(_iterate(args, "args"))
    for argument in result:
        if not isinstance(argument, str):
            raise TypeError(f"args holds {argument!r}, expected strings")
    return result


def as_directory(cwd: PathInput | None) -> Path:
    """The working directory, absolute; `None` is the caller's current one."""
    path = Path.cwd() if cwd is None else absolute(_as_path(cwd))
    if not path.is_dir():
        raise MissingPathError(path)
    return path


def absolute(path: str | Path) -> Path:
    """As pytest makes paths absolute: without ``..``, and with symbolic links left as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links


def check_timeout(timeout: float | None) -> None:
    """Seconds, more than none."""
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout is {timeout!r}, expected seconds or None")
    if not timeout > 0 or math.isinf(timeout):
        raise ValueError(f"timeout is {timeout!r}, expected more than 0 seconds, or None")


def check_workers(num_workers: int | None) -> None:
    """At least one, or `None` for automatic."""
    if num_workers is None:
        return
    if isinstance(num_workers, bool) or not isinstance(num_workers, int):
        raise TypeError(f"num_workers is {num_workers!r}, expected an integer or None")
    if num_workers < 1:
        raise InvalidWorkerCountError(num_workers)


def _as_request(value: object) -> Test | Path | str:
    if isinstance(value, (Test, str)):
        return value
    if isinstance(value, os.PathLike):
        return Path(_as_path(value))
    raise TypeError(f"tests holds {value!r}, expected a Test, a node id or a path")


def _as_path(value: object) -> str:
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(path, str):
        raise TypeError(f"{value!r} is not a path: expected a str or os.PathLike[str]")
    return path


def _iterate(values: Iterable[_T], name: str) -> Iterable[_T]:
    try:
        iter(values)
    except TypeError:
        raise TypeError(f"{name} is {values!r}, expected a sequence") from None
    return values

"""From what the caller asks to run to pytest's arguments, and a selection among what they collect.

Node ids are relative to pytest's root directory, arguments to the working directory, and which
root directory pytest takes depends on its arguments. So ids are not handed to pytest at all: a
`Test` is found again from the same arguments, under the same root directory and configuration
file, as when it was discovered; a string is turned into a file and the part of the id behind it.
The selection plugin then keeps what was asked for. That also spares pytest its search, argument
by argument, among 50,000 ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastest._inputs import absolute
from fastest.errors import MissingPathError, MixedOriginsError, UnknownTestError
from fastest.model import Origin, Test

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Wanted:
    """One test, or all of a class or parametrised function, whatever the root directory is."""

    path: str
    inner: str
    """The node id behind the first ``::``."""
    asked_as: str
    exact: bool
    """Whether `inner` is the whole of it, and not a prefix."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to tell pytest."""

    targets: tuple[str, ...]
    """Files and directories."""
    wanted: tuple[Wanted, ...]
    """Empty: everything in `targets`."""
    whole: tuple[str, ...]
    """The paths of which everything is wanted."""
    origin: Origin | None
    order: tuple[str, ...]
    """What was asked for by id, in the order of the request."""


def plan_requests(requests: Sequence[Test | Path | str], cwd: Path) -> Plan:
    """Sort out `requests`, with relative paths and ids taken from `cwd`."""
    targets: dict[str, None] = {}  # a set that keeps its order
    wanted: list[Wanted] = []
    whole: list[str] = []
    order: list[str] = []
    for request in requests:
        if isinstance(request, Test):
            wanted.append(_want_test(request, cwd))
            order.append(request.node_id)
            argument = request.origin.argument if request.origin else wanted[-1].path
            targets[str(argument)] = None
        elif isinstance(request, str) and "::" in request:
            wanted.append(_want_node_id(request, cwd))
            order.append(request)
            targets[wanted[-1].path] = None
        else:
            whole.append(_target(request, cwd))
            targets[whole[-1]] = None
    tests = [request for request in requests if isinstance(request, Test)]
    return Plan(
        targets=tuple(targets),
        wanted=tuple(wanted),
        whole=tuple(whole),
        origin=_common_origin(tests),
        order=tuple(order),
    )


def missing_path(targets: Sequence[str], cwd: Path) -> Path | None:
    """The first of `targets` that does not exist, if any.

    Asked only after pytest has refused them: with ``--pyargs`` they may be names of modules.
    """
    for target in targets:
        path = cwd / target.partition("::")[0]
        if not path.exists():
            return path
    return None


def _want_test(test: Test, cwd: Path) -> Wanted:
    inner = test.node_id.partition("::")[2]
    return Wanted(str(absolute(cwd / test.path)), inner, test.node_id, exact=True)


def _want_node_id(node_id: str, cwd: Path) -> Wanted:
    """Find the file of an id below the working directory, or one above: the root may be there."""
    file, _, inner = node_id.partition("::")
    for directory in (cwd, *cwd.parents):
        path = absolute(directory / file)
        if path.is_file():
            return Wanted(str(path), inner, node_id, exact=False)
    raise UnknownTestError((node_id,))


def _target(path: Path | str, cwd: Path) -> str:
    target = absolute(cwd / path)
    if target.exists():
        return str(target)
    if isinstance(path, Path) or path.startswith("-"):
        raise MissingPathError(target)
    return path  # a module for --pyargs, or pytest's to refuse


def _common_origin(tests: Sequence[Test]) -> Origin | None:
    """The root directory and configuration that all discovered tests share."""
    first: Origin | None = None
    for test in tests:
        origin = test.origin
        if origin is None:
            continue
        if first is None:
            first = origin
        elif (origin.rootdir, origin.config_file) != (first.rootdir, first.config_file):
            raise MixedOriginsError(_describe(first), _describe(origin))
    return first


def _describe(origin: Origin) -> str:
    return str(origin.config_file or origin.rootdir)

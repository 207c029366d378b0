"""What the collector tells of its collection: to the plan which items belong together, to the controller the rest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_fastest.options import parse_seconds
from pytest_fastest.set_ups import WIDE, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from _pytest.nodes import Node

_HANG_TIMEOUT = "hang_timeout"
_MARKERS = frozenset(("serial", "parallel_safe", "xdist_group", _HANG_TIMEOUT))


class Planned(NamedTuple):
    """One item as the plan sees it; the order of the fields is the native module's."""

    group: int
    atom: int
    gathered: bool
    loose: bool
    serial: bool
    shares_fixtures: bool
    wide: int | None


class _Fixtures(NamedTuple):
    """Whether some are of module or package scope, and which set of wide ones these are."""

    are_shared: bool = False
    wide: int | None = None


class _Marks(NamedTuple):
    serial: bool = False
    parallel_safe: bool = False
    groups: frozenset[str] = frozenset()
    patience: float | None = None


class Planner:
    """Sorts items into groups (modules, `xdist_group`s) and atoms (classes, single functions).

    What follows from an item's parents is found out once per parent: tens of thousands of items share a few hundred.

    * `fixtures`: the names of all wide fixtures, and whether they are of a package;
    * `sets`: which of them are used together, by their numbers; an item's `wide` is a place in it;
    * `patience`: seconds after which an item counts as hanging, of those that say so.
    """

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._parents: dict[Node, tuple[str, object | None, _Marks]] = {}
        self._fixtures: dict[int, _Fixtures] = {}
        # By the definitions in use: most functions use the same few.
        self._definitions: dict[tuple[int, ...], _Fixtures] = {}
        self._wide: dict[tuple[str, bool], int] = {}
        self._sets: dict[tuple[int, ...], int] = {}
        self.patience: list[tuple[int, float]] = []

    @property
    def fixtures(self) -> list[tuple[str, bool]]:
        return list(self._wide)

    @property
    def sets(self) -> list[list[int]]:
        return [list(numbers) for numbers in self._sets]

    def plan(self, items: Iterable[pytest.Item]) -> list[Planned]:
        return [self._planned(index, item) for index, item in enumerate(items)]

    def _planned(self, index: int, item: pytest.Item) -> Planned:
        module, scope, inherited = self._above(item)
        marks = _marked(item, inherited) if item.own_markers else inherited
        fixtures = self._used(item)
        if marks.patience is not None:
            self.patience.append((index, marks.patience))
        if marks.groups:
            # Several names are one group of their own, as under pytest-xdist.
            number = self._number(("xdist_group", "_".join(sorted(marks.groups))))
            return Planned(number, number, True, False, marks.serial, *fixtures)
        if marks.parallel_safe:
            group = self._number((module, "parallel_safe"))
            return Planned(group, self._number(index), False, True, marks.serial, *fixtures)
        atom = self._number(index if scope is None else scope)
        return Planned(self._number(module), atom, False, False, marks.serial, *fixtures)

    def _above(self, item: pytest.Item) -> tuple[str, object | None, _Marks]:
        """The name of the item's module, the outermost class that holds it, and its parents' marks."""
        parent = item.parent
        if parent is None:
            return item.nodeid, None, _Marks()
        known = self._parents.get(parent)
        if known is None:
            marks, outermost = _Marks(), None
            chain = parent.listchain()
            for node in chain:
                marks = _marked(node, marks)
                if outermost is None and isinstance(node, pytest.Class):
                    outermost = node
            module = next((node.nodeid for node in chain if isinstance(node, pytest.File)), parent.nodeid)
            known = self._parents[parent] = (module, outermost, marks)
        return known

    def _used(self, item: pytest.Item) -> _Fixtures:
        info = getattr(item, "_fixtureinfo", None)
        if info is None:
            return _Fixtures()
        known = self._fixtures.get(id(info))
        if known is None:
            chains = [chain for chain in getattr(info, "name2fixturedefs", {}).values() if chain]
            key = tuple(id(chain[-1]) for chain in chains)
            known = self._definitions.get(key)
            if known is None:
                known = self._definitions[key] = self._sorted(chains)
            self._fixtures[id(info)] = known
        return known

    def _sorted(self, chains: list[Sequence[pytest.FixtureDef[Any]]]) -> _Fixtures:
        definitions = [definition for chain in chains for definition in _requested(chain)]
        are_shared = any(definition.scope in ("module", "package") for definition in definitions)
        names = [(name_of(one), one.scope == "package") for one in definitions if one.scope in WIDE]
        numbers = tuple(sorted(self._wide.setdefault(name, len(self._wide)) for name in names))
        wide = self._sets.setdefault(numbers, len(self._sets)) if numbers else None
        return _Fixtures(are_shared, wide)

    def _number(self, key: object) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


def _marked(node: Node, inherited: _Marks) -> _Marks:
    """The marks of a node, on top of those of its parents."""
    for mark in node.own_markers:
        if mark.name not in _MARKERS:
            continue
        if mark.name == "serial":
            inherited = inherited._replace(serial=True)
        elif mark.name == "parallel_safe":
            inherited = inherited._replace(parallel_safe=True)
        elif mark.name == _HANG_TIMEOUT:
            inherited = inherited._replace(patience=_patience(node, mark))
        else:
            name = str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))
            inherited = inherited._replace(groups=inherited.groups | {name})
    return inherited


def _requested(chain: Sequence[pytest.FixtureDef[Any]]) -> Iterator[pytest.FixtureDef[Any]]:
    """Of the definitions of one name the last, and those that it overrides as long as each asks for the one below."""
    for definition in reversed(chain):
        yield definition
        if definition.argname not in definition.argnames:
            return


def _patience(node: Node, mark: pytest.Mark) -> float:
    """The seconds of a mark. Raises `pytest.UsageError` if they are none."""
    values = [*mark.args, *mark.kwargs.values()]
    try:
        (value,) = values
        return parse_seconds(str(value))
    except ValueError:
        raise pytest.UsageError(
            f"{node.nodeid}: hang_timeout takes one number of seconds, from 0 (never) on: "
            f"{', '.join(map(repr, values)) or 'there is none'}"
        ) from None


def counts(session: pytest.Session, *, collected: int, deselected: list[str]) -> dict[str, Any]:
    """What pytest and its plugins print at the end of collection, also of one that failed: plain values.

    * `collected`: how many items there were before any was deselected;
    * `deselected`: node ids;
    * `lines`: what plugins say below that line.
    """
    lines = session.config.hook.pytest_report_collectionfinish(
        config=session.config, start_path=session.config.invocation_params.dir, items=session.items
    )
    return {"collected": collected, "deselected": deselected, "lines": lines}


def describe(
    config: pytest.Config,
    items: Sequence[pytest.Item],
    *,
    refusal: str | None,
    reads: dict[str, str],
    wide: list[str],
    imports: dict[str, float],
) -> dict[str, Any]:
    """What the controller needs to report the items: all values are plain ones.

    * `nodeids`, `locations`: per item, in collection order;
    * `refusal`: why this process must not fork, if it must not;
    * `reads`: what somebody has read of `workerinput`, and where;
    * `wide`: the names of fixtures of session and package scope;
    * `imports`: what each module took to be imported and searched for tests, in seconds;
    * `conftests`: the files of all that were loaded;
    * `memory`: bytes that this process holds.
    """
    return {
        "nodeids": [item.nodeid for item in items],
        "locations": [_location(item) for item in items],
        "refusal": refusal,
        "reads": reads,
        "wide": wide,
        "imports": imports,
        "conftests": [str(conftest.__file__) for conftest in config.pluginmanager._conftest_plugins],
        "memory": _resident_memory(),
    }


def _location(item: pytest.Item) -> tuple[str, int | None, str]:
    """Items of one file have its path in common, and so it travels once."""
    path, line, name = item.location
    return sys.intern(path), line, name


def _resident_memory() -> int:
    """Bytes of memory that this process holds (0 if the system doesn't tell)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 (the shortest way to one number)
            pages = int(statm.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    import mmap

    return pages * mmap.PAGESIZE

"""Which modules a worker imports for the items that it is given (`fastest_collect = needed`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_fastest.worker.own_items import NeededItems

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = """
    import pytest
    from imported import names
    names.append(__name__)

    @pytest.mark.parametrize("number", range(2))
    def test_number(number): pass
"""
NODEIDS = [f"test_{name}.py::test_number[{number}]" for name in "abc" for number in range(2)]


@pytest.fixture
def items(pytester: pytest.Pytester) -> Iterator[tuple[NeededItems, list[str]]]:
    """A worker's items after its collection, and the names of the modules that were imported, as they are."""
    pytester.makepyfile(imported="names = []", **{f"test_{name}": MODULE for name in "abc"})
    pytester.syspathinsert()
    config = pytester.parseconfigure()
    session = pytest.Session.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    items = NeededItems(session)
    items.add(session.perform_collect())
    import imported

    yield items, imported.names
    config.hook.pytest_sessionfinish(session=session, exitstatus=0)


def test_a_module_is_imported_when_an_item_of_it_is_asked_for(items: tuple[NeededItems, list[str]]) -> None:
    own, imported = items
    assert imported == []
    own.match(NODEIDS)
    assert len(own) == 6
    assert imported == []
    for index in (3, 2, 3):
        item = own.find(index)
        assert item is not None
        assert item.nodeid == NODEIDS[index]
    assert imported == ["test_b"]


def test_modules_are_imported_ahead_one_by_one(items: tuple[NeededItems, list[str]]) -> None:
    own, imported = items
    assert own.collect_ahead()
    assert imported == ["test_a"]
    own.match(NODEIDS)
    assert own.find(0) is not None
    assert own.find(5) is not None
    assert imported == ["test_a", "test_c"]
    assert own.collect_ahead()
    assert not own.collect_ahead()


def test_what_is_nowhere_is_not_found(items: tuple[NeededItems, list[str]]) -> None:
    own, imported = items
    own.match([*NODEIDS, "test_d.py::test_number[0]"])
    assert own.find(6) is None
    # It might have been in any.
    assert imported == ["test_a", "test_b", "test_c"]

"""What arrives of the values that processes of a run send each other."""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict, defaultdict, namedtuple
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath

import pytest

from pytest_fastest import codec

Pair = namedtuple("Pair", "left right")


class Text(str):
    def __str__(self) -> str:
        return "something else"


class Number(IntEnum):
    ONE = 1


class Colour(Enum):
    RED = "red"


class Scalar(bytearray):
    """A number as NumPy has it: something that shows its memory."""

    __module__ = "numpy"
    shape = ()

    def item(self) -> int:
        return 5


class Key(list):
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return "<key>"


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**70),
        1.5,
        math.inf,
        2j,
        "text",
        "\ud800 alone",
        "\0",
        b"bytes",
        (1, (2, 3)),
        [1, [2, 3]],
        {"a": {1: (2,)}},
        {1, 2},
        frozenset((1, 2)),
        {(1, "a"): None},
        (),
        {},
    ],
    ids=repr,
)
def test_builtin_values_arrive_as_they_are(value: object) -> None:
    arrived = codec.loads(codec.dumps(value))
    assert arrived == value
    assert type(arrived) is type(value)
    assert codec.is_plain(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Text("text"), "text"),
        (Number.ONE, 1),
        (Colour.RED, "<Colour.RED: 'red'>"),
        (Path("/a/b"), "/a/b"),
        (PurePosixPath("c"), "c"),
        (Opaque(), "<opaque>"),
        (Pair(1, Opaque()), (1, "<opaque>")),
        (OrderedDict(a=Opaque()), {"a": "<opaque>"}),
        (defaultdict(list, {"a": [Path("b")]}), {"a": ["b"]}),
        ({Path("a"): 1}, {"a": 1}),
        ([Opaque(), 1], ["<opaque>", 1]),
        ({"deep": [({"er": Number.ONE},)]}, {"deep": [({"er": 1},)]}),
        (bytearray(b"ab"), "bytearray(b'ab')"),
        (array("b", b"ab"), "array('b', [97, 98])"),
        ([memoryview(b"ab").shape], [(2,)]),
        (Scalar(), 5),
        (frozenset((Key(["a"]),)), "frozenset({<key>})"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_become_plain_ones(value: object, expected: object) -> None:
    arrived = codec.loads(codec.dumps(value))
    assert arrived == expected
    assert type(arrived) is type(expected)


def test_a_frozen_set_of_others_can_be_a_key() -> None:
    assert codec.loads(codec.dumps({frozenset((Text("a"),)): 1})) == {frozenset(("a",)): 1}


def test_a_value_whose_repr_fails_does_not_end_the_run() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    codec.dumps({"value": Rude()})


def doubled(value: object) -> object:
    for _ in range(60):
        value = [value, value]
    return value


def test_parts_that_are_shared_are_sent_once() -> None:
    arrived = codec.loads(codec.dumps(doubled(Path("a"))))
    for _ in range(60):
        assert arrived[0] is arrived[1]
        arrived = arrived[0]
    assert arrived == "a"
    assert codec.is_plain(doubled("a"))


def test_a_tree_with_parents() -> None:
    root: dict[str, object] = {"path": Path("/"), "children": []}
    root["children"] = [{"path": Path(f"/{name}"), "parent": root} for name in "abc"]
    lost: list[str] = []
    arrived = codec.loads(codec.dumps(codec.plain(root, lost)))
    assert arrived == {"path": "/", "children": [{"path": f"/{name}", "parent": "…"} for name in "abc"]}
    assert lost == ["dict within itself"] * 3


def test_what_is_nested_too_deep_is_cut_off() -> None:
    value: object = Opaque()
    for _ in range(5000):
        value = {"deeper": value}
    lost: list[str] = []
    codec.dumps(codec.plain(value, lost))
    assert len(lost) == 1


def test_not_everything_is_plain() -> None:
    assert not codec.is_plain(Opaque())
    assert not codec.is_plain((1, Path("a")))
    assert not codec.is_plain(bytearray())
    assert not codec.is_plain([memoryview(b"")])

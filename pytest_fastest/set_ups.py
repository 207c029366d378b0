"""What fixtures take to be set up, in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from _pytest.python import get_direct_param_fixture_func

from pytest_fastest.texts import clean

if TYPE_CHECKING:
    import pytest

# Of these a worker sets up one for the tests of several modules.
WIDE = ("session", "package")
# So many fixtures are told of, those that took most.
_MOST = 500

# Name, scope, how often it was set up, seconds in all, seconds of the longest.
Row = tuple[str, str, int, float, float]


class SetUps:
    """Sums up set-ups. What a fixture asks for by `getfixturevalue` counts for both."""

    def __init__(self) -> None:
        self._sums: dict[pytest.FixtureDef[Any], tuple[int, float, float]] = {}

    def add(self, definition: pytest.FixtureDef[Any], seconds: float) -> None:
        """One is over."""
        known = self._sums.get(definition)
        if known is not None:
            times, total, longest = known
            self._sums[definition] = (times + 1, total + seconds, max(longest, seconds))
        elif definition.func is not get_direct_param_fixture_func:
            # `parametrize` makes one for each of its arguments, and each function.
            self._sums[definition] = (1, seconds, seconds)

    def rows(self) -> list[Row]:
        """One for each fixture."""
        longest_first = sorted(self._sums.items(), key=lambda entry: -entry[1][1])
        return [(name_of(definition), definition.scope, *sums) for definition, sums in longest_first[:_MOST]]


def name_of(definition: pytest.FixtureDef[Any]) -> str:
    """The name under which processes and runs speak of the fixture: there may be several of the same argument name, and
    plugins and the root's conftest have the same base. What is no text for others (a part of a folder's name, in
    another encoding than the system's) is written out.
    """
    return clean(f"{definition.baseid or definition.func.__module__}::{definition.argname}")

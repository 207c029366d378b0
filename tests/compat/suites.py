"""The suites of other projects that Fastest must run exactly as plain pytest does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    """A suite: pytest's arguments for it, and whose sdist it runs in (`None`: it is in the wheel).

    `quick` and `full` say in which of the two selections it is.
    """

    name: str
    arguments: tuple[str, ...]
    sdist: str | None = None
    quick: bool = False
    full: bool = True


SUITES = (
    Suite("click", ("tests",), sdist="click", quick=True),
    Suite("attrs", ("tests",), sdist="attrs", quick=True),
    Suite("more-itertools", ("tests",), sdist="more-itertools", quick=True),
    Suite("pandas-dtypes", ("--pyargs", "pandas.tests.dtypes"), quick=True, full=False),
    Suite("pandas", ("--pyargs", "pandas.tests.dtypes", "pandas.tests.arithmetic")),
    Suite("networkx", ("--pyargs", "networkx.algorithms")),
)


def select(names: list[str], *, quick: bool) -> list[Suite]:
    """Return the suites called `names`; without names those of the full, or of the quick, run."""
    if names:
        return [suite for suite in SUITES if suite.name in names]
    return [suite for suite in SUITES if (suite.quick if quick else suite.full)]

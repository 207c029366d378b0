"""A screen that is not real is noticed."""

from __future__ import annotations

import pytest

from docs import screens

PRINTED = """\
============================= test session starts ==============================
platform linux -- Python 3.11.7, pytest-9.2.0, pluggy-1.7.0
rootdir: /tmp/pytest-of-me/project
plugins: fastest-pytest-0.1.0
collected 4 items
fastest: 2 workers (-n 2), fork
..sF                                                                     [100%]
==================== 1 failed, 2 passed, 1 skipped in 0.04s ====================
"""


@pytest.mark.parametrize(
    "shown",
    [
        PRINTED,
        PRINTED.replace("0.04s", "12.41s").replace("/tmp/pytest-of-me", "/home/you").replace("3.11.7", "3.13.0"),
        PRINTED.replace("..sF", ".Fs."),
        PRINTED.replace("..sF     ", ".Fs  [ 75%]\n. "),
        "...\nfastest: 2 workers (-n 2), fork\n...\n",
        "...\n" + PRINTED.splitlines()[-1],
        PRINTED.splitlines()[0] + "\n...\ncollected 4 items\n...\n",
    ],
)
def test_the_same(shown: str) -> None:
    assert screens.same(shown, PRINTED)


@pytest.mark.parametrize(
    "shown",
    [
        PRINTED.replace("2 workers", "3 workers"),
        PRINTED.replace("..sF", "...F"),
        PRINTED.replace("2 passed", "3 passed"),
        PRINTED.replace("collected 4 items\n", ""),
        "fastest: 2 workers (-n 2), fork\n",
        "...\nfastest: 2 workers\n...\n",
        "...\ncollected 4 items\nrootdir: /tmp\n...\n",
    ],
)
def test_not_the_same(shown: str) -> None:
    assert not screens.same(shown, PRINTED)

"""Names that are no text: control characters, bytes that are not UTF-8, ten thousand characters."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from processes.harness import METHODS

if TYPE_CHECKING:
    from processes.harness import Result, Suite

# The surrogates are those that stand for bytes in the names of files.
CONFTEST = r"""
    import pytest

    NAMES = ["\udc80\udcff", "\x00", "\x1b[31m\x07", "x" * 10_000, "a\nb\r\n", "::", "é" * 5_000, "[", " "]

    class Item(pytest.Item):
        def runtest(self): assert not self.name.endswith("fails")

    class File(pytest.File):
        def collect(self):
            for name in NAMES:
                yield Item.from_parent(self, name=name)
                yield Item.from_parent(self, name=f"{name}fails")

    def pytest_collect_file(file_path, parent):
        return File.from_parent(parent, path=file_path) if file_path.suffix == ".odd" else None
"""
TESTS = r"""
    import pytest

    NAMES = ["\udc80", "\x00", "x" * 10_000]

    def fixture(name):
        @pytest.fixture(scope="session", name=name)
        def function(): pass
        return function

    one, two = fixture("\udc80"), fixture("x\x00")

    @pytest.mark.parametrize("number", range(2))
    @pytest.mark.parametrize("group", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NAMES])
    def test_groups(group, number): assert number

    @pytest.mark.usefixtures("\udc80", "x\x00")
    @pytest.mark.parametrize("number", [1, 2], ids=NAMES[1:])
    def test_ids(number): pass

    globals().update(dict.fromkeys(("test_\udc80", "test_\x00"), lambda: None))
"""
# What pytest itself can't write: cached node ids, and names in its summary.
ARGS = ("--no-summary", "-p", "no:cacheprovider")


def outcomes(result: Result) -> list[tuple[str, str, str]]:
    return sorted((report.nodeid, report.when, report.outcome) for report in result.reports)


def test_they_are_the_tests_own(suite: Suite) -> None:
    escaping = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"
    suite.write(conftest=CONFTEST, test_a=TESTS, ini=escaping)
    folder = os.fsencode(suite.root) + b"/folder\xff"
    os.mkdir(folder)  # noqa: PTH102
    with open(folder + b"/conftest.py", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("import pytest\n@pytest.fixture(scope='package')\ndef shared(): pass\n")
    with open(folder + b"/test_\xfe.py", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("def test_passes(shared): pass\ndef test_fails(): assert 0\n")
    for name in ("one.odd", "two.odd"):
        (suite.root / name).touch()
    plain = suite.run(*ARGS, "-p", "no:fastest")
    assert len({nodeid for nodeid, _, _ in outcomes(plain)}) == 2 * 18 + 6 + 2 + 2 + 2
    for method in METHODS:
        result = suite.run(*ARGS, "-n", "2", "--start-method", method)
        assert result.returncode == plain.returncode == 1
        assert outcomes(result) == outcomes(plain)

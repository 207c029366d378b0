"""pytest-order: tests run in the order that their marks say, as far as one worker runs them."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

MODULE = """
    import pytest
    from witness import mark, meet

    @pytest.mark.order(3)
    def test_third(): mark("{name} third")

    @pytest.mark.order(-1)
    def test_last(): mark("{name} last")

    @pytest.mark.order(before="test_third")
    def test_second(): mark("{name} second")

    @pytest.mark.order(1)
    def test_first():
        mark("{name} first")
        meet({workers})
"""
ORDER = ["first", "second", "third", "last"]


def of_module(suite: Suite, name: str) -> list[str]:
    return [mark.name.split()[1] for mark in suite.marks(f"{name} ")]


def test_files_in_their_own_order(suite: Suite, method: str) -> None:
    suite.write(test_a=MODULE.format(name="a", workers=2), test_b=MODULE.format(name="b", workers=2))
    args = ("-n", "2", "--start-method", method, "--dist", "loadfile", "--order-scope", "module")
    result = suite.run(*args, plugins=("order",))
    assert result.counts == {"passed": 8}, result.output
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}
    assert of_module(suite, "a") == of_module(suite, "b") == ORDER


def test_a_file_in_its_order_as_in_one_process(suite: Suite, method: str) -> None:
    suite.write(test_a=MODULE.format(name="a", workers=1))
    plain = suite.run("-p", "no:fastest", plugins=("order",))
    assert plain.counts == {"passed": 4}
    assert suite.run("-n", "1", "--start-method", method, plugins=("order",)).counts == {"passed": 4}
    assert of_module(suite, "a") == ORDER * 2
    without = suite.run("-n", "1", "--start-method", method)
    assert without.counts["passed"] == 4
    assert of_module(suite, "a")[8:] == ["third", "last", "second", "first"], "the plugin makes the difference"


@pytest.mark.differs_under_xdist("a class is split unless --dist says otherwise")
def test_a_class_in_its_order(suite: Suite, method: str) -> None:
    """A class is never split; the rest of its module may be."""
    suite.write(
        test_a="""
            import pytest
            from witness import mark, meet

            class TestOrder:
                @pytest.mark.order(after="test_second")
                def test_third(self): mark("third")

                def test_first(self):
                    meet(2)
                    mark("first")

                @pytest.mark.order(after="test_first")
                def test_second(self): mark("second")

            def test_other(): meet(2)
        """
    )
    result = suite.run("-n", "2", "--start-method", method, plugins=("order",))
    assert result.counts == {"passed": 4}, result.output
    marks = [mark for mark in suite.marks() if mark.name != "meets"]
    assert [mark.name for mark in marks] == ["first", "second", "third"]
    assert len({mark.worker for mark in marks}) == 1


ACROSS = """
    import pytest
    from witness import mark

    @pytest.mark.order({first})
    def test_one(): mark("at {first}")

    @pytest.mark.order({second})
    def test_two(): mark("at {second}")
"""


@pytest.mark.differs_under_xdist("a group is not kept together (pytest 9.2)")
def test_across_files_in_one_group(suite: Suite, method: str) -> None:
    """Where the order counts across files, the tests belong in one `xdist_group`, which keeps it."""
    group = "    pytestmark = pytest.mark.xdist_group('ordered')\n"
    suite.write(
        test_a=ACROSS.format(first=4, second=2) + group,
        test_b=ACROSS.format(first=3, second=1) + group,
        test_free="import pytest\n@pytest.mark.parametrize('number', range(4))\ndef test_free(number): pass",
    )
    result = suite.run("-n", "2", "--start-method", method, "--dist", "loadgroup", plugins=("order",))
    assert result.counts == {"passed": 8}, result.output
    marks = suite.marks("at ")
    assert len({mark.worker for mark in marks}) == 1
    assert [mark.name for mark in marks] == ["at 1", "at 2", "at 3", "at 4"]


def test_across_files_with_one_worker(suite: Suite, method: str) -> None:
    """Several begin in that order, but don't wait for each other (`processes/test_order.py`)."""
    suite.write(
        test_a="""
            import pytest
            from witness import mark

            @pytest.mark.order(1)
            def test_one(): mark("at 1")

            @pytest.mark.parametrize("number", range(5))
            @pytest.mark.order(3)
            def test_many(number): mark("at 3")
        """,
        test_b="""
            import pytest
            from witness import mark

            @pytest.mark.order(2)
            def test_two(): mark("at 2")
        """,
    )
    result = suite.run("-n", "1", "--start-method", method, plugins=("order",))
    assert result.counts == {"passed": 7}, result.output
    assert [mark.name for mark in suite.marks("at ")] == ["at 1", "at 2", *["at 3"] * 5]

"""Which items belong together."""

from __future__ import annotations

import pytest

from pytest_fastest.worker.collection import Planned, Planner


def _plan(pytester: pytest.Pytester, **files: str) -> dict[str, Planned]:
    """What is planned for each test, by the last part of its node id."""
    pytester.makepyfile(**files)
    pytester.makeini("[pytest]\nmarkers =\n    serial\n    parallel_safe\n    xdist_group")
    items, _ = pytester.inline_genitems()
    planned = Planner().plan(items)
    assert len(planned) == len(items)
    return {item.nodeid.split("::", 1)[1]: plan for item, plan in zip(items, planned, strict=True)}


def test_a_module_is_a_group_and_each_function_an_atom(pytester: pytest.Pytester) -> None:
    source = "def test_{0}1(): pass\ndef test_{0}2(): pass"
    plan = _plan(pytester, test_a=source.format("a"), test_b=source.format("b"))
    assert plan["test_a1"].group == plan["test_a2"].group != plan["test_b1"].group == plan["test_b2"].group
    assert len({one.atom for one in plan.values()}) == 4
    assert not any(one.gathered or one.serial or one.shares_fixtures for one in plan.values())


def test_a_class_is_an_atom_with_the_classes_in_it(pytester: pytest.Pytester) -> None:
    plan = _plan(
        pytester,
        test_a="""
            class TestOuter:
                def test_1(self): pass
                class TestInner:
                    def test_2(self): pass
                def test_3(self): pass

            class TestOther:
                def test_1(self): pass

            def test_function(): pass
        """,
    )
    inside = {plan[name].atom for name in ("TestOuter::test_1", "TestOuter::TestInner::test_2", "TestOuter::test_3")}
    assert len(inside) == 1
    assert len({one.atom for one in plan.values()}) == 3
    assert len({one.group for one in plan.values()}) == 1


def test_parameters_are_atoms(pytester: pytest.Pytester) -> None:
    plan = _plan(
        pytester,
        test_a="""
            import pytest

            @pytest.mark.parametrize("number", range(4))
            def test_number(number): pass
        """,
    )
    assert len({one.atom for one in plan.values()}) == 4


def test_a_group_is_one_atom_over_modules(pytester: pytest.Pytester) -> None:
    plan = _plan(
        pytester,
        test_a="""
            import pytest

            @pytest.mark.xdist_group("database")
            def test_a1(): pass

            @pytest.mark.xdist_group(name="other")
            def test_a2(): pass

            @pytest.mark.xdist_group
            def test_a3(): pass

            def test_a4(): pass
        """,
        test_b="""
            import pytest
            pytestmark = pytest.mark.xdist_group("database")

            def test_b1(): pass
            class TestB:
                def test_b2(self): pass

                @pytest.mark.xdist_group("other")
                def test_b3(self): pass
        """,
    )
    database = [plan["test_a1"], plan["test_b1"], plan["TestB::test_b2"]]
    others = [plan["test_a2"], plan["TestB::test_b3"]]
    assert len({(one.group, one.atom) for one in database}) == 1
    # With both names, the last is in a group of that name.
    assert len({(one.group, one.atom) for one in (*others, database[0])}) == 3
    assert len({database[0].group, others[0].group, plan["test_a3"].group, plan["test_a4"].group}) == 4
    assert all(one.gathered for one in (*database, *others, plan["test_a3"]))
    assert not plan["test_a4"].gathered


def test_serial_is_inherited(pytester: pytest.Pytester) -> None:
    plan = _plan(
        pytester,
        test_a="""
            import pytest

            @pytest.mark.serial
            def test_1(): pass

            @pytest.mark.serial
            class TestSerial:
                def test_2(self): pass

            def test_3(): pass
        """,
        test_b="import pytest\npytestmark = pytest.mark.serial\ndef test_4(): pass",
    )
    assert {name for name, one in plan.items() if one.serial} == {"test_1", "TestSerial::test_2", "test_4"}


def test_what_is_safe_in_parallel_is_apart_from_its_module(pytester: pytest.Pytester) -> None:
    plan = _plan(
        pytester,
        test_a="""
            import pytest

            @pytest.mark.parallel_safe
            def test_1(): pass

            @pytest.mark.parallel_safe
            class TestSafe:
                def test_2(self): pass
                def test_3(self): pass

            def test_4(): pass
        """,
    )
    safe = [plan["test_1"], plan["TestSafe::test_2"], plan["TestSafe::test_3"]]
    assert len({one.atom for one in safe}) == 3
    assert plan["test_4"].group not in {one.group for one in safe}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("function", False), ("class", False), ("module", True), ("package", True), ("session", False)],
)
def test_fixtures_that_a_split_would_set_up_again(pytester: pytest.Pytester, scope: str, expected: bool) -> None:
    plan = _plan(
        pytester,
        test_a=f"""
            import pytest

            @pytest.fixture(scope="{scope}")
            def shared(): pass

            @pytest.fixture
            def indirect(shared): pass

            def test_uses(indirect): pass
            def test_does_not(): pass
        """,
    )
    assert plan["test_uses"].shares_fixtures is expected
    assert not plan["test_does_not"].shares_fixtures


def test_atoms_of_different_kinds_have_different_numbers(pytester: pytest.Pytester) -> None:
    """A number is never both an item's and a class's or group's."""
    plan = _plan(
        pytester,
        test_a="""
            import pytest

            def test_0(): pass
            def test_1(): pass

            class TestOne:
                def test_2(self): pass

            @pytest.mark.xdist_group("1")
            def test_3(): pass

            @pytest.mark.parallel_safe
            def test_4(): pass
        """,
    )
    assert len({one.atom for one in plan.values()}) == 5


def test_items_of_a_file_that_is_no_module(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        class Item(pytest.Item):
            def runtest(self): pass

        class File(pytest.File):
            def collect(self):
                return [Item.from_parent(self, name=str(number)) for number in range(3)]

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".test":
                return File.from_parent(parent, path=file_path)
        """
    )
    pytester.maketxtfile(**{"x": ""})
    (pytester.path / "a.test").touch()
    (pytester.path / "b.test").touch()
    items, _ = pytester.inline_genitems()
    planned = Planner().plan(items)
    assert [one.group == planned[0].group for one in planned] == [True] * 3 + [False] * 3
    assert len({one.atom for one in planned}) == 6


def test_wide_fixtures_are_numbered_in_sets(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def database(): pass

        @pytest.fixture(scope="package")
        def tables(database): pass

        @pytest.fixture(scope="module")
        def rows(tables): pass
        """
    )
    pytester.makepyfile(
        test_a="def test_database(database): pass\ndef test_nothing(): pass",
        test_b="def test_rows(rows): pass\ndef test_tables(tables): pass",
    )
    items, _ = pytester.inline_genitems()
    planner = Planner()
    sets = [None if one.wide is None else planner.sets[one.wide] for one in planner.plan(items)]
    numbers = {name: number for number, name in enumerate(planner.fixtures)}
    database, tables = numbers["conftest::database", False], numbers["conftest::tables", True]
    assert sets == [[database], None, [database, tables], [database, tables]]

"""What the junit file says."""

from __future__ import annotations

import pytest
from parity import ALL, FORK, Parity

RECORDING = """
    import pytest

    def test_property(record_property):
        record_property("number", 1)
        record_property("text", "é <&> ☃")
        print("captured out")

    def test_property_and_failure(record_property):
        record_property("before", [1, 2])
        assert 0

    def test_suite_property(record_testsuite_property):
        record_testsuite_property("SUITE", "value of {0}")

    def test_attribute(record_xml_attribute):
        record_xml_attribute("own", "value")
        record_xml_attribute("classname", "other.name")

    def test_user_properties(request):
        request.node.user_properties.append(("appended", (1, 2)))

    def test_errors(request, capsys):
        import logging, sys
        logging.getLogger().warning("logged")
        print("on stderr", file=sys.stderr)
        raise ValueError("\\x00 \\x1b[31m \\ud800")

    @pytest.fixture
    def ends_badly(record_property):
        yield
        record_property("late", 1)
        raise ValueError

    def test_end(ends_badly): assert 0

    @pytest.mark.skip(reason="skipped <here>")
    def test_skip(): pass

    @pytest.mark.xfail(reason="expected")
    def test_xfail(record_property):
        record_property("of", "xfail")
        assert 0
"""
FILES = {"test_one.py": RECORDING.replace("{0}", "one"), "sub/test_two.py": RECORDING.replace("{0}", "two")}


@pytest.mark.parametrize("family", ["xunit1", "xunit2", "legacy"])
def test_recorded_properties(parity: Parity, family: str) -> None:
    parity.write(FILES)
    parity.check("-o", f"junit_family={family}", hows=ALL if family == "xunit1" else (FORK,))


@pytest.mark.parametrize(
    "args",
    [
        ("-o", "junit_logging=all"),
        ("-o", "junit_logging=system-err", "-o", "junit_log_passing_tests=false"),
        ("-o", "junit_suite_name=own", "--junitprefix=prefix"),
        ("-o", "junit_duration_report=call", "-s"),
    ],
    ids=" ".join,
)
def test_junit_options(parity: Parity, args: tuple[str, ...]) -> None:
    parity.write(FILES)
    # With -s, what tests print stands between the lines of the reporter.
    parity.check(*args, ignore=("head", "stderr") if "-s" in args else ())


def test_suite_properties_of_session_fixtures(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest

                @pytest.fixture(scope="session", autouse=True)
                def suite(record_testsuite_property):
                    record_testsuite_property("of the suite", 1)
            """,
            "test_a.py": "class TestIt:\n    def test_a(self): pass\n    def test_b(self): pass",
        }
    )
    parity.check(hows=ALL)


def test_properties_that_are_no_texts(parity: Parity) -> None:
    """`junitxml` writes `str` of them."""
    parity.write(
        {
            "test_a.py": """
                import datetime
                import decimal
                import enum
                import pathlib

                import pytest

                class Colour(enum.Enum):
                    RED = 1

                class Own:
                    def __str__(self): return "own text"
                    def __repr__(self): return "own repr"

                VALUES = [
                    decimal.Decimal("1.50"), datetime.date(2020, 1, 1), Colour.RED, Own(), [Own()], pathlib.Path("a")
                ]

                @pytest.mark.parametrize("number", range(len(VALUES)))
                def test_a(record_property, number): record_property("name", VALUES[number])
            """,
        }
    )
    # What is in the reports is such a text already.
    parity.check(hows=ALL, ignore=("reports",))

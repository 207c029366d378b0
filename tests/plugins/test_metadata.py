"""pytest-metadata: what is known of the run is known everywhere, and what workers add comes back."""

from __future__ import annotations

import re

import pytest
from processes.harness import METHODS, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

TESTS = """
    from witness import mark

    def test_one(metadata): mark(f"{metadata['name']} {sorted(metadata)}")
    def test_two(metadata): mark(f"{metadata['name']} {sorted(metadata)}")
"""


def test_tests_and_the_header_are_told_the_same(suite: Suite, method: str) -> None:
    suite.write(test_two=TESTS)
    arguments = ("-v", "--metadata", "name", "value", "--metadata-from-json", '{"more": 1}')
    suite.run("-p", "no:fastest", *arguments, plugins=("metadata",))
    (plain,) = {mark.name for mark in suite.marks()}
    assert "'more'" in plain
    result = suite.run("-n", "2", "--start-method", method, *arguments, plugins=("metadata",))
    assert result.counts == {"passed": 2}
    assert {mark.name for mark in suite.marks()} == {plain}
    assert re.search(r"^metadata: .*'name': 'value', 'more': 1", result.stdout, re.MULTILINE)


def test_what_workers_add_comes_back(suite: Suite, method: str) -> None:
    suite.write(
        conftest="""
            import pytest
            from pytest_metadata.plugin import metadata_key
            from witness import mark

            def pytest_metadata(metadata, config):
                metadata["hook"] = "called"
                if hasattr(config, "workerinput"):
                    metadata["configured"] = "in a worker"

            def pytest_unconfigure(config):
                if not hasattr(config, "workerinput"):
                    metadata = config.stash[metadata_key]
                    mark(f"{metadata['hook']} {metadata.get('configured')} {metadata.get('added')}")

            @pytest.fixture
            def adding(metadata): metadata["added"] = "by a test"
        """,
        test_one="def test_one(adding): pass",
    )
    result = suite.run("-n", "1", "--start-method", method, plugins=("metadata",))
    assert result.counts == {"passed": 1}
    assert [mark.name for mark in suite.marks()] == ["called in a worker by a test"]


@pytest.mark.differs_under_xdist("not in the junit file")
def test_metadata_in_the_junit_file(suite: Suite, method: str) -> None:
    suite.write(
        test_two="""
            import pytest

            pytestmark = pytest.mark.usefixtures("include_metadata_in_junit_xml")

            def test_one(): pass
            def test_two(): pass
        """
    )
    arguments = ("--junitxml=report.xml", "--metadata", "name", "value")
    result = suite.run("-n", "2", "--start-method", method, *arguments, plugins=("metadata",))
    assert result.counts == {"passed": 2}
    assert '<property name="name" value="value" />' in (suite.root / "report.xml").read_text("utf-8")

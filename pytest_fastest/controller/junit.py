"""The junit file, which only the controller writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def record(config: pytest.Config, what: str, name: str, value: str, named: pytest.TestReport) -> None:
    """What a fixture of a worker has recorded for the file; `named`: a report of that test there."""
    xml = _plugin(config)
    if xml is None:
        return
    if what == "junit_global_property":
        xml.add_global_property(name, value)
        return
    reporter = xml.node_reporter(named)
    (reporter.add_attribute if what == "junit_attribute" else reporter.add_property)(name, value)


def without(config: pytest.Config, report: pytest.TestReport) -> Any:
    """The hook that logs a report, for everybody but the file: the test of that report runs again, and stands there
    once. What is there of it already is taken out.
    """
    xml = _plugin(config)
    if xml is None:
        return config.hook.pytest_runtest_logreport
    begun = xml.node_reporters.pop((report.nodeid, getattr(report, "node", None)), None)
    if begun is not None:
        xml.node_reporters_ordered.remove(begun)
    return config.pluginmanager.subset_hook_caller("pytest_runtest_logreport", [xml])


def _plugin(config: pytest.Config) -> Any:
    from _pytest.junitxml import xml_key

    return config.stash.get(xml_key, None)

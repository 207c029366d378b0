"""A junit file as a value that doesn't depend on time, host or order."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from parity_output import without_workers

if TYPE_CHECKING:
    from pathlib import Path

_VARYING = {"time", "timestamp", "hostname"}


def flatten(file: Path) -> list[str]:
    """One text per suite, suite property and test case, sorted."""
    root = ElementTree.parse(file).getroot()
    entries = [f"<{root.tag}> {_attributes(root)}"]
    for suite in root.iter("testsuite"):
        entries.append(f"<testsuite> {_attributes(suite)}")
        entries += [f"suite {_describe(element)}" for element in suite.findall("properties/property")]
        entries += [_describe(case) for case in suite.findall("testcase")]
    return sorted(entries)


def _describe(element: ElementTree.Element) -> str:
    text = without_workers(element.text or "").strip()
    children = " ".join(_describe(child) for child in element)
    return f"<{element.tag}> {_attributes(element)} {text!r} [{children}]"


def _attributes(element: ElementTree.Element) -> str:
    # A message may be a whole traceback.
    kept = {name: without_workers(value) for name, value in sorted(element.attrib.items()) if name not in _VARYING}
    return str(kept)

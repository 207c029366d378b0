"""The junit fixtures in a worker: what they record travels to the controller, which alone writes the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from _pytest.junitxml import xml_key

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class _NodeRecorder:
    def __init__(self, record: Callable[[tuple[Any, ...]], None]) -> None:
        self._record = record

    def add_attribute(self, name: str, value: object) -> None:
        self._record(("junit_attribute", name, str(value)))

    def add_property(self, name: str, value: object) -> None:
        self._record(("junit_property", name, str(value)))


class RemoteXml:
    """Stands where pytest's `LogXML` would: has the methods and the attribute that its fixtures use."""

    def __init__(self, record: Callable[[tuple[Any, ...]], None], family: str) -> None:
        self._record = record
        self.family = family

    def node_reporter(self, _node: object) -> _NodeRecorder:
        return _NodeRecorder(self._record)

    def add_global_property(self, name: str, value: object) -> None:
        self._record(("junit_global_property", name, str(value)))


def install(config: pytest.Config, record: Callable[[tuple[Any, ...]], None]) -> None:
    """Lets the fixtures of this process record, if a junit file was asked for."""
    if getattr(config.option, "xmlpath", None):
        remote = RemoteXml(record, config.getini("junit_family"))
        config.stash[xml_key] = remote  # type: ignore[misc]
        # pytest takes it back when it unconfigures itself.
        config.pluginmanager.register(remote, "fastest-junit")

"""Fixtures of session and package scope, which a worker sets up once for the tests of several modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

SCOPES = ("session", "package")


def name_of(definition: pytest.FixtureDef[Any]) -> str:
    """The name under which processes and runs speak of the fixture: there may be several of the same argument name, and
    plugins and the root's conftest have the same base. What is no text for others (a part of a folder's name, in
    another encoding than the system's) is written out.
    """
    name = f"{definition.baseid or definition.func.__module__}::{definition.argname}"
    return name.encode("utf-8", "backslashreplace").decode("utf-8")

"""Whether the worker's own temporary directory was used: it is another in every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def refusal(config: pytest.Config) -> str | None:
    """It exists once somebody has asked for it."""
    factory = getattr(config, "_tmp_path_factory", None)
    if getattr(factory, "_basetemp", None) is None:
        return None
    return "a conftest or plugin used the temporary directory of the worker before any test"

"""The markers of Fastest: ``from fastest import mark``, then ``@mark.serial``.

They are pytest's own markers, so ``fastest.mark.serial == pytest.mark.serial``. They are looked
up when they are used, not when this module is imported: pytest warns about a marker that is asked
for before the plugin has registered it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    serial: pytest.MarkDecorator
    """Runs when no other test runs."""
    parallel_safe: pytest.MarkDecorator
    """May run on any worker by itself, apart from the other tests of its module."""

__all__ = ["parallel_safe", "serial"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    return getattr(pytest.mark, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

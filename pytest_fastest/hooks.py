"""Who has something to say to a hook."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pluggy


def are_pytests_own(hook: pluggy.HookCaller, besides: Iterable[object] = ()) -> bool:
    """Whether only pytest itself implements the hook, and the plugins in `besides`.

    The function itself can be called then in the place of the hook, which is what takes time where it is one of
    several for each test.
    """
    return all(
        _module(implementation.plugin).startswith("_pytest.") or implementation.plugin in besides
        for implementation in hook.get_hookimpls()
    )


def _module(plugin: object) -> str:
    return plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__

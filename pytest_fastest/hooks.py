"""Who has something to say to a hook."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pluggy


def are_pytests_own(hook: pluggy.HookCaller) -> bool:
    """Whether only pytest itself implements the hook.

    Its function can be called then in the place of the hook, which takes longer than most functions do.
    """
    return all(_module(implementation.plugin).startswith("_pytest.") for implementation in hook.get_hookimpls())


def _module(plugin: object) -> str:
    return plugin.__name__ if isinstance(plugin, ModuleType) else type(plugin).__module__

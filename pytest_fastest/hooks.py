"""Who has something to say to a hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pluggy


def are_pytests_own(hook: pluggy.HookCaller) -> bool:
    """Whether only pytest itself implements the hook.

    Its function can be called then in the place of the hook, which takes longer than most functions do.
    """
    # Asked for every report: a generator would take twice as long.
    for implementation in hook.get_hookimpls():
        if not (getattr(implementation.function, "__module__", None) or "").startswith("_pytest."):
            return False
    return True

"""Locks that know the process that made them: filelock's refuse to be used in a forked one."""

from __future__ import annotations

import gc
import sys
from typing import Any


def refusal() -> str | None:
    """Whether there is such a lock. Looks at every object, but only if the package is in use."""
    base: Any = getattr(sys.modules.get("filelock"), "BaseFileLock", None)
    if base is None:
        return None
    kinds = {base}
    unseen = [base]
    while unseen:
        found = unseen.pop().__subclasses__()
        kinds.update(found)
        unseen.extend(found)
    # The types, not `isinstance`: a proxy would be asked what it is, and might have to find out.
    # What was there before the base was forked has been frozen, and is not among the objects; it will be again.
    gc.unfreeze()
    if any(type(thing) in kinds for thing in gc.get_objects()):
        return "a FileLock was made by a conftest, plugin or test module"
    return None

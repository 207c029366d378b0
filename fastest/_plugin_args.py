"""The arguments that make a pytest run load the plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGIN = "fastest"


def load_plugin(args: Sequence[str]) -> list[str]:
    """The arguments that load the plugin even without autoloading; none if `args` switch it off.

    ``-p`` looks for an entry point of that name before it looks for a module, and pytest then
    skips the entry point when it autoloads: the plugin is registered once. But ``-p NAME`` also
    lifts a ``-p no:NAME`` that stands before it, so an explicit one must keep ours away.
    """
    return [] if _switched_off(args) else ["-p", PLUGIN]


def _switched_off(args: Sequence[str]) -> bool:
    off = f"no:{PLUGIN}"
    for index, argument in enumerate(args):
        if argument == "-p":
            name = args[index + 1] if index + 1 < len(args) else ""
        elif argument.startswith("-p"):
            name = argument[2:]
        else:
            continue
        if name.strip() == off:
            return True
    return False

"""`--debug`: which hooks are called in a process, and with what.

The controller writes the file that was asked for, each other process one of its own: `FILE.template`, `FILE.gw0`, …
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def take_over(args: list[str], config: pytest.Config) -> None:
    """Changes the arguments that pytest is about to parse: it would open the controller's file."""
    if config.known_args_namespace.debug:
        # The last one counts, and what follows `--` is no option.
        end = args.index("--") if "--" in args else len(args)
        args.insert(end, "--debug=")


def begin(config: pytest.Config, name: str) -> None:
    """When pytest would, or goes on in a worker that has just been forked. `name`: the process's."""
    file = config.known_args_namespace.debug
    if file:
        if not config.option.debug:
            config.option.debug = file
            config.pluginmanager.enable_tracing()
        # Nobody closes it.
        own = (config.invocation_params.dir / f"{file}.{name}").open("w", encoding="utf-8", buffering=1)
        config.trace.root.setwriter(own.write)

"""The command ``fastest``, and ``python -m fastest``: pytest with the plugin."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from fastest._plugin_args import load_plugin

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

_VERSION_OPTIONS = ("--version", "-V")


class _ProgramName:
    """Lets usage errors and ``--help`` say ``fastest`` instead of ``pytest.main()``."""

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.prog = "fastest"


def main(argv: Sequence[str] | None = None) -> int:
    """Run pytest with the plugin; return its exit code.

    `argv` are pytest's arguments, without the program's name; `None` takes those of this process.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    # As pytest's own command does it: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    try:
        code = _run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python flushes the standard streams at exit: what is left must go somewhere, or it fails.
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        return 1


def _run(args: list[str]) -> int:
    version_options = sum(args.count(option) for option in _VERSION_OPTIONS)
    if version_options or "-VV" in args:
        from fastest import __version__

        sys.stdout.write(f"fastest {__version__}\n")
        sys.stdout.flush()
    if args[:1] in (["timings"], ["report"]) and {"-h", "--help"} & {*args}:
        from fastest._help import help_of

        sys.stdout.write(help_of(args[0]))
        return 0
    if args[:1] == ["timings"]:
        args[0] = "--show-timings"
    elif args[:1] == ["report"]:
        args = _of_earlier_run(args[1:])
    import pytest

    if version_options == 1:
        sys.stdout.write(f"pytest {pytest.__version__}\n")
        return 0
    return int(pytest.main([*load_plugin(args), *args], plugins=[_ProgramName()]))


def _of_earlier_run(args: list[str]) -> list[str]:
    """pytest's arguments for `fastest report [RUN]` and `fastest report --list`."""
    if "--list" in args:
        return ["--list-runs", *(argument for argument in args if argument != "--list")]
    run = args.pop(0) if args and not args[0].startswith("-") else "last"
    return ["--from-run", run, *args]


if __name__ == "__main__":
    raise SystemExit(main())

"""Help for the commands that are not pytest's."""

from __future__ import annotations

import argparse


def help_of(command: str) -> str:
    """What `fastest COMMAND --help` prints."""
    parser = argparse.ArgumentParser(
        prog=f"fastest {command}",
        description={
            "report": "Make a report of a run with workers that is over, or list those that are kept.",
            "timings": "Show the slowest tests, modules and fixtures by what earlier runs took. Runs no tests.",
        }[command],
        epilog="pytest's own options (--rootdir, -c, ...) go behind these: they say where its cache is.",
    )
    if command == "report":
        parser.add_argument(
            "RUN", nargs="?", help="(the beginning of) its testrunuid, or its file; default: the last one"
        )
        parser.add_argument("--list", action="store_true", help="list the runs that are kept")
        parser.add_argument("--fastest-report", metavar="FILE.html", help="the page (default: fastest-report.html)")
        parser.add_argument("--trace-file", metavar="FILE.json", help="a trace in Chrome's format")
    else:
        parser.add_argument("N", nargs="?", help="how many of each (default: 20)")
        parser.add_argument("--timings", metavar="FILE", help="the file that CI keeps, instead of the one in the cache")
    return parser.format_help()

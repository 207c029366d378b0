"""What runs in the child process: pytest, once, with a recorder."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path


def main(directory: str) -> None:
    """Do what ``request.json`` in `directory` asks; never return."""
    private = Path(directory)
    request = json.loads((private / "request.json").read_text(encoding="utf-8"))
    args = request["args"]
    sys.argv = ["fastest", *args]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    import pytest

    from fastest._events import EventWriter
    from fastest._recorders import DiscoveryRecorder, RunRecorder

    events = EventWriter(private / "events.jsonl")
    recorder = (RunRecorder if request["run"] else DiscoveryRecorder)(events)
    code = int(pytest.main(args, plugins=[recorder]))
    events.write("finish", exit_code=code)
    sys.exit(code)

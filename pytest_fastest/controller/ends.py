"""The end of a session as plain pytest would have ended it in the process that knows the reason."""

from __future__ import annotations

from typing import Any

import pytest


class WorkerInternalError(Exception):
    """pytest itself failed in another process; the text is its traceback there."""


def finish(session: pytest.Session, end: tuple[Any, ...] | None, stop_reason: tuple[str, str] | None = None) -> None:
    """Raises what `worker.ends` has told of, if there is something. `stop_reason`: why this session wanted to stop."""
    match end:
        case ("usage", arguments):
            raise pytest.UsageError(*arguments)
        case ("exit", message, returncode):
            raise pytest.exit.Exception(message, returncode)
        case ("keyboard",):
            raise KeyboardInterrupt
        case ("internal", text):
            raise WorkerInternalError(text)
    match stop_reason or end:
        case ("failed", reason):
            # The terminal prints what is set here.
            session.shouldfail = reason
            raise session.Failed(reason)
        case ("interrupted", reason):
            session.shouldstop = reason
            raise session.Interrupted(reason)

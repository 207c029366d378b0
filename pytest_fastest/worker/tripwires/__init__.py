"""What speaks against forking workers from the process that has collected.

Each module here looks at one thing. They are asked once, between collection and the first fork, and answer with a
reason in words that names who did what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_fastest.worker.tripwires import descriptors, identity, locks, openers, sessions, temporary, threads, unique
from pytest_fastest.worker.tripwires.watch import Watch

if TYPE_CHECKING:
    import pytest


class Tripwires:
    """Armed before any conftest is loaded."""

    def __init__(self) -> None:
        self.reads = identity.Reads()
        self._known = descriptors.Known()
        self._watch = Watch()
        self._openers = openers.Openers(self._watch)
        self._made = temporary.Made(self._watch)
        self._names = unique.Names(self._watch)

    def learn(self) -> None:
        """What is open now is ours."""
        self._known.learn()

    def refusal(self, config: pytest.Config) -> str | None:
        """The reason not to fork, or `None`."""
        return (
            threads.refusal(self._openers, config.rootpath)
            or self._known.refusal(self._openers, config.rootpath)
            or self.reads.refusal(config.rootpath)
            or temporary.refusal(config)
            or locks.refusal()
            or sessions.refusal(config)
            or self._made.refusal(config.rootpath)
            or self._names.refusal(config.rootpath)
        )

    def disarm(self, config: pytest.Config) -> None:
        """Before the first fork: from then on, everybody may read everything."""
        self.reads.stop()
        self._watch.stop()
        config.workerinput.reads = None  # type: ignore[attr-defined]

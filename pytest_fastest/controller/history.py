"""The file of timings: what earlier runs have found out, for the plan; what this run finds out, for the next."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_fastest import _core
from pytest_fastest.controller.warn import warn
from pytest_fastest.texts import clean_all

if TYPE_CHECKING:
    import pytest

_SECONDS_PER_DAY = 86400
# What files of timings begin with, whatever their version.
_OURS = b"fastest timings "


class Outlook(NamedTuple):
    """What all tests are expected to take, in seconds: in all, of processor time; and the most expensive fixture that
    several workers may set up.
    """

    total: float
    cpu: float | None
    wide: float


class History:
    """Of one run. Nothing is read or written with `-p no:cacheprovider`, unless `--timings` names a file."""

    def __init__(self, config: pytest.Config, coordinator: _core.Coordinator) -> None:
        self._config = config
        self._coordinator = coordinator
        self._imports: list[tuple[str, float]] = []
        # A file that the user names is not ours to replace if it holds something else.
        self._may_replace = config.option.timings is None
        self._file = file_of(config)

    def expect(self, nodeids: list[str], wide: list[str], imports: dict[str, float]) -> Outlook | None:
        """Tells the plan what is known of these tests; what they are expected to take together, if anything is known.

        `wide`: the names of the fixtures of session and package scope that they use; `imports`: what the modules have
        taken, in seconds.
        """
        if self._file is None:
            return None
        self._imports = list(imports.items())
        try:
            known = _core.Timings(self._file)
        except OSError as error:
            warn(self._config, f"fastest: {error}: this run goes without")
            known = _core.Timings()
            self._may_replace = self._may_replace or _is_ours(self._file)
            if not self._may_replace:
                self._file = None
        # A custom item may have any name.
        outlook = self._coordinator.expect(clean_all(nodeids), wide, known)
        return None if outlook is None else Outlook(*outlook)

    def save(self) -> None:
        """Writes what this run has found out."""
        if self._file is None:
            return
        try:
            # A clock that was never set, or that a conftest has replaced, may be before 1970.
            day = max(0, int(time.time() // _SECONDS_PER_DAY))
            self._coordinator.save_timings(self._file, self._imports, day, self._may_replace)
        except OSError as error:
            warn(self._config, f"fastest: timings can't be written: {error}")


def _is_ours(file: Path) -> bool:
    """Another version has written it, or nobody has written anything yet."""
    try:
        start = file.read_bytes()[: len(_OURS)]
    except OSError:
        return False
    return start in (_OURS, b"")


def file_of(config: pytest.Config) -> Path | None:
    """Where the timings are, if there is a place for them."""
    if config.option.timings is not None:
        return Path(config.invocation_params.dir, config.option.timings)
    cache = getattr(config, "cache", None)
    if cache is None:
        return None
    try:
        return Path(cache.mkdir("fastest")) / "timings"
    except OSError:
        # pytest itself warns of a cache that can't be written.
        return None

"""What becomes of workers because of memory, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_fastest.worker.memory import limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPTION = "--memory-limit"
_UNITS = ("KiB", "MiB", "GiB", "TiB")


class Memory:
    """Of one run."""

    def __init__(self, config: pytest.Config, nodeid_of: Callable[[int], str]) -> None:
        """`nodeid_of` names a test by its number. Raises `pytest.UsageError` for a share of what is not known."""
        self._nodeid_of = nodeid_of
        self._limit = limit(config)
        self._outgrown: set[int] = set()
        self._lines: list[str] = []
        if self._limit is None and config.known_args_namespace.memory_limit is not None:
            raise pytest.UsageError(
                f"{_OPTION}: this system does not tell how much memory there is; give an amount as 1G"
            )

    @property
    def is_limited(self) -> bool:
        """Workers may have to leave because they hold too much."""
        return self._limit is not None

    def check(self, held: int) -> None:
        """Before anything runs; `held`: what the process that has collected holds, in bytes.

        Raises `pytest.UsageError` if a worker would have to leave after every test.
        """
        if self._limit is not None and held >= self._limit:
            raise pytest.UsageError(
                f"{_OPTION} {text_of(self._limit)}: too little for this suite, whose workers hold {text_of(held)} "
                "before their first test"
            )

    def outgrown(self, worker: int, held: int, grew: Sequence[tuple[int, int]]) -> str:
        """A worker leaves because it holds too much, and these tests have added most: the line that says so."""
        assert self._limit is not None
        self._outgrown.add(worker)
        line = f"gw{worker} leaves: it holds {text_of(held)} ({_OPTION} {text_of(self._limit)})"
        self._lines.append(f"{line}, grown most by" if grew else line)
        self._lines += [f"  {text_of(grown)} in {self._nodeid_of(item)}" for item, grown in grew]
        return line

    def short(self, available: int, total: int, leaving: Sequence[int], postponed: Sequence[int]) -> str:
        """The machine has hardly any left: the line that says what follows."""
        line = f"memory is short ({text_of(available)} of {text_of(total)} left): "
        if leaving:
            line += f"without work leave: {', '.join(f'gw{worker}' for worker in sorted(leaving))}"
        else:
            line += f"replaced later: {', '.join(f'gw{worker}' for worker in postponed)}"
        self._lines.append(line)
        return line

    def why(self, worker: int) -> str:
        """How to call a worker that is gone and replaced."""
        return f"gw{worker}" if worker in self._outgrown else f"crashed worker gw{worker}"

    def write(self, reporter: Any) -> None:
        """Writes below pytest's own summary what has happened."""
        if self._lines:
            reporter.section("memory", sep="=", yellow=True)
            for line in self._lines:
                reporter.write_line(line)


def text_of(size: float) -> str:
    """Bytes as a person would say it: 512 MiB, 1.5 GiB."""
    size /= 1024
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} {_UNITS[-1]}"

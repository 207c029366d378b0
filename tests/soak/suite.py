"""A random suite and how it is to be run, from a seed. Pure: nothing here touches a disk."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from soak import actor

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a test does, of 1000 tests; the rest does nothing.
CRASHING, HANGING, FAILING, SKIPPING, XFAILING = 10, 2, 50, 40, 20
# What is said of a worker that ended so.
WORDS = {
    "segfault": "was killed by SIGSEGV",
    "overflow": "was killed by SIGSEGV",
    "abort": "was killed by SIGABRT",
    "exit": "left with exit status 3",
    "exit well": "left with exit status 0",
    "kill": "was killed by SIGKILL",
    "terminate": "was killed by SIGTERM",
}
# Seconds. Long enough for a test that stands in line on a busy machine.
HANG_TIMEOUT = 3.0


class Kind(Enum):
    """What is to become of a test."""

    PASSES = "passes"
    FAILS = "fails"
    SKIPS = "skips"
    IS_SKIPPED = "is skipped by a mark"
    XFAILS = "xfails"
    XPASSES = "xpasses"
    CRASHES = "crashes"
    HANGS = "hangs"


class Phase(Enum):
    SETUP = "setup"
    CALL = "call"
    TEARDOWN = "teardown"


@dataclass(frozen=True)
class Case:
    """`deed`: of `actor.DEEDS`, if anything is to happen. `family`: tests that are never separated, if it is of any."""

    number: int
    kind: Kind
    phase: Phase
    deed: str | None
    seconds: float
    nodeid: str = ""
    family: str | None = None
    serial: bool = False


@dataclass(frozen=True)
class Function:
    """A test function; several tests if it is parametrized."""

    tests: tuple[Case, ...]
    parametrized: bool
    fixtures: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True)
class Class:
    """Functions of one class, or (without a name) of the module."""

    name: str | None
    functions: tuple[Function, ...]


@dataclass(frozen=True)
class Module:
    path: str
    classes: tuple[Class, ...]

    def tests(self) -> Iterator[Case]:
        for place in self.classes:
            for function in place.functions:
                yield from function.tests


class Stop(Enum):
    """Why a run does not go on to its end."""

    NONE = "none"
    MAXFAIL = "--maxfail"
    FAIL_FAST = "--fail-fast"
    INTERRUPT = "Ctrl-C"


class Victim(Enum):
    """Whom a signal from outside is for. The parent is who forks workers: base or template, as the case may be."""

    WORKER = "worker"
    PARENT = "parent"
    CONTROLLER = "controller"
    GROUP = "group"


# Who is sent a Ctrl-C; the others are killed.
INTERRUPTED = (Victim.CONTROLLER, Victim.GROUP)


@dataclass(frozen=True)
class Strike:
    """A signal from outside, once so many tests have begun, and these seconds later."""

    begun: int
    delay: float
    victim: Victim


@dataclass(frozen=True)
class Plan:
    """A suite, and how to run it."""

    seed: int
    modules: tuple[Module, ...]
    workers: int
    method: str
    needed: bool
    restarts: int | None
    retries: int
    stop: Stop
    maxfail: int
    strikes: tuple[Strike, ...]
    rounds: int

    def tests(self) -> list[Case]:
        return [test for module in self.modules for test in module.tests()]

    @property
    def allowed_restarts(self) -> int:
        """How many workers may be replaced; without the option it is four for each."""
        return 4 * self.workers if self.restarts is None else self.restarts

    def arguments(self) -> list[str]:
        found = [f"-n{self.workers}", f"--start-method={self.method}", f"--hang-timeout={HANG_TIMEOUT:g}"]
        if self.restarts is not None:
            found.append(f"--max-worker-restart={self.restarts}")
        if self.retries:
            found.append(f"--retry-crashed={self.retries}")
        if self.stop is Stop.MAXFAIL:
            found.append(f"--maxfail={self.maxfail}")
        if self.stop is Stop.FAIL_FAST:
            found.append("--fail-fast")
        if self.needed:
            found += ["-o", "fastest_collect=needed"]
        return found


def draw(seed: int, size: int, most_workers: int) -> Plan:
    """A suite of about `size` tests, and how to run it."""
    rng = random.Random(seed)
    modules: list[Module] = []
    count = 0
    while count < size:
        module = _module(rng, f"{rng.choice(['', '', 'one/', 'two/'])}test_m{len(modules)}.py", count)
        modules.append(module)
        count += sum(1 for _ in module.tests())
    stop = rng.choices(list(Stop), [85, 5, 3, 7])[0]
    return Plan(
        seed=seed,
        modules=tuple(modules),
        workers=rng.randint(1, most_workers),
        method=rng.choices(["fork", "forkserver", "spawn"], [6, 2, 2])[0],
        needed=rng.random() < 0.2,
        restarts=rng.choices([1000, None, rng.randint(0, 2)], [80, 10, 10])[0],
        retries=rng.choice([0, 0, 0, 0, 1, 2]),
        stop=stop,
        maxfail=rng.randint(1, 6),
        strikes=_strikes(rng, count, stop),
        rounds=rng.choices([1, 2], [4, 1])[0],
    )


def _strikes(rng: random.Random, count: int, stop: Stop) -> tuple[Strike, ...]:
    kills = rng.choice([0, 0, 1, 2, 3, 5])
    drawn = [Strike(rng.randint(0, count), rng.expovariate(100), Victim.WORKER) for _ in range(kills)]
    if rng.random() < 0.04:
        drawn.append(Strike(rng.randint(0, count), rng.expovariate(100), Victim.PARENT))
    if stop is Stop.INTERRUPT:
        # Not so late that the run may be over.
        drawn.append(Strike(rng.randint(1, count // 2), rng.expovariate(100), rng.choice(INTERRUPTED)))
    return tuple(sorted(drawn, key=lambda strike: strike.begun))


def _module(rng: random.Random, path: str, first: int) -> Module:
    classes: list[Class] = []
    slow = rng.choice([0.0, 0.0, 0.001, 0.01])
    number = first
    for index in range(rng.randint(1, 5)):
        name = rng.choice([None, f"TestC{index}"])
        marks = rng.choices(
            [(), ("serial",), ("parallel_safe",), (f"xdist_group('g{rng.randint(0, 3)}')",)], [8, 1, 1, 1]
        )
        functions = []
        for _ in range(rng.randint(1, 8)):
            function = _function(rng, path, name, number, slow, marks[0])
            functions.append(function)
            number += len(function.tests)
        classes.append(Class(name, tuple(functions)))
    return Module(path, tuple(classes))


def _function(
    rng: random.Random, path: str, owner: str | None, first: int, slow: float, marks: tuple[str, ...]
) -> Function:
    parametrized = rng.random() < 0.3
    numbers = range(first, first + (rng.randint(1, 12) if parametrized else 1))
    scopes = [scope for scope in actor.SCOPES if rng.random() < 0.15]
    address = "::".join(filter(None, [path, owner, f"test_{first}"]))
    family = f"{path}::{owner}" if owner and not {"parallel_safe", "serial"} & set(marks) else None
    group = next((mark for mark in marks if mark.startswith("xdist_group")), None)
    tests = (
        replace(
            _test(rng, number, slow),
            nodeid=f"{address}[{number}]" if parametrized else address,
            family=group or family,
            serial="serial" in marks,
        )
        for number in numbers
    )
    return Function(tuple(tests), parametrized, tuple(f"of_{scope}" for scope in scopes), marks)


def _test(rng: random.Random, number: int, slow: float) -> Case:
    seconds = round(rng.expovariate(1 / slow), 6) if slow else 0.0
    phase = rng.choices(list(Phase), [2, 6, 2])[0]
    kind = rng.choices(
        [Kind.CRASHES, Kind.HANGS, Kind.FAILS, Kind.SKIPS, Kind.XFAILS, Kind.PASSES],
        [CRASHING, HANGING, FAILING, SKIPPING, XFAILING, 1000 - CRASHING - HANGING - FAILING - SKIPPING - XFAILING],
    )[0]
    if kind is Kind.CRASHES:
        return Case(number, kind, phase, rng.choice(list(actor.CRASHES)), seconds)
    if kind is Kind.HANGS:
        return Case(number, kind, phase, rng.choice(list(actor.HANGS)), seconds)
    if kind is Kind.FAILS:
        return Case(number, kind, phase, "fail", seconds)
    if kind is Kind.SKIPS:
        kind = rng.choice([Kind.SKIPS, Kind.IS_SKIPPED])
        phase = rng.choice([Phase.SETUP, Phase.CALL])
        return Case(number, kind, phase, "skip" if kind is Kind.SKIPS else None, seconds)
    if kind is Kind.XFAILS:
        kind = rng.choice([Kind.XFAILS, Kind.XPASSES])
        return Case(number, kind, Phase.CALL, "fail" if kind is Kind.XFAILS else None, seconds)
    return Case(number, kind, phase, None, seconds)

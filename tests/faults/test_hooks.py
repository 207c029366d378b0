"""Hooks that raise, each with another kind of exception: the run ends with the exit code of plain pytest.

Those of pytest's hooks are here in which an exception takes a way of its own; all of them were tried once.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from parity import ALL, PLAIN
from processes.harness import METHODS

if TYPE_CHECKING:
    from parity import Parity

TESTS = """
    import warnings
    import pytest

    @pytest.fixture(scope="module")
    def value():
        yield 1

    def test_passes(value): pass
    def test_fails(): assert [1] == [2]
    def test_warns(): warnings.warn("text")
"""
ERRORS = {
    "Exception": "raise RuntimeError('by a hook')",
    "BaseException": "raise BaseException('by a hook')",
    "Failed": "raise pytest.Session.Failed('by a hook')",
    "SystemExit": "raise SystemExit('by a hook')",
    "KeyboardInterrupt": "raise KeyboardInterrupt('by a hook')",
    "exit": "pytest.exit('by a hook', 7)",
    "UsageError": "raise pytest.UsageError('by a hook')",
}
HOOKS = (
    "pytest_configure",
    "pytest_sessionstart",
    "pytest_collect_file",
    "pytest_generate_tests",
    "pytest_collection_modifyitems",
    "pytest_collection_finish",
    "pytest_report_collectionfinish",
    "pytest_fixture_setup",
    "pytest_runtest_setup",
    "pytest_runtest_makereport",
    "pytest_runtest_logreport",
    "pytest_report_teststatus",
    "pytest_exception_interact",
    "pytest_warning_recorded",
    "pytest_runtest_logfinish",
    "pytest_terminal_summary",
    "pytest_unconfigure",
)
HOWS = dict(zip(METHODS, ALL, strict=True))
# Neither number divides the other, nor that of the hooks.
CASES = list(zip((*HOOKS, *HOOKS), cycle(ERRORS), cycle(METHODS), strict=False))


@pytest.mark.parametrize(("hook", "error", "method"), CASES)
def test_it_raises(parity: Parity, hook: str, error: str, method: str) -> None:
    parity.write(
        {"conftest.py": f"import pytest\ndef {hook}(): {ERRORS[error]}", "test_a.py": TESTS, "test_b.py": TESTS}
    )
    plain, run = parity.run(how=PLAIN), parity.run(how=HOWS[method])
    assert run.returncode == plain.returncode, run.stdout + run.stderr
    # The controller interrupts itself, without the message.
    if error != "KeyboardInterrupt" and "by a hook" in plain.stdout + plain.stderr:
        assert "by a hook" in run.stdout + run.stderr
    assert not run.leftovers
    ends = [(nodeid, when) for nodeid, when, _ in run.outcomes]
    assert len(ends) == len({*ends}), "each phase is reported once"

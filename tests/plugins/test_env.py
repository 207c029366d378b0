"""pytest-env: variables from the configuration file are there for conftests, tests and their processes, set once."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

INI = """
    env =
        PLACE=from the file
        D:GIVEN=a default
        D:OPEN=a default
        GROWING={GROWING}:more
        R:RAW=left {as} it is
        U:GONE=
"""
TESTS = """
    import os, subprocess, sys
    from witness import mark, meet

    AT_IMPORT = os.environ.get("PLACE")

    def variables():
        names = ("PLACE", "GIVEN", "OPEN", "GROWING", "RAW")
        return [os.environ.get(name) for name in names]

    def test_here():
        assert AT_IMPORT == "from the file"
        mark(f"values {variables()}")
        meet(int(os.environ.get("MEETING", 1)))

    def test_in_a_child():
        code = "import os; print(os.environ['PLACE'], os.environ['GROWING'])"
        mark(f"child {subprocess.check_output([sys.executable, '-c', code], text=True).strip()}")
        meet(int(os.environ.get("MEETING", 1)))
"""
ENVIRONMENT = {"GIVEN": "from outside", "GROWING": "seed"}
VALUES = ["from the file", "from outside", "a default", "seed:more", "left {as} it is"]


@pytest.fixture
def variables(suite: Suite) -> Suite:
    # The conftest is imported after the variables are set.
    suite.write(
        ini=INI,
        conftest="import os\nfrom witness import mark\nmark('conftest ' + os.environ['PLACE'])",
        test_a=TESTS,
        test_b=TESTS,
    )
    return suite


def found(suite: Suite, prefix: str) -> set[str]:
    return {mark.name for mark in suite.marks(prefix)}


def check(suite: Suite) -> None:
    # A variable that is made of its own value would grow with every process that is started from another.
    assert found(suite, "values") == {f"values {VALUES}"}
    assert found(suite, "child") == {"child from the file seed:more"}
    assert found(suite, "conftest") == {"conftest from the file"}


def test_in_one_process(variables: Suite) -> None:
    assert variables.run("-p", "no:fastest", plugins=("env",), env=ENVIRONMENT).counts == {"passed": 4}
    check(variables)


@pytest.mark.differs_under_xdist("a variable that is made of its own value is set twice")
@pytest.mark.parametrize("method", METHODS)
def test_in_workers(variables: Suite, method: str) -> None:
    env = {**ENVIRONMENT, "MEETING": "2"}
    result = variables.run("-n", "2", "--start-method", method, plugins=("env",), env=env)
    assert result.counts == {"passed": 4}, result.output
    assert {mark.worker for mark in variables.marks("values")} == {"gw0", "gw1"}
    check(variables)


@pytest.mark.differs_under_xdist("a variable that is made of its own value is set twice")
@pytest.mark.parametrize("method", METHODS)
def test_in_a_worker_that_replaces_another(variables: Suite, method: str) -> None:
    variables.write(test_a=TESTS, test_b="import os\ndef test_crash(): os._exit(3)\ndef test_other(): pass")
    result = variables.run("-n", "1", "--start-method", method, plugins=("env",), env=ENVIRONMENT)
    assert result.counts == {"passed": 3, "failed": 1}, result.output
    check(variables)


@pytest.mark.parametrize("method", METHODS)
def test_a_file_of_variables(variables: Suite, method: str) -> None:
    (variables.root / "own.env").write_text("PLACE='from the file'\nGROWING='seed:more'\n", "utf-8")
    variables.write(ini="env_files = own.env\nenv =\n    OPEN=a default\n    R:RAW=left {as} it is\n")
    env = {**ENVIRONMENT, "MEETING": "2"}
    result = variables.run("-n", "2", "--start-method", method, plugins=("env",), env=env)
    assert result.counts == {"passed": 4}, result.output
    check(variables)

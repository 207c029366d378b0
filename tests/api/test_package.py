"""The package itself: imports, markers, values, errors."""

from __future__ import annotations

import pickle
import subprocess
import sys
import typing

import pytest

import fastest


def loaded_after(statement: str) -> set[str]:
    """The modules in a fresh interpreter after `statement`."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_the_package_is_light():
    modules = loaded_after("import fastest")
    assert {name for name in modules if name.split(".")[0] == "fastest"} == {"fastest"}
    assert not {"pytest", "_pytest", "subprocess", "inspect"} & modules


def test_calling_the_api_does_not_import_pytest():
    assert "pytest" not in loaded_after("import fastest; fastest.run_tests_parallel([]); fastest.discover_tests")


def test_importing_the_command_does_not_import_pytest():
    assert "pytest" not in loaded_after("import fastest.__main__")


def test_every_public_name_is_there():
    for name in fastest.__all__:
        assert getattr(fastest, name) is not None
    assert set(fastest.__all__) <= set(dir(fastest))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = fastest.no_such_name


def test_markers_are_those_of_pytest():
    code = """if True:
        import fastest, pytest
        from fastest import mark
        assert fastest.mark is mark
        assert mark.serial == pytest.mark.serial
        assert mark.parallel_safe == pytest.mark.parallel_safe
        assert not hasattr(mark, "no_such_marker")
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


@pytest.mark.parametrize(
    "error",
    [
        fastest.InvalidWorkerCountError(0),
        fastest.MissingPathError("x"),
        fastest.UnknownTestError(("a", "b")),
        fastest.MixedOriginsError("a", "b"),
        fastest.CollectionError((fastest.CollectionFailure("a", "text"),)),
        fastest.PytestError(3, "output"),
        fastest.PytestUsageError(4, "output"),
        fastest.ChildDiedError(-9, "output"),
        fastest.ChildTimeoutError(1.0, "output"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_have_one_base_and_can_be_pickled(error):
    assert isinstance(error, fastest.FastestError)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_a_signal_is_named():
    assert "SIGKILL" in str(fastest.ChildDiedError(-9, ""))
    assert "signal 77" in str(fastest.ChildDiedError(-77, ""))


def test_long_lists_of_unknown_ids_are_cut():
    text = str(fastest.UnknownTestError(tuple(f"id{n}" for n in range(1000))))
    assert "990 more" in text
    assert len(text.splitlines()) == 12


def test_type_hints_can_be_resolved():
    for documented in (
        fastest.discover_tests,
        fastest.run_tests_parallel,
        fastest.Test,
        fastest.TestResult,
        fastest.RunResult,
    ):
        assert typing.get_type_hints(documented)

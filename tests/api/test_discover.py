"""`fastest.discover_tests`."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fastest

ONE_TEST = "def test_one(): pass\n"


def test_fields_of_a_test(make_project):
    root = make_project(
        {
            "sub/test_a.py": """\
                import pytest

                VALUES = [(1, {"a"}), (2.5, "text")]
                pytestmark = pytest.mark.skipif(False, reason="no")

                class TestB:
                    @pytest.mark.parametrize("number, thing", VALUES, ids=["x", "y"])
                    def test_c(self, number, thing):
                        pass
                """
        }
    )
    first, second = fastest.discover_tests("sub", cwd=root)
    assert first.node_id == "sub/test_a.py::TestB::test_c[x]"
    assert first.path == root / "sub" / "test_a.py"
    assert first.line == 7
    assert first.name == "test_c[x]"
    assert first.parameters == {"number": 1, "thing": "{'a'}"}
    assert second.parameters == {"number": 2.5, "thing": "text"}
    assert [marker.name for marker in first.markers] == ["parametrize", "skipif"]
    assert first.markers[1] == fastest.Marker("skipif", (False,), {"reason": "no"})


def test_tests_can_be_pickled_hashed_and_compared(make_project):
    root = make_project({"test_a.py": ONE_TEST})
    (test,) = fastest.discover_tests(cwd=root)
    copy = pickle.loads(pickle.dumps(test))
    assert copy == test
    assert copy.origin == test.origin
    assert {test, copy} == {test}
    with pytest.raises(AttributeError):
        test.name = "other"


def test_without_paths_takes_testpaths(make_project):
    root = make_project(
        {"here/test_a.py": ONE_TEST, "there/test_b.py": ONE_TEST},
        ini="[pytest]\ntestpaths = here\n",
    )
    assert [t.node_id for t in fastest.discover_tests(cwd=root)] == ["here/test_a.py::test_one"]


def test_takes_several_paths_node_ids_and_options(make_project):
    root = make_project({"test_a.py": "def test_1(): pass\ndef test_2(): pass\n", "d/test_b.py": ONE_TEST})
    found = fastest.discover_tests([root / "test_a.py", "d/test_b.py"], args=["-k", "not 2"], cwd=root)
    assert [test.name for test in found] == ["test_1", "test_one"]
    assert [t.name for t in fastest.discover_tests("test_a.py::test_2", cwd=root)] == ["test_2"]


def test_line_is_unknown_for_a_test_defined_in_another_file(make_project):
    root = make_project(
        {
            "base.py": "class Base:\n    def test_inherited(self): pass\n",
            "conftest.py": "",
            "test_a.py": "from base import Base\nclass TestA(Base): pass\n",
        }
    )
    (test,) = fastest.discover_tests(cwd=root)
    assert (test.path.name, test.line) == ("test_a.py", None)


def test_parameters_that_are_hard_to_represent(make_project):
    root = make_project(
        {
            "test_a.py": """\
                import pytest

                class Broken:
                    def __repr__(self):
                        raise RuntimeError

                VALUES = [Broken(), 10**5000, float("inf"), "\\udc80", [*range(10**5)], True, None]

                @pytest.mark.parametrize("v", VALUES, ids=range(len(VALUES)))
                def test_v(v):
                    pass
                """
        }
    )
    values = [test.parameters["v"] for test in fastest.discover_tests(cwd=root)]
    assert values[0] == "<Broken: repr() failed with RuntimeError>"
    assert values[1] == "<int: repr() failed with ValueError>" or len(values[1]) == 1000
    assert values[2:4] == ["inf", "\udc80"]
    assert len(values[4]) == 1000
    assert values[5:] == [True, None]


def test_the_interpreter_and_its_path_stay_as_they_are(make_project):
    root = make_project({"test_only_in_the_child.py": ONE_TEST, "conftest.py": ""})
    fastest.discover_tests(cwd=root)
    modules, path, cwd = set(sys.modules), list(sys.path), Path.cwd()
    fastest.discover_tests(cwd=root)
    assert (set(sys.modules), sys.path, Path.cwd()) == (modules, path, cwd)


def test_sees_what_changed_since_the_last_call(make_project):
    root = make_project({"test_a.py": ONE_TEST})
    assert len(fastest.discover_tests(cwd=root)) == 1
    (root / "test_a.py").write_text("def test_one(): pass\ndef test_two(): pass\n")
    assert len(fastest.discover_tests(cwd=root)) == 2


def test_calls_from_threads_do_not_meet(make_project):
    roots = [make_project({f"test_{n}.py": "def test_x(): pass\n" * 1}, at=f"p{n}") for n in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda root: fastest.discover_tests(cwd=root), roots))
    assert [[t.node_id for t in tests] for tests in found] == [[f"test_{n}.py::test_x"] for n in range(4)]


def test_files_in_the_working_directory_do_not_shadow_the_standard_library(make_project):
    root = make_project({"json.py": "1/0", "fastest.py": "1/0", "test_a.py": ONE_TEST})
    assert len(fastest.discover_tests("test_a.py", cwd=root, args=["--import-mode=importlib"])) == 1


def test_no_tests_is_an_empty_list(make_project):
    assert fastest.discover_tests(cwd=make_project({})) == []


def test_a_missing_path(make_project):
    root = make_project({"test_a.py": ONE_TEST})
    with pytest.raises(fastest.MissingPathError, match="nowhere") as caught:
        fastest.discover_tests(["test_a.py", "nowhere"], cwd=root)
    assert caught.value.path == root / "nowhere"
    with pytest.raises(fastest.MissingPathError, match="-x"):
        fastest.discover_tests("-x", cwd=root)


def test_a_missing_working_directory(tmp_path):
    with pytest.raises(fastest.MissingPathError):
        fastest.discover_tests(cwd=tmp_path / "nowhere")


def test_collection_errors_are_raised_with_their_text(make_project):
    root = make_project({"test_a.py": "import no_such_module\n", "test_b.py": ONE_TEST})
    with pytest.raises(fastest.CollectionError, match="no_such_module") as caught:
        fastest.discover_tests(cwd=root)
    (failure,) = caught.value.failures
    assert failure.node_id == "test_a.py"
    assert "ModuleNotFoundError" in failure.text
    found = fastest.discover_tests(cwd=root, args=["--continue-on-collection-errors"])
    assert [test.node_id for test in found] == ["test_b.py::test_one"]


def test_options_that_pytest_refuses(make_project):
    root = make_project({"test_a.py": ONE_TEST})
    with pytest.raises(fastest.PytestUsageError, match="--no-such-option"):
        fastest.discover_tests(cwd=root, args=["--no-such-option"])


def test_an_internal_error(make_project):
    root = make_project({"conftest.py": "def pytest_collection(): 1/0\n"})
    with pytest.raises(fastest.PytestError, match="ZeroDivisionError") as caught:
        fastest.discover_tests(cwd=root)
    assert caught.value.exit_code == 3


def test_a_child_that_dies(make_project):
    root = make_project({"test_a.py": "import os\nos._exit(7)\n"})
    with pytest.raises(fastest.ChildDiedError, match="exit status 7") as caught:
        fastest.discover_tests(cwd=root)
    assert caught.value.returncode == 7


def test_a_child_that_takes_too_long(make_project):
    root = make_project({"test_a.py": "import time\ntime.sleep(60)\n"})
    with pytest.raises(fastest.ChildTimeoutError, match=r"1\.5 s") as caught:
        fastest.discover_tests(cwd=root, timeout=1.5)
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"paths": 3}, TypeError),
        ({"paths": [b"x"]}, TypeError),
        ({"args": "-v"}, TypeError),
        ({"args": [1]}, TypeError),
        ({"cwd": 1}, TypeError),
        ({"timeout": "1"}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": float("nan")}, ValueError),
    ],
)
def test_arguments_of_the_wrong_kind(arguments, error):
    with pytest.raises(error):
        fastest.discover_tests(**arguments)

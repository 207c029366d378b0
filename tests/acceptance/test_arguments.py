"""Which tests run, by command line and configuration."""

from __future__ import annotations

import pytest
from parity import ALL, FORK, FORKSERVER, HERE, PLAIN, SPAWN, Parity

SELECTABLE = """
    import pytest

    @pytest.mark.slow
    def test_slow(): pass
    def test_alpha(): pass
    def test_beta(): assert 0
    class TestGamma:
        def test_alpha(self): pass
        @pytest.mark.slow
        @pytest.mark.parametrize("n", [1, 2])
        def test_delta(self, n): pass
"""
INI = "[pytest]\nmarkers =\n    slow: takes long\n"


@pytest.mark.parametrize(
    "args",
    [
        ("-k", "alpha"),
        ("-k", "alpha and not Gamma or delta"),
        ("-m", "slow"),
        ("-m", "not slow", "-q"),
        ("--deselect", "test_a.py::test_beta", "--deselect", "sub/test_b.py::TestGamma"),
        ("test_a.py::TestGamma", "sub/test_b.py::test_beta"),
        ("sub/test_b.py::TestGamma::test_delta[2]", "test_a.py"),
        ("sub", "--ignore=sub/deep"),
        ("--ignore-glob=*_b.py",),
        ("--rootdir=sub", "sub"),
        ("--rootdir=..", "."),
        ("--confcutdir=sub", "sub"),
    ],
    ids=" ".join,
)
def test_selection(parity: Parity, args: tuple[str, ...]) -> None:
    files = dict.fromkeys(("test_a.py", "sub/test_b.py", "sub/deep/test_c.py"), SELECTABLE)
    parity.write({"pytest.ini": INI, **files})
    parity.check(*args)


def test_conftests_of_sub_folders_override_fixtures(parity: Parity) -> None:
    fixture = "import pytest\n@pytest.fixture\ndef value(): return '{}'"
    test = "def test_value(value): assert value == '{}'\ndef test_wrong(value): assert value == 'other'"
    parity.write(
        {
            "conftest.py": fixture.format("top"),
            "test_top.py": test.format("top"),
            "one/conftest.py": "import pytest\n@pytest.fixture\ndef value(value): return value + ' and one'",
            "one/test_one.py": test.format("top and one"),
            "two/test_two.py": test.format("top"),
            "two/deep/conftest.py": fixture.format("deep") + "\ndef pytest_runtest_setup(): print('deep')",
            "two/deep/test_deep.py": test.format("deep"),
        }
    )
    parity.check(hows=ALL)


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_import_modes(parity: Parity, mode: str) -> None:
    test = """
        import sys
        from pathlib import Path

        def test_name(): assert __name__ in sys.modules
        def test_path(): assert str(Path(__file__).parent) in sys.path
        def test_shown(): assert __name__ == ""
    """
    parity.write(
        {
            "test_top.py": test,
            "pkg/__init__.py": "",
            "pkg/conftest.py": "import pytest\n@pytest.fixture(autouse=True)\ndef one(): print(__name__)",
            "pkg/test_inside.py": test,
            "plain/test_inside_too.py": test,
        }
    )
    parity.check(f"--import-mode={mode}", hows=ALL)


def test_same_file_names_in_folders_without_packages(parity: Parity) -> None:
    """A collection error with `prepend`, two modules with `importlib`."""
    parity.write({f"{folder}/test_same.py": "def test_a(): pass" for folder in "ab"})
    plain, *_ = parity.check()
    assert plain.returncode == pytest.ExitCode.INTERRUPTED
    plain, *_ = parity.check("--import-mode=importlib")
    assert plain.returncode == pytest.ExitCode.OK


def test_another_configuration_file(parity: Parity) -> None:
    parity.write(
        {
            "pytest.ini": "[pytest]\naddopts = --no-such-option",
            "other/other.ini": "[pytest]\npython_files = check_*.py\npython_functions = check_*",
            "check_it.py": "def check_a(): pass\ndef test_b(): pass",
            "check_other.py": "def check_c(): assert 0",
        }
    )
    parity.check("-c", "other/other.ini", "--rootdir=.", hows=ALL)


def test_configuration_in_pyproject_and_test_paths(parity: Parity) -> None:
    parity.write(
        {
            "pyproject.toml": """
                [tool.pytest.ini_options]
                testpaths = ["checks"]
                pythonpath = ["src"]
                addopts = ["-rA", "--strict-markers"]
                markers = ["fine: a marker"]
            """,
            "src/library.py": "VALUE = 3",
            "checks/test_a.py": "import library, pytest\n@pytest.mark.fine\ndef test_a(): assert library.VALUE == 3",
            "checks/test_b.py": "def test_b(): pass",
            "elsewhere/test_c.py": "def test_c(): assert 0",
        }
    )
    parity.check(hows=ALL)


def test_installed_packages_by_name(parity: Parity) -> None:
    parity.write(
        {
            "src/package/__init__.py": "",
            "src/package/tests/__init__.py": "",
            "src/package/tests/test_a.py": "def test_a(): pass",
            "src/package/tests/test_b.py": "def test_b(): assert 0",
            "start/pytest.ini": "[pytest]\npythonpath = ../src",
        }
    )
    parity.check("-c", "start/pytest.ini", "--pyargs", "package", hows=ALL)
    parity.check("-c", "start/pytest.ini", "--pyargs", "package.tests.test_a", "package.tests.test_b::test_b")


def test_plugins_by_option_and_environment(parity: Parity) -> None:
    plugin = """
        import pytest

        def pytest_addoption(parser):
            parser.addoption("--{0}", default="none")
            parser.addini("{0}_ini", "help", default="unset")

        @pytest.fixture
        def {0}(request):
            return request.config.getoption("--{0}") + request.config.getini("{0}_ini")

        def pytest_report_header(): return "{0} is here"
        def pytest_report_collectionfinish(items): return "{0} saw " + str(len(items))
    """
    parity.write(
        {
            "first_plugin.py": plugin.format("first"),
            "second_plugin.py": plugin.format("second"),
            "test_a.py": "def test_a(first): assert first == 'hereset'",
            "test_b.py": "def test_b(second): assert second == 'noneunset'",
        }
    )
    args = ("-p", "first_plugin", "--first=here", "-o", "first_ini=set", "-o", "pythonpath=.")
    environment = {"PYTEST_PLUGINS": "second_plugin", "PYTHONPATH": f"{parity.place}:{HERE}"}
    parity.check(*args, hows=ALL, environment=environment)


def test_plugins_of_a_conftest(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                pytest_plugins = ["helper_plugin"]
                def pytest_addoption(parser):
                    parser.addoption("--flavour", choices=["sweet", "sour"], default="sweet")
            """,
            "helper_plugin.py": """
                import pytest

                @pytest.fixture
                def flavour(pytestconfig): return pytestconfig.option.flavour
            """,
            "test_a.py": "def test_a(flavour): assert flavour == 'sour'",
            "test_b.py": "def test_b(flavour): assert flavour == 'sweet'",
        }
    )
    parity.check("--flavour=sour", hows=ALL)
    plain, *_ = parity.check("--flavour=bitter")
    assert plain.returncode == pytest.ExitCode.USAGE_ERROR


def test_blocked_and_disabled_plugins(parity: Parity) -> None:
    parity.write({"test_a.py": "def test_a(capsys): print(1)", "test_b.py": "def test_b(cache): pass"})
    parity.check("-p", "no:cacheprovider", hows=ALL)
    parity.check("-p", "no:terminal")
    parity.check("-p", "no:logging", "-p", "no:doctest", "-p", "no:unittest", "-p", "no:warnings")


def test_options_of_the_environment(parity: Parity) -> None:
    parity.write({"pytest.ini": INI, "test_a.py": SELECTABLE, "test_b.py": SELECTABLE})
    parity.check(environment={"PYTEST_ADDOPTS": "-k 'alpha or delta'"}, hows=ALL)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("no_such_path",), 4),
        (("test_a.py::test_no_such",), 4),
        (("--no-such-option",), 4),
        (("-k", "a b c"), 4),
        (("-m", "(("), 4),
        (("--maxfail=many",), 4),
        (("-c", "no_such.ini"), 4),
        (("-p", "no_such_plugin"), 4),
        (("empty",), 5),
        (("-k", "nothing_has_this_name"), 5),
        (("-m", "slow and not slow", "--strict-markers"), 5),
    ],
    ids=str,
)
def test_errors_of_usage_and_empty_runs(parity: Parity, args: tuple[str, ...], code: int) -> None:
    parity.write({"pytest.ini": INI, "test_a.py": SELECTABLE, "empty/library.py": "x = 1"})
    plain, *_ = parity.check(*args)
    assert plain.returncode == code


def test_unknown_ini_values_when_they_are_errors(parity: Parity) -> None:
    parity.write({"pytest.ini": INI, "test_a.py": SELECTABLE})
    # pytest looks at them after it has collected; only the process that collects gets that far.
    plain, *_ = parity.check("--strict-config", "-o", "no_such_ini=1", ignore=("cache", "finish"))
    assert plain.returncode == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "args", [("no_such_path",), ("test_a.py::test_no_such",), ("empty",), ("-k", "nothing")], ids=str
)
def test_errors_of_usage_and_empty_runs_when_workers_collect(parity: Parity, args: tuple[str, ...]) -> None:
    parity.write({"test_a.py": "def test_a(): pass", "empty/library.py": "x = 1"})
    parity.check(*args, hows=(FORKSERVER, SPAWN))


def test_strict_markers(parity: Parity) -> None:
    parity.write(
        {"test_a.py": "import pytest\n@pytest.mark.unheard\ndef test_a(): pass", "test_b.py": "def test_b(): pass"}
    )
    plain, *_ = parity.check("--strict-markers")
    assert plain.returncode == pytest.ExitCode.INTERRUPTED


def test_arguments_from_a_file(parity: Parity) -> None:
    parity.write({"args.txt": "-k\nalpha\n", "pytest.ini": INI, "test_a.py": SELECTABLE, "test_b.py": SELECTABLE})
    parity.check("@args.txt", hows=(FORK,))


@pytest.mark.parametrize("plugin", ["terminal", "capture", "tmpdir", "reports", "logging", "warnings"])
def test_without_a_plugin_of_pytest(parity: Parity, plugin: str) -> None:
    parity.write({"test_a.py": "def test_a(): pass\ndef test_b(): assert 0", "test_b.py": "def test_c(): pass"})
    runs = [parity.run("-p", f"no:{plugin}", how=how) for how in (PLAIN, *ALL)]
    assert [run.returncode for run in runs] == [runs[0].returncode] * len(runs)
    assert [run.outcomes for run in runs] == [runs[0].outcomes] * len(runs)

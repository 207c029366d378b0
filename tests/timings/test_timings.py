"""What a run finds out about its tests, and what the next one makes of it."""

from __future__ import annotations

import re

import pytest
from processes.harness import METHODS, Result, Suite

FILE = ".pytest_cache/d/fastest/timings"
SLEEPS = """
    import time
    import pytest

    @pytest.mark.parametrize("number", range(40))
    def test_sleeps(number):
        time.sleep(0.05)
"""
COMPUTES = """
    import time
    import pytest

    @pytest.mark.parametrize("number", range(40))
    def test_computes(number):
        end = time.process_time() + 0.02
        while time.process_time() < end: pass
"""
SHARES = """
    import time
    import pytest
    from witness import mark

    @pytest.fixture(scope="module")
    def expensive():
        mark("sets up")
        time.sleep(1)

    @pytest.mark.parametrize("number", range(10))
    def test_uses(expensive, number):
        time.sleep(0.02)
"""


def known(suite: Suite, *args: str) -> list[str]:
    """The lines that `--show-timings` prints about tests and modules."""
    result = suite.run("--show-timings", *args)
    assert result.returncode == 0, result.output
    return [line.strip() for line in result.stdout.splitlines() if re.match(r" *\d+\.\d+ m?s  ", line)]


@pytest.mark.parametrize("method", METHODS)
def test_durations_are_known_afterwards(suite: Suite, method: str) -> None:
    suite.write(
        test_fast="def test_fast(): pass",
        test_slow="import time\ntime.sleep(0.15)\ndef test_slow(): time.sleep(0.3)\ndef test_half(): time.sleep(0.15)",
    )
    suite.run("-n", "2", "--start-method", method)
    tests = [line.split("  ")[1] for line in known(suite)]
    assert tests == [
        "test_slow.py::test_slow",
        "test_slow.py::test_half",
        "test_fast.py::test_fast",
        *[line.split("  ")[1] for line in known(suite)[3:]],
    ]
    slow = known(suite)[0]
    assert 300 <= float(slow.split()[0]) < 2000, slow
    (module,) = [line for line in known(suite) if "test_slow.py (" in line]
    imported = re.search(r"import (\d+)\.\d ms", module)
    assert imported is not None
    assert 150 <= int(imported[1]) < 2000, module


def test_a_run_without_workers_writes_nothing(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    suite.run()
    assert not (suite.root / FILE).exists()
    result = suite.run("--show-timings")
    assert "they are written by runs with workers" in result.stdout


def test_tests_that_wait_get_more_workers_than_cores(suite: Suite) -> None:
    suite.write(test_a=SLEEPS, test_b=SLEEPS)
    first = suite.run("-n", "0")
    second = suite.run("-n", "0")
    assert second.counts == {"passed": 80}
    assert second.workers > first.workers or "automatic: one per usable core" not in str(first.header)
    assert re.search(r"tests wait \d\d % of their time", second.header or ""), second.header


def test_tests_that_compute_get_no_more(suite: Suite) -> None:
    suite.write(test_a=COMPUTES, test_b=COMPUTES)
    first = suite.run("-n", "0")
    second = suite.run("-n", "0")
    assert second.workers <= first.workers, second.header


CHILDREN = """
    import subprocess, sys
    import pytest

    @pytest.mark.parametrize("number", range(8))
    def test_child(number):
        code = "import time\\nwhile time.process_time() < 0.15: pass"
        subprocess.run([sys.executable, "-c", code], check=True)
"""
THREADS = """
    import threading, time
    import pytest

    def compute():
        while time.thread_time() < 0.1: pass

    @pytest.mark.parametrize("number", range(8))
    def test_thread(number):
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
"""


@pytest.mark.parametrize("tests", [CHILDREN, THREADS], ids=["children", "threads"])
def test_nor_do_tests_that_let_others_compute(suite: Suite, tests: str) -> None:
    suite.write(test_a=tests)
    suite.run("-n", "1")
    result = suite.run("-n", "0")
    assert "tests wait" not in (result.header or ""), result.header


def test_a_module_is_not_split_for_less_than_its_fixtures_cost(suite: Suite) -> None:
    suite.write(test_shares=SHARES)
    suite.run("-n", "2")
    assert len(suite.marks("sets up")) == 2
    (module,) = [line for line in known(suite) if "test_shares.py (" in line]
    assert "shared fixtures 1.0" in module
    suite.forget_marks()
    assert suite.run("-n", "2").counts == {"passed": 10}
    assert len(suite.marks("sets up")) == 1


def test_what_would_be_waited_for_is_first_in_the_second_run(suite: Suite) -> None:
    test = "from witness import mark\nimport time\ndef test_it():\n    mark(__name__)\n    time.sleep({seconds})\n"
    suite.write(test_a=test.format(seconds=0.1), test_b=test.format(seconds=0.2), test_c=test.format(seconds=0.6))
    suite.run("-n", "2")
    suite.forget_marks()
    suite.run("-n", "2")
    assert suite.marks("test_")[2].name != "test_c"


def test_each_worker_keeps_the_order_of_collection(suite: Suite) -> None:
    """Modules of many sizes, and none that would be waited for."""
    suite.write(
        conftest="""
            from witness import meet

            workers_met = False

            def pytest_runtest_setup():
                # Otherwise one of them may be done before the other begins.
                global workers_met
                if not workers_met:
                    meet(2)
                workers_met = True
        """
    )
    for number in range(40):
        source = f"""
            import time, pytest
            from witness import mark

            @pytest.mark.parametrize("number", range({1 + number * 7 % 5}))
            def test_it(number):
                if number == 0:
                    mark("begins " + __name__)
                time.sleep(0.005)
        """
        suite.write(**{f"test_{number:02}": source})
    assert suite.run("-n", "2").counts == {"passed": 120}
    begun: dict[int, list[str]] = {}
    for mark in suite.marks("begins"):
        begun.setdefault(mark.pid, []).append(mark.name)
    assert len(begun) == 2
    for names in begun.values():
        # What the quicker one takes over at the end may come from further in front.
        before = names[: len(names) // 2]
        assert before == sorted(before)


def test_two_runs_at_once(suite: Suite) -> None:
    for name in "abcdefgh":
        suite.write(**{f"test_{name}": "def test_it(): pass"})
    for _ in range(3):
        with (
            suite.running("-n", "2", *(f"test_{name}.py" for name in "abcd")) as one,
            suite.running("-n", "2", *(f"test_{name}.py" for name in "efgh")) as other,
        ):
            assert one.finish().returncode == other.finish().returncode == 0
        assert sum("::" in line for line in known(suite)) == 8
        (suite.root / FILE).unlink()


def warned(result: Result) -> int:
    return result.stdout.count("PytestWarning: fastest: ")


def test_a_broken_file_is_replaced_with_one_warning(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    file = suite.root / FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"fastest timings 2\n\x93")
    result = suite.run("-n", "2")
    assert result.counts == {"passed": 1, "warnings": 1}
    assert warned(result) == 1
    assert f"{file} does not hold timings of this version of fastest" in result.stdout
    assert suite.run("-n", "2").counts == {"passed": 1}
    assert len(known(suite)) == 2


def test_a_file_for_ci(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    suite.run("-n", "2", "--timings", "kept.timings", "-p", "no:cacheprovider")
    assert not (suite.root / ".pytest_cache").exists()
    assert known(suite, "--timings", "kept.timings")[0].endswith("test_a.py::test_a")


def test_another_file_is_left_alone(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    (suite.root / "results.json").write_text("{}", "utf-8")
    result = suite.run("-n", "2", "--timings", "results.json")
    assert result.counts == {"passed": 1, "warnings": 1}
    assert (suite.root / "results.json").read_text("utf-8") == "{}"
    shown = suite.run("--show-timings", "--timings", "results.json")
    assert shown.returncode == 4
    assert "results.json does not hold timings" in shown.stderr


def test_folders_are_made(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    suite.run("-n", "2", "--timings", "some/where/timings")
    assert "test_a.py::test_a" in suite.run("--show-timings", "--timings", "some/where/timings").stdout


def test_a_place_that_is_none(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass")
    result = suite.run("-n", "2", "--timings", "test_a.py/timings")
    assert result.returncode == 0
    assert "test_a.py/timings: Not a directory" in result.stdout
    assert warned(result) == 1


def test_without_a_cache_there_is_nothing_to_show(suite: Suite) -> None:
    result = suite.run("--show-timings", "-p", "no:cacheprovider")
    assert result.returncode == 4
    assert "name a file with --timings" in result.stderr


def test_the_command(suite: Suite) -> None:
    import sys

    suite.write(test_a="def test_a(): pass", test_b="def test_b(): pass")
    suite.run("-n", "2")
    result = suite.run("timings", "1", command=[sys.executable, "-m", "fastest"])
    assert result.returncode == 0, result.output
    assert result.stdout.count("::test_") == 1


def test_every_worker_runs_everything(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass", test_b="def test_b(): pass")
    suite.run("-n", "2", "--dist", "each")
    assert sum("::" in line for line in known(suite)) == 2


# Two workers have enough to do with them while a third sets up what takes 0.4 s, on a slow machine too.
OTHERS = {f"test_other_{number}": "import time\ndef test_it(): time.sleep(0.2)" for number in range(8)}


def test_what_uses_an_expensive_session_fixture_stays_together(suite: Suite) -> None:
    """As soon as it is known what the fixture costs, and that the other tests are enough for the others."""
    suite.write(
        conftest="""
            import os, time, pytest

            @pytest.fixture(scope="session")
            def database():
                time.sleep(0.4)
                with open("set_up", "a") as file:
                    print(os.environ["PYTEST_XDIST_WORKER"], file=file)
        """,
        **{f"test_uses_{number}": "def test_it(database): pass" for number in range(6)},
        **OTHERS,
    )
    log = suite.root / "set_up"
    arguments = ("-n", "3", "--start-method", "fork")
    suite.run(*arguments)
    log.unlink()
    result = suite.run(*arguments)
    assert "14 passed" in result.stdout, result.output
    assert len(log.read_text().splitlines()) == 1
    shown = suite.run("--show-timings").stdout
    assert re.search(r"slowest fixtures.*\n +([4-9]\d\d\.\d ms|\d+\.\d\d s)  database \(conftest\)\n", shown), shown


def test_a_package_s_fixture_is_not_torn_down_in_between(suite: Suite) -> None:
    """To begin with what would be waited for would alone lead from one package to the other and back."""
    fixture = """
        import pytest

        @pytest.fixture(scope="package", autouse=True)
        def package():
            with open("set_up", "a") as file:
                print(__file__, file=file)
    """
    sleep = "import time\ndef test_it(): time.sleep({})"
    for package, durations in (("one", (0.4, 0.1)), ("two", (0.3, 0.05))):
        files = {f"{package}/test_{package}_{number}": sleep.format(time) for number, time in enumerate(durations)}
        (suite.root / package).mkdir()
        suite.write(**{f"{package}/__init__": "", f"{package}/conftest": fixture}, **files)
    suite.write(test_long="import time\ndef test_long(): time.sleep(1)")
    arguments = ("-n", "2", "--start-method", "fork")
    suite.run(*arguments)
    (suite.root / "set_up").unlink()
    suite.run(*arguments)
    assert len((suite.root / "set_up").read_text().splitlines()) == 2


@pytest.mark.parametrize("content", [b"fastest timings 1\n\x80", b""])
def test_a_file_of_another_version_is_replaced_although_the_user_has_named_it(suite: Suite, content: bytes) -> None:
    suite.write(test_a="def test_a(): pass", test_b="def test_b(): pass")
    (suite.root / "kept").write_bytes(content)
    assert "does not hold timings of this version" in suite.run("-n", "2", "--timings", "kept").stdout
    assert "does not hold" not in suite.run("-n", "2", "--timings", "kept").stdout


def test_where_warnings_are_errors_timings_that_are_no_good_are_none(suite: Suite) -> None:
    suite.write(ini="filterwarnings = error", test_a="def test_a(): pass", test_b="def test_b(): pass")
    suite.run("-n", "2")
    (suite.root / FILE).write_bytes(b"fastest timings 1\n")
    result = suite.run("-n", "2")
    assert result.returncode == 0, result.output
    assert "does not hold timings of this version of fastest: this run goes without" in result.stdout
    assert "does not hold" not in suite.run("-n", "2").stdout
    result = suite.run("-n", "2", "--timings", "test_a.py/timings")
    assert result.returncode == 0, result.output
    assert "test_a.py/timings: Not a directory" in result.stdout


def test_a_link_to_timings_stays_one(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass", test_b="def test_b(): pass")
    (suite.root / "link").symlink_to("target")
    (suite.root / "target").touch()
    suite.run("-n", "2", "--timings", "link")
    assert (suite.root / "link").is_symlink()
    assert (suite.root / "target").stat().st_size > 0


def test_fixtures_count_for_the_number_of_workers(suite: Suite) -> None:
    """They are no reason against a second worker: each sets up its own, at the same time."""
    source = """
        import time, pytest

        @pytest.fixture(scope="module", autouse=True)
        def slow(): time.sleep(0.3)

        def test_it(): pass
    """
    suite.write(**{f"test_{number}": source for number in range(4)})
    suite.run("-n", "2")
    result = suite.run("-n", "0")
    assert result.workers > 1, result.output


def test_an_overridden_session_fixture_is_known(suite: Suite) -> None:
    (suite.root / "sub").mkdir()
    suite.write(
        **{
            "conftest": """
                import os, time, pytest

                @pytest.fixture(scope="session")
                def database():
                    time.sleep(0.4)
                    with open("set_up", "a") as file:
                        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
            """,
            "sub/conftest": "import pytest\n@pytest.fixture\ndef database(database): return database",
        },
        **{f"sub/test_uses_{number}": "def test_it(database): pass" for number in range(6)},
        **OTHERS,
    )
    arguments = ("-n", "3", "--start-method", "fork")
    suite.run(*arguments)
    (suite.root / "set_up").unlink()
    result = suite.run(*arguments)
    assert "14 passed" in result.stdout, result.output
    assert len((suite.root / "set_up").read_text().splitlines()) == 1


@pytest.mark.parametrize("value", ["-1", "0", "x"])
def test_a_number_of_tests_to_show_is_one(suite: Suite, value: str) -> None:
    result = suite.run(f"--show-timings={value}")
    assert result.returncode == 4
    assert f"{value!r} is not a number from 1 on" in result.stderr

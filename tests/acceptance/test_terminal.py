"""What the terminal shows while tests run, and below them."""

from __future__ import annotations

import re

import pytest
from parity import ALL, FORK, PLAIN, Parity
from processes.harness import METHODS

FILES = {
    "test_a.py": "import pytest\ndef test_p(): pass\ndef test_f(): assert 0\n@pytest.mark.skip\ndef test_s(): pass",
    "test_b.py": "import pytest\ndef test_q(): pass\n@pytest.mark.xfail\ndef test_x(): assert 0\ndef test_k(): pass",
}


@pytest.mark.parametrize("how", ALL, ids=METHODS)
def test_verbose_progress_names_worker_share_and_outcome(parity: Parity, how: tuple[str, ...]) -> None:
    parity.write(FILES)
    run = parity.run("-v", how=how)
    lines = re.findall(r"^\[(gw[01])\] \[ *(\d+)%\] (\w+) (test_\w\.py::test_\w)", run.stdout, re.MULTILINE)
    assert sorted((nodeid, word) for _, _, word, nodeid in lines) == [
        ("test_a.py::test_f", "FAILED"),
        ("test_a.py::test_p", "PASSED"),
        ("test_a.py::test_s", "SKIPPED"),
        ("test_b.py::test_k", "PASSED"),
        ("test_b.py::test_q", "PASSED"),
        ("test_b.py::test_x", "XFAIL"),
    ]
    assert [int(share) for _, share, _, _ in lines] == [16, 33, 50, 66, 83, 100]


def test_progress_has_a_letter_per_test(parity: Parity) -> None:
    parity.write(FILES)
    run = parity.run()
    progress = re.search(r"^([.Fsx]+) +\[100%\]$", run.stdout, re.MULTILINE)
    assert progress is not None, run.stdout
    assert sorted(progress[1]) == sorted("...Fsx")


@pytest.mark.parametrize("style", ["classic", "count", "progress-even-when-capture-no", "times"])
def test_styles_of_progress(parity: Parity, style: str) -> None:
    parity.write(FILES)
    parity.check("-o", f"console_output_style={style}")


@pytest.mark.parametrize("option", ["-q", "-qq", "-qqq", "--no-header", "--no-summary", "--color=yes", "-rN", "-rfE"])
def test_quiet_and_other_shapes(parity: Parity, option: str) -> None:
    parity.write(FILES)
    plain, run = parity.run(option, how=PLAIN), parity.run(option, how=FORK)
    ignored = {"head"} if option in ("-q", "-qq", "-qqq", "--color=yes", "--no-header") else set()
    one, other = plain.aspects(), run.aspects()
    for name in {*one, *other} - ignored:
        assert other.get(name) == one.get(name), name
    assert ("fastest: 2 workers" in run.stdout) == (not option.startswith("-q"))


@pytest.mark.parametrize(
    "args", [(), ("-k", "test_p or test_x"), ("--deselect", "test_a.py::test_p"), ("-k", "test_f")]
)
def test_line_of_what_was_collected(parity: Parity, args: tuple[str, ...]) -> None:
    parity.write(FILES)
    plain, run = parity.run(*args, how=PLAIN), parity.run(*args)
    (expected,) = [line for line in plain.stdout.splitlines() if line.startswith("collected")]
    (actual,) = [line for line in run.stdout.splitlines() if line.startswith("collected")]
    assert actual == expected


def test_durations_have_the_same_entries(parity: Parity) -> None:
    fixture = """
        import pytest, time
        @pytest.fixture(scope="module")
        def slow():
            time.sleep(0.02)
            yield
            time.sleep(0.02)
        def test_one(slow): time.sleep(0.02)
        def test_two(slow): pass
    """
    parity.write({"test_a.py": fixture, "test_b.py": fixture})
    parity.check("--durations=0", "-vv", ignore=("head",), hows=ALL)


def test_terminal_summary_of_a_conftest_is_written_once(parity: Parity) -> None:
    parity.write(
        {
            **FILES,
            "conftest.py": """
                def pytest_report_header(config): return "own header"
                def pytest_terminal_summary(terminalreporter, exitstatus, config):
                    terminalreporter.section("own section")
                    for name, reports in sorted(terminalreporter.stats.items()):
                        terminalreporter.write_line(f"{name} {len(reports)} {int(exitstatus)}")
            """,
        }
    )
    _, *runs = parity.check(hows=ALL)
    assert all(run.stdout.count("own section") == run.stdout.count("own header") == 1 for run in runs)


def test_session_hooks_run_in_the_controller_and_in_every_worker(parity: Parity) -> None:
    """As under pytest-xdist: once without `workerinput`, and once per worker with it."""
    parity.write(
        {
            **FILES,
            "conftest.py": """
                from pathlib import Path

                def note(config, what):
                    worker = getattr(config, "workerinput", {"workerid": "master"})["workerid"]
                    with Path("hooks.txt").open("a") as file: file.write(f"{what} {worker}\\n")

                def pytest_sessionfinish(session): note(session.config, "finish")
                def pytest_terminal_summary(config): note(config, "summary")
            """,
        }
    )
    for how in ALL:
        run = parity.run(how=how)
        lines = sorted((run.folder / "hooks.txt").read_text("utf-8").splitlines())
        assert lines == ["finish gw0", "finish gw1", "finish master", "summary master"]


def test_config_values_of_the_controller_are_not_changed_by_tests(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest
                KEY = pytest.StashKey()
                def pytest_configure(config): config.stash[KEY] = ["configured"]
                def pytest_terminal_summary(terminalreporter, config):
                    terminalreporter.write_line(f"stash {config.stash[KEY]}")
            """,
            "test_a.py": "from conftest import KEY\ndef test_a(pytestconfig): assert pytestconfig.stash[KEY]",
            "test_b.py": "def test_b(pytestconfig): assert pytestconfig.getoption('verbose') == 0",
        }
    )
    _, *runs = parity.check(hows=ALL)
    assert all("stash ['configured']" in run.stdout for run in runs)


def test_other_reports_are_written_by_the_controller(parity: Parity) -> None:
    parity.write(FILES)
    parity.check("--log-file=log.txt", "--log-cli-level=INFO", "-o", "log_file_level=INFO", ignore=("head",))
    run = parity.run("--debug=debug.log")
    assert run.returncode == 1
    assert (run.folder / "debug.log").exists()


def test_what_a_conftest_prints_of_a_report_follows_its_letter(parity: Parity) -> None:
    """Letters of one look are written together, unless somebody would come before them."""
    parity.write(
        {
            "conftest.py": """
                def pytest_configure(config):
                    if not hasattr(config, "workerinput"):
                        config.pluginmanager.register(Printer(config))

                class Printer:
                    def __init__(self, config):
                        self.capture = config.pluginmanager.getplugin("capturemanager")

                    def pytest_runtest_logfinish(self, nodeid):
                        with self.capture.global_and_fixture_disabled():
                            print(f"<{nodeid}>", flush=True)
            """,
            "test_a.py": "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_a(n): pass",
        }
    )
    plain, forked = (parity.run(how=how) for how in (PLAIN, ("-n", "1")))
    for run in (plain, forked):
        assert "".join(f".<test_a.py::test_a[{n}]>" for n in range(3)) in run.stdout.replace("\n", ""), run.stdout

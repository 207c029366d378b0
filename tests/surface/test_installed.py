"""pytest-xdist beside us, or not: whichever is loaded first, the run is ours, and what it is asked for answers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from processes.harness import METHODS, PLUGINS, Suite

XDIST = ("xdist",)


@dataclass(frozen=True)
class Way:
    """How the plugins come into a run."""

    plugins: tuple[str, ...] = XDIST
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
WAYS = {
    "not installed": Way(()),
    "not installed, -p no:xdist": Way((), ("-p", "no:xdist")),
    "not installed, -p fastest": Way((), ("-p", "fastest")),
    "not installed, PYTEST_PLUGINS=xdist": Way((), (), {"PYTEST_PLUGINS": "xdist"}),
    "not installed, no autoload, -p fastest": Way((), ("-p", "fastest"), BARE),
    "not installed, no autoload, -p pytest_fastest.plugin": Way((), ("-p", "pytest_fastest.plugin"), BARE),
    "not installed, no autoload, -p fastest -p xdist": Way((), ("-p", "fastest", "-p", "xdist"), BARE),
    "installed": Way(),
    "-p xdist": Way(args=("-p", "xdist")),
    "-p xdist.looponfail": Way(args=("-p", "xdist.looponfail")),
    "-p xdist -p xdist.looponfail": Way(args=("-p", "xdist", "-p", "xdist.looponfail")),
    "-p fastest": Way(args=("-p", "fastest")),
    "-p fastest -p xdist": Way(args=("-p", "fastest", "-p", "xdist")),
    "-p xdist -p fastest": Way(args=("-p", "xdist", "-p", "fastest")),
    "-p no:xdist": Way(args=("-p", "no:xdist")),
    "-p no:xdist.looponfail": Way(args=("-p", "no:xdist.looponfail")),
    "-p no:xdist -p no:xdist.looponfail": Way(args=("-p", "no:xdist", "-p", "no:xdist.looponfail")),
    "PYTEST_PLUGINS=xdist": Way(env={"PYTEST_PLUGINS": "xdist"}),
    "PYTEST_PLUGINS=xdist.plugin,xdist.looponfail": Way(env={"PYTEST_PLUGINS": "xdist.plugin,xdist.looponfail"}),
    "no autoload, PYTEST_PLUGINS=xdist.plugin,pytest_fastest.plugin": Way(
        env={**BARE, "PYTEST_PLUGINS": "xdist.plugin,pytest_fastest.plugin"}
    ),
    "no autoload, PYTEST_PLUGINS=pytest_fastest.plugin,xdist.plugin": Way(
        env={**BARE, "PYTEST_PLUGINS": "pytest_fastest.plugin,xdist.plugin"}
    ),
    "no autoload, -p xdist -p fastest": Way(args=("-p", "xdist", "-p", "fastest"), env=BARE),
    "no autoload, -p fastest -p xdist": Way(args=("-p", "fastest", "-p", "xdist"), env=BARE),
    "no autoload, -p xdist.plugin -p pytest_fastest.plugin": Way(
        args=("-p", "xdist.plugin", "-p", "pytest_fastest.plugin"), env=BARE
    ),
    "no autoload, -p pytest_fastest.plugin -p xdist.plugin": Way(
        args=("-p", "pytest_fastest.plugin", "-p", "xdist.plugin"), env=BARE
    ),
}

ways = pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items()])

# Neither test ends before both workers run one: that there are two files is not enough for that.
MEETING = """
    import os, pytest
    from witness import meet

    @pytest.mark.parametrize("number", range(3))
    def test_meeting(number): meet(int(os.environ.get("MEETING", 1)))
"""


@pytest.fixture
def two(suite: Suite) -> Suite:
    suite.write(test_a=MEETING, test_b=MEETING)
    return suite


@ways
def test_files_are_kept_whole(two: Suite, way: Way) -> None:
    env = {**way.env, "MEETING": "2"}
    result = two.run(*way.args, "-n", "2", "--dist", "loadfile", plugins=way.plugins, env=env)
    assert result.header == "fastest: 2 workers (-n 2), loadfile, fork", result.output
    assert result.counts == {"passed": 6}
    workers = {report.nodeid.split("::")[0]: report.worker for report in result.reports}
    assert sorted(map(str, workers.values())) == ["gw0", "gw1"]
    assert "created:" not in result.output


@ways
@pytest.mark.parametrize("method", METHODS)
def test_specs_are_counted(two: Suite, way: Way, method: str) -> None:
    args = (*way.args, "-d", "--tx", "2*popen", "--start-method", method)
    result = two.run(*args, plugins=way.plugins, env=way.env)
    assert result.header == f"fastest: 2 workers (--tx 2), {method}", result.output
    assert result.counts == {"passed": 6}


@ways
def test_xdist_may_be_required_and_workers_limited(two: Suite, way: Way) -> None:
    two.write(ini="required_plugins = pytest-xdist>=3.0")
    result = two.run(*way.args, "-n", "4", "--maxprocesses", "2", plugins=way.plugins, env=way.env)
    assert result.returncode == 0, result.output
    assert result.workers == 2
    assert result.counts == {"passed": 6}


@pytest.mark.parametrize("plugins", [(), XDIST], ids=["not installed", "installed"])
def test_a_version_that_nobody_has_is_missing(two: Suite, plugins: tuple[str, ...]) -> None:
    two.write(ini="required_plugins = pytest-xdist>=99")
    result = two.run("-n", "2", plugins=plugins)
    assert result.returncode == 4
    assert "pytest-xdist>=99" in result.stderr


@pytest.mark.parametrize("args", [(), ("-p", "xdist"), ("-p", "xdist.looponfail")], ids=str)
def test_xdist_is_back_without_us(two: Suite, args: tuple[str, ...]) -> None:
    result = two.run(*args, "-p", "no:fastest", "-n", "2", plugins=XDIST, env={"MEETING": "2"})
    assert result.counts == {"passed": 6}, result.output
    assert "created: 2/2 workers" in result.output
    assert "2 workers [6 items]" in result.output
    assert result.header is None
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}


def test_blocked_after_it_was_loaded(two: Suite) -> None:
    """As with `-p fastest` in the configuration file, and `-p no:fastest` on the command line."""
    two.write(ini="addopts = -p fastest -p xdist")
    result = two.run("-p", "no:fastest", "-n", "2", plugins=XDIST)
    assert result.returncode == 4, result.output
    assert "take -p fastest out of addopts" in result.stderr
    assert two.run("-p", "no:fastest", plugins=XDIST).counts == {"passed": 6}


@pytest.mark.parametrize("plugins", [(), XDIST], ids=["not installed", "installed"])
def test_zero_is_an_automatic_number_with_us(two: Suite, plugins: tuple[str, ...]) -> None:
    result = two.run("-n", "0", plugins=plugins)
    assert result.workers >= 1, result.output
    assert "automatic" in str(result.header)


def test_zero_is_its_own_again_without_us(two: Suite) -> None:
    result = two.run("-p", "no:fastest", "-n", "0", plugins=XDIST)
    assert result.counts == {"passed": 6}
    assert {report.worker for report in result.reports} == {None}
    no = two.run("-p", "no:fastest", "-n", "no", plugins=XDIST)
    assert no.returncode == 4
    assert "-n" in no.stderr


def test_nothing_of_it_is_there_without_both(two: Suite) -> None:
    result = two.run("-p", "no:fastest", "-n", "2")
    assert result.returncode == 4
    two.write(ini="required_plugins = pytest-xdist", test_a="import xdist")
    assert "Missing required plugins: pytest-xdist" in two.run("-p", "no:fastest").stderr
    two.write(ini="")
    assert "No module named 'xdist'" in two.run("-p", "no:fastest").output


def test_the_texts_and_the_fixtures_are_ours_alone(two: Suite) -> None:
    plain, beside = (two.run("--help", plugins=plugins, env={"COLUMNS": "160"}).stdout for plugins in ((), XDIST))
    # Their order is that of whoever has defined the options.
    texts = [text[text.index("\n  -n") : text.index("parallel execution")].splitlines() for text in (plain, beside)]
    assert sorted(texts[0]) == sorted(texts[1])
    assert beside.count("Accepted, and without effect.") == 3
    plain, beside = (two.run("--fixtures", plugins=plugins).stdout for plugins in ((), XDIST))
    assert beside.count("worker_id [session scope]") == plain.count("worker_id [session scope]") == 1
    assert beside.count("testrun_uid [session scope]") == 1


# What plugins and conftests ask, in each process of a run.
QUESTIONS = """
    import xdist
    import xdist.dsession
    import xdist.workermanage
    from importlib.metadata import version
    from witness import mark
    from xdist import newhooks
    from xdist.scheduler.loadscope import LoadScopeScheduling

    def answers(config, request_or_session):
        plugins = config.pluginmanager
        return (
            f"worker={xdist.is_xdist_worker(request_or_session)}",
            f"controller={xdist.is_xdist_controller(request_or_session)}",
            f"master={xdist.is_xdist_master(request_or_session)}",
            f"id={xdist.get_xdist_worker_id(request_or_session)}",
            f"plugins={plugins.hasplugin('xdist')},{plugins.hasplugin('xdist.looponfail')}",
            f"dsession={plugins.hasplugin('dsession')},{plugins.hasplugin('terminaldistreporter')}",
            f"version={version('pytest-xdist')}",
        )

    def pytest_sessionfinish(session):
        side = "worker" if hasattr(session.config, "workerinput") else "main"
        mark(" ".join((side, *answers(session.config, session))))

    def pytest_testnodedown(node):
        dsession = node.config.pluginmanager.getplugin("dsession")
        mark(f"dsession {sorted(spec.id for spec in dsession.nodemanager.specs)} {dsession.nodemanager.testrunuid}")
        mark(f"scheduler {dsession.sched.numnodes} {dsession.sched.config is node.config}")
"""
ASKING = """
    from conftest import answers
    from witness import mark, meet

    def test_asking(request):
        mark(" ".join(("test", *answers(request.config, request))))
        meet(int(__import__("os").environ.get("MEETING", 1)))
"""
# Who answers: ours alone, ours where pytest-xdist is installed, and pytest-xdist itself, which proves the questions.
OURS = pytest.param((), (), id="not installed")
BESIDE = pytest.param(XDIST, (), id="installed")
THEIRS = pytest.param(XDIST, ("-p", "no:fastest"), id="pytest-xdist itself")
whoever = pytest.mark.parametrize(("plugins", "args"), [OURS, BESIDE, THEIRS])


@whoever
@pytest.mark.parametrize("method", METHODS)
def test_what_is_asked_with_workers(suite: Suite, plugins: tuple[str, ...], args: tuple[str, ...], method: str) -> None:
    suite.write(conftest=QUESTIONS, test_a=ASKING, test_b=ASKING)
    methods = ("--start-method", method) if not args else ()
    result = suite.run(*args, "-n", "2", "--testrunuid", "mine", *methods, plugins=plugins, env={"MEETING": "2"})
    assert result.counts == {"passed": 2}, result.output
    version = "version=3.8.0"
    workers = {
        f"worker=True controller=False master=False id={worker} plugins=True,True dsession=False,False {version}"
        for worker in ("gw0", "gw1")
    }
    assert {mark.name for mark in suite.marks("test ")} == {f"test {worker}" for worker in workers}
    assert {mark.name for mark in suite.marks("worker ")} == {f"worker {worker}" for worker in workers}
    assert [mark.name for mark in suite.marks("main ")] == [
        f"main worker=False controller=True master=True id=master plugins=True,True dsession=True,True {version}"
    ]
    assert {mark.name for mark in suite.marks("dsession ")} == {"dsession ['gw0', 'gw1'] mine"}
    assert {mark.name for mark in suite.marks("scheduler ")} == {"scheduler 2 True"}


@whoever
def test_what_is_asked_without_workers(suite: Suite, plugins: tuple[str, ...], args: tuple[str, ...]) -> None:
    suite.write(conftest=QUESTIONS, test_a=ASKING)
    assert suite.run(*args, plugins=plugins).counts == {"passed": 1}
    answers = (
        "worker=False controller=False master=False id=master plugins=True,True dsession=False,False version=3.8.0"
    )
    assert [mark.name for mark in suite.marks("test ")] == [f"test {answers}"]
    assert [mark.name for mark in suite.marks("main ")] == [f"main {answers}"]


ORIGINS = """
    import importlib.metadata, pathlib, xdist, xdist.newhooks, xdist.scheduler.loadscope, xdist.workermanage

    def test_origins():
        modules = (xdist, xdist.newhooks, xdist.scheduler.loadscope, xdist.workermanage)
        folder = pathlib.Path(xdist.__file__).parent
        assert all(folder in pathlib.Path(module.__file__).parents for module in modules)
        # Package and version come from the same place.
        located = importlib.metadata.distribution("pytest-xdist").locate_file("xdist/__init__.py")
        assert pathlib.Path(located).resolve() == pathlib.Path(xdist.__file__).resolve()
        assert xdist.__version__ == importlib.metadata.version("pytest-xdist")
        assert {installed} == folder.is_relative_to({folder!r})
        assert {installed} == any(
            found.name == "pytest-xdist" for found in importlib.metadata.distributions()
        ), "only what is installed is in lists"
"""


@ways
@pytest.mark.parametrize("workers", ["no", "2"])
def test_what_is_installed_is_not_shadowed(suite: Suite, way: Way, workers: str) -> None:
    installed = bool(way.plugins)
    suite.write(test_origins=ORIGINS.format(installed=installed, folder=str(PLUGINS / "xdist")))
    result = suite.run(*way.args, "-n", workers, plugins=way.plugins, env=way.env)
    assert result.counts == {"passed": 1}, result.output


NAMES = """
    import importlib, inspect, xdist
    from witness import mark
    from xdist import newhooks

    def test_names():
        mark(f"package {sorted(xdist.__all__)}")
        for name, hook in inspect.getmembers(newhooks, inspect.isfunction):
            if name.startswith("pytest_"):
                mark(f"hook {name}{tuple(inspect.signature(hook).parameters)} {hook.pytest_spec['firstresult']}")
        modules = ("each", "load", "loadfile", "loadgroup", "loadscope", "protocol", "worksteal")
        found = [vars(importlib.import_module(f"xdist.scheduler.{module}")) for module in modules]
        mark(f"schedulers {sorted({name for names in found for name in names if name.endswith('Scheduling')})}")
        for module, wanted in (("workermanage", "NodeManager WorkerController"), ("dsession", "DSession")):
            mark(f"{module} {[hasattr(importlib.import_module(f'xdist.{module}'), name) for name in wanted.split()]}")
        plugin = importlib.import_module("xdist.plugin")
        mark(f"fixtures {hasattr(plugin, 'worker_id')} {hasattr(plugin, 'testrun_uid')}")
"""


def test_the_names_are_those_of_xdist(suite: Suite) -> None:
    suite.write(test_names=NAMES)
    seen = []
    for plugins in ((), XDIST):
        suite.forget_marks()
        assert suite.run("-n", "1", plugins=plugins).counts == {"passed": 1}
        seen.append([mark.name for mark in suite.marks()])
    assert len(seen[0]) == 17
    assert seen[0] == seen[1]


def test_a_package_of_the_project_by_that_name_is_not_shadowed(suite: Suite) -> None:
    (suite.root / "xdist").mkdir()
    (suite.root / "xdist" / "__init__.py").write_text("MINE = True", "utf-8")
    suite.write(test_mine="import xdist\ndef test_mine(): assert xdist.MINE")
    assert suite.run("-n", "2").counts == {"passed": 1}


@pytest.mark.parametrize("plugins", [(), XDIST], ids=["not installed", "installed"])
@pytest.mark.parametrize("name", ["xdist", "xdist.plugin"])
def test_a_conftest_may_ask_for_the_plugin(two: Suite, plugins: tuple[str, ...], name: str) -> None:
    two.write(conftest=f"pytest_plugins = ['{name}']")
    result = two.run("-n", "2", plugins=plugins)
    assert result.counts == {"passed": 6}, result.output
    assert result.workers == 2

"""Runs that depend on the runs before them."""

from __future__ import annotations

import pytest
from parity import ALL, FORK, Parity

FILES = {
    "test_a.py": "def test_a1(): pass\ndef test_a2(): assert 0\ndef test_a3(): pass",
    "test_b.py": "def test_b1(): pass\ndef test_b2(): pass",
    "sub/test_c.py": """
        import pytest

        class TestC:
            @pytest.mark.parametrize("n", range(4))
            def test_c(self, n): assert n != 2

        @pytest.fixture
        def broken(): raise ValueError
        def test_error(broken): pass
    """,
}
# Mends the project at the end of the first run.
MENDING = """
    from pathlib import Path

    def pytest_unconfigure(config):
        if not hasattr(config, "workerinput"):
            Path("broken/once").unlink(missing_ok=True)
"""


@pytest.mark.parametrize("option", ["--lf", "--ff", "--nf"])
def test_second_run_knows_the_first(parity: Parity, option: str) -> None:
    parity.write(FILES)
    steps = [("-rA",), ("-rA", option), ("-rA", option)]
    runs = parity.check_steps(steps, hows=ALL if option == "--lf" else (FORK,))
    assert runs[0][0].cache["cache/lastfailed"]
    assert runs[0][0].cache["cache/nodeids"]


def test_first_run_with_nothing_known(parity: Parity) -> None:
    parity.write(FILES)
    parity.check("--lf")
    parity.check("--lf", "--lfnf=none")


def test_failures_that_are_mended_are_forgotten(parity: Parity) -> None:
    mended = FILES["test_a.py"].replace("assert 0", "assert not __import__('pathlib').Path('broken/once').exists()")
    parity.write({**FILES, "test_a.py": mended})
    parity.write({"broken/once": "", "conftest.py": MENDING})
    runs = parity.check_steps([("-rA",), ("-rA", "--lf"), ("-rA", "--lf")])
    assert "test_a.py::test_a2" in runs[0][0].cache["cache/lastfailed"]
    assert "test_a.py::test_a2" not in runs[2][0].cache["cache/lastfailed"]


def test_collection_error_is_remembered_and_forgotten(parity: Parity) -> None:
    text = "import os\nassert not os.path.exists('broken/once'), 'broken'\ndef test_a(): pass"
    parity.write({"test_a.py": text, "test_b.py": "def test_b(): pass", "conftest.py": MENDING, "broken/once": ""})
    runs = parity.check_steps([("-rA",), ("-rA", "--lf"), ("-rA", "--lf")])
    assert runs[0][0].returncode == pytest.ExitCode.INTERRUPTED
    assert runs[0][0].cache["cache/lastfailed"]
    assert runs[1][0].returncode == pytest.ExitCode.OK


def test_stepwise_runs_without_workers(parity: Parity) -> None:
    parity.write(FILES)
    runs = parity.check_steps([("-rA", "--sw"), ("-rA", "--sw"), ("-rA", "--sw", "--sw-skip")])
    assert "fastest: no workers: --stepwise" in runs[0][1].stdout


def test_cache_fixture_and_config_cache(parity: Parity) -> None:
    text = """
        def test_writes(cache):
            assert cache.get("own/{0}", None) is None
            cache.set("own/{0}", {{"value": [1, 2]}})
            assert cache.get("own/{0}", None) == {{"value": [1, 2]}}
        def test_folder(request): (request.config.cache.mkdir("folder{0}") / "file").write_text("x")
    """
    parity.write({"test_a.py": text.format("a"), "test_b.py": text.format("b")})
    runs = parity.check(hows=ALL)
    for run in runs:
        assert run.cache["own/a"] == {"value": [1, 2]}
        assert (run.folder / ".pytest_cache" / "d" / "folderb" / "file").exists()


def test_cache_show_and_clear(parity: Parity) -> None:
    parity.write(FILES)
    parity.check_steps([("-rA",), ("--cache-show",), ("-rA", "--cache-clear", "-k", "b1")])


def test_cache_of_a_part_keeps_the_rest(parity: Parity) -> None:
    parity.write(FILES)
    parity.check_steps([("-rA",), ("-rA", "test_b.py"), ("-rA", "sub", "-k", "TestC")])

"""That a suite must not be forked is remembered, as long as the finding can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processes.harness import Suite


def test_the_answer_is_remembered_until_something_changes(suite: Suite) -> None:
    conftest = 'import os\nNAME = os.environ.get("PYTEST_XDIST_WORKER")\n'
    suite.write(conftest=conftest, test_suite="def test_one(): pass\ndef test_two(): pass")
    reason = "forkserver: conftest.py:2 read PYTEST_XDIST_WORKER"
    found, remembered = f"fastest: 2 workers (-n 2), {reason}", f"fastest: 2 workers (-n 2), {reason} (remembered)"

    def header(*args: str, plugins: tuple[str, ...] = ()) -> str | None:
        result = suite.run("-n", "2", *args, plugins=plugins)
        assert result.counts == {"passed": 2}, result.output
        return result.header

    assert [header(), header(), header()] == [found, remembered, remembered]
    # Not while the user says what to do, and not for good if the user clears the cache.
    assert header("--start-method", "spawn") == "fastest: 2 workers (-n 2), spawn"
    assert [header("--cache-clear"), header()] == [found, remembered]
    assert [header("-p", "no:cacheprovider"), header()] == [found, remembered]
    suite.write(ini="markers = other\n")
    assert [header(), header()] == [found, remembered]
    # Another plugin.
    assert [header("-p", "pytester"), header("-p", "pytester")] == [found, remembered]
    suite.write(conftest=conftest + "\nOTHER = 1\n")
    assert [header(), header()] == [found, remembered]
    suite.write(conftest="")
    assert [header(), header()] == ["fastest: 2 workers (-n 2), fork"] * 2


def test_the_answer_is_forgotten_when_a_helper_of_the_conftest_changes(suite: Suite) -> None:
    (suite.root / "helper.py").write_text('import socket\nSERVER = socket.create_server(("127.0.0.1", 0))\n', "utf-8")
    suite.write(
        conftest="import helper",
        test_suite="def test_one(): pass\ndef test_two(): pass",
        ini="pythonpath = .",
    )
    reason = "helper.py:2 opened 1 socket"
    assert suite.run("-n", "2").header == f"fastest: 2 workers (-n 2), forkserver: {reason}"
    assert suite.run("-n", "2").header == f"fastest: 2 workers (-n 2), forkserver: {reason} (remembered)"
    (suite.root / "helper.py").write_text("", "utf-8")
    assert suite.run("-n", "2").header == "fastest: 2 workers (-n 2), fork"


def test_a_finding_about_a_settings_module_depends_on_it(suite: Suite) -> None:
    suite.write(
        conftest="import settings",
        settings='import os\nNAME = os.environ.get("PYTEST_XDIST_WORKER")\n',
        test_suite="def test_one(): pass\ndef test_two(): pass",
    )
    assert "settings.py:2 read" in str(suite.run("-n", "2").header)
    assert "(remembered)" in str(suite.run("-n", "2").header)
    suite.write(settings="NAME = 'fixed'\n")
    assert suite.run("-n", "2").header == "fastest: 2 workers (-n 2), fork"

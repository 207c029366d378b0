"""syrupy: snapshots are compared, written and found unused by all workers together."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Result, Suite

pytestmark = pytest.mark.parametrize("method", METHODS)

PLAIN = ("-p", "no:fastest")
MODULE = """
    import os, pytest
    from witness import meet

    @pytest.mark.parametrize("number", range(4))
    def test_many(snapshot, number):
        meet(int(os.environ.get("MEETING", 1)))
        assert snapshot == {"number": number * int(os.environ.get("FACTOR", 1))}
        # The second comparison has a name of its own, made of a count.
        assert snapshot == f"text {number}"
"""
MORE = """
    def test_once(snapshot):
        assert snapshot == "once"
"""
BOTH = ("a", "b")


@pytest.fixture
def snapshots(suite: Suite) -> Suite:
    """With snapshots of two files, written in one process."""
    suite.write(**{f"test_{name}": MODULE + MORE for name in BOTH})
    written = suite.run(*PLAIN, "--snapshot-update", plugins=("syrupy",))
    assert "18 snapshots generated." in written.output
    return suite


def content(suite: Suite) -> dict[str, str]:
    """What lies where snapshots are, whatever it is."""
    folder = suite.root / "__snapshots__"
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in folder.rglob("*") if file.is_file()}


def summary(result: Result) -> list[str]:
    """What syrupy reports, below its line of dashes."""
    lines = result.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if "snapshot report summary" in line)
    return [line for line in lines[start + 1 :] if line.strip() and not line.startswith("=")]


def run(suite: Suite, method: str, *args: str, **env: str) -> Result:
    suite.forget_marks()
    result = suite.run(*args, "-n", "2", "--start-method", method, plugins=("syrupy",), env={"MEETING": "2", **env})
    assert {report.worker for report in result.reports} == {"gw0", "gw1"}, result.output
    return result


def test_they_are_compared(snapshots: Suite, method: str) -> None:
    before = content(snapshots)
    result = run(snapshots, method)
    assert result.returncode == 0, result.output
    assert result.counts == {"passed": 10}
    assert summary(result) == ["18 snapshots passed."]
    differing = run(snapshots, method, FACTOR="2")
    assert differing.returncode == 1
    assert differing.counts == {"passed": 4, "failed": 6}
    assert "6 snapshots failed." in summary(differing)[0]
    assert content(snapshots) == before


def test_they_are_written_as_in_one_process(snapshots: Suite, method: str) -> None:
    expected = content(snapshots)
    assert set(expected) == {"test_a.ambr", "test_b.ambr"}
    for name in expected:
        (snapshots.root / "__snapshots__" / name).unlink()
    assert run(snapshots, method).returncode == 1, "without the option none is written"
    result = run(snapshots, method, "--snapshot-update")
    assert result.returncode == 0, result.output
    assert summary(result) == ["18 snapshots generated."]
    assert content(snapshots) == expected


def test_changed_ones_are_updated(snapshots: Suite, method: str) -> None:
    result = run(snapshots, method, "--snapshot-update", FACTOR="2")
    assert result.returncode == 0, result.output
    assert summary(result) == ["12 snapshots passed. 6 snapshots updated."]
    plain = snapshots.run(*PLAIN, plugins=("syrupy",), env={"FACTOR": "2"})
    assert plain.returncode == 0
    assert summary(plain) == ["18 snapshots passed."]


@pytest.fixture
def unused(snapshots: Suite) -> Suite:
    """One test fewer in each file, and the file of a module that is not there any more."""
    snapshots.write(**{f"test_{name}": MODULE for name in BOTH})
    (snapshots.root / "__snapshots__" / "test_gone.ambr").write_text(
        (snapshots.root / "__snapshots__" / "test_a.ambr").read_text("utf-8"), "utf-8"
    )
    return snapshots


def test_unused_ones_are_found(unused: Suite, method: str) -> None:
    plain = unused.run(*PLAIN, plugins=("syrupy",))
    assert plain.returncode == 1
    result = run(unused, method)
    assert result.returncode == 1, result.output
    assert result.counts == {"passed": 8}
    assert "11 snapshots unused." in summary(result)[0]
    assert summary(result) == summary(plain)
    warned = run(unused, method, "--snapshot-warn-unused")
    assert warned.returncode == 0


def test_unused_ones_are_deleted(unused: Suite, method: str) -> None:
    result = run(unused, method, "--snapshot-update")
    assert result.returncode == 0, result.output
    assert "11 unused snapshots deleted." in summary(result)[0]
    left = content(unused)
    assert set(left) == {"test_a.ambr", "test_b.ambr"}
    assert not any("test_once" in text for text in left.values())
    assert unused.run(*PLAIN, plugins=("syrupy",)).returncode == 0


def test_those_of_tests_that_are_not_selected_are_not_unused(snapshots: Suite, method: str) -> None:
    before = content(snapshots)
    args = ("-k", "test_many", "--snapshot-update")
    result = run(snapshots, method, *args)
    assert result.returncode == 0, result.output
    assert summary(result) == summary(snapshots.run(*PLAIN, *args, plugins=("syrupy",)))
    assert content(snapshots) == before


@pytest.mark.fastest_only("64 workers would start there")
def test_with_an_automatic_number_of_workers(unused: Suite, method: str) -> None:
    """Workers that are fewer than asked for are not missing ones, for which syrupy would not count."""
    result = unused.run("-n", "auto", "--start-method", method, plugins=("syrupy",))
    assert result.returncode == 1
    assert "11 snapshots unused." in summary(result)[0]
    result = unused.run("-n", "64", "--dist", "loadfile", "--start-method", method, plugins=("syrupy",))
    assert result.workers == 2
    assert "11 snapshots unused." in summary(result)[0]


def test_a_file_for_each_snapshot(suite: Suite, method: str) -> None:
    """The extension that has a file for each snapshot."""
    suite.write(
        test_a="""
            import pytest
            from syrupy.extensions.json import JSONSnapshotExtension
            from witness import meet

            @pytest.mark.parametrize("number", range(4))
            def test_json(snapshot, number):
                meet(2)
                assert snapshot.use_extension(JSONSnapshotExtension) == {"number": number}
        """
    )
    result = run(suite, method, "--snapshot-update")
    assert summary(result) == ["4 snapshots generated."]
    assert {name.split("/")[-1] for name in content(suite)} == {f"test_json[{number}].json" for number in range(4)}
    (suite.root / "__snapshots__" / "test_a" / "test_other.json").write_text("{}", "utf-8")
    assert "1 unused snapshot deleted." in summary(run(suite, method, "--snapshot-update"))[0]
    assert len(content(suite)) == 4

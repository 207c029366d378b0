"""`--trace-file`: Chrome's trace event format."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from processes.harness import Suite

# The kinds of events and what each must have, as the format's description has them.
REQUIRED = {
    "X": {"name", "cat", "ts", "dur", "pid", "tid"},
    "i": {"name", "ts", "pid", "tid", "s"},
    "C": {"name", "ts", "pid", "tid", "args"},
    "M": {"name", "pid", "tid", "args"},
}
METADATA = {"process_name": "name", "thread_name": "name", "thread_sort_index": "sort_index"}


def trace(suite: Suite, *args: str) -> list[dict[str, Any]]:
    result = suite.run(*args, "--trace-file", "trace.json")
    assert f"generated trace file: {suite.root / 'trace.json'}" in result.stdout
    return json.loads((suite.root / "trace.json").read_text("utf-8"))["traceEvents"]


@pytest.mark.parametrize("workers", ["2", "no"])
def test_every_event_is_one_of_the_format(suite: Suite, workers: str) -> None:
    suite.write(test_a="import time\ndef test_a(): time.sleep(0.02)\ndef test_b(): assert 0")
    events = trace(suite, "-n", workers)
    for event in events:
        assert REQUIRED[event["ph"]] <= set(event), event
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert event["ts"] >= 0
        assert event.get("dur", 0) >= 0
        if event["ph"] == "M":
            assert METADATA[event["name"]] in event["args"]
    tests = {event["name"]: event for event in events if event.get("cat") == "test"}
    assert {name: event["args"]["outcome"] for name, event in tests.items()} == {
        "test_a.py::test_a": "passed",
        "test_a.py::test_b": "failed",
    }
    assert tests["test_a.py::test_a"]["dur"] >= 20_000
    threads = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {threads[event["tid"]] for event in tests.values()} <= ({"gw0", "gw1"} if workers == "2" else {"pytest"})


def test_events_of_a_thread_nest(suite: Suite) -> None:
    suite.write(
        test_a="""
            import pytest, time
            @pytest.fixture(scope="module")
            def shared(): time.sleep(0.01); yield; time.sleep(0.01)
            @pytest.fixture
            def own(): time.sleep(0.01); yield; time.sleep(0.01)
            @pytest.mark.parametrize("number", range(5))
            def test_a(shared, own, number): time.sleep(0.01)
        """
    )
    events = [event for event in trace(suite, "-n", "2") if event["ph"] == "X"]
    assert Counter(event["name"] for event in events)["call"] == 5
    assert {"fixtures", "setup", "teardown"} <= {event["name"] for event in events}
    for thread in {event["tid"] for event in events}:
        open_until: list[float] = []
        own = [event for event in events if event["tid"] == thread]
        for event in sorted(own, key=lambda event: (event["ts"], -event["dur"])):
            while open_until and open_until[-1] <= event["ts"]:
                open_until.pop()
            end = event["ts"] + event["dur"]
            # To a tenth of a microsecond, in binary fractions.
            assert not open_until or end <= open_until[-1] + 0.01, event
            open_until.append(end)

"""A suite to run; with `--under-xdist`, by pytest-xdist in the place of Fastest.

Tests stay as they are. What is known to differ there is a mark beside the test, and a run fails if that is no longer
so: `differs_under_xdist` says what goes wrong, `fastest_only` why there is nothing to compare.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from processes.harness import METHODS, Running, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class SuiteUnderXdist(Suite):
    """Has its tests run by pytest-xdist where a start method is asked for."""

    @contextmanager
    def running(self, *args: str, plugins: Sequence[str] = (), **options: Any) -> Iterator[Running]:
        if "--start-method" in args:
            at = args.index("--start-method")
            args = (*args[:at], "-p", "no:fastest", *args[at + 2 :])
            plugins = (*plugins, "xdist")
        with super().running(*args, plugins=plugins, **options) as running:
            yield running


@pytest.fixture
def suite(request: pytest.FixtureRequest, tmp_path: Path) -> Suite:
    """An empty suite in a directory of its own."""
    kind = SuiteUnderXdist if under_xdist(request.config) else Suite
    return kind(tmp_path / "suite")


def under_xdist(config: pytest.Config) -> bool:
    # Unknown if this file is found too late for options.
    return bool(config.getoption("under_xdist", default=False))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--under-xdist", action="store_true", help="run the suites of these tests under pytest-xdist")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "differs_under_xdist(what): the test fails with --under-xdist")
    config.addinivalue_line("markers", "fastest_only(why): the test is not run with --under-xdist")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not under_xdist(config):
        return
    # There, all start methods are one, and plain pytest is what it is here.
    once = [item for item in items if method(item) not in (None, *METHODS[1:])]
    config.hook.pytest_deselected(items=[item for item in items if item not in once])
    items[:] = once
    for item in items:
        for mark in item.iter_markers("differs_under_xdist"):
            item.add_marker(pytest.mark.xfail(reason=mark.args[0], strict=True))
        for mark in item.iter_markers("fastest_only"):
            item.add_marker(pytest.mark.skip(reason=mark.args[0]))


def method(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("method") if callspec else None

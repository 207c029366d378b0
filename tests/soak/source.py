"""The files of a random suite. Pure: text for their names."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from soak.suite import Case, Function, Kind, Module, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_KIND = {
    Kind.IS_SKIPPED: "skip(reason='on purpose')",
    Kind.XFAILS: "xfail(reason='on purpose')",
    Kind.XPASSES: "xfail(reason='on purpose', strict=False)",
}


def files(plan: Plan) -> dict[str, str]:
    """All but the conftest."""
    packages = {str(PurePath(module.path).parent / "__init__.py") for module in plan.modules if "/" in module.path}
    return {**dict.fromkeys(packages, ""), **{module.path: _module(module) for module in plan.modules}}


def _module(module: Module) -> str:
    lines = ["import pytest", "", "# What each does, when, and how many seconds it takes.", "TESTS = {"]
    lines += [f"    {test.number}: {(test.deed, test.phase.value, test.seconds)}," for test in module.tests()]
    lines.append("}")
    for place in module.classes:
        if place.name is None:
            for function in place.functions:
                lines += ["", *_function(function, "")]
        else:
            lines += ["", f"class {place.name}:"]
            for function in place.functions:
                lines += [*(f"    {line}" for line in _function(function, "self")), ""]
    return "\n".join(lines) + "\n"


def _function(function: Function, self: str) -> Iterator[str]:
    for mark in function.marks:
        yield f"@pytest.mark.{mark}"
    first = function.tests[0]
    if function.parametrized:
        parameters = ", ".join(_parameter(test) for test in function.tests)
        yield f"@pytest.mark.parametrize('number', [{parameters}])"
    elif first.kind in _OF_KIND:
        yield f"@pytest.mark.{_OF_KIND[first.kind]}"
    arguments = filter(None, [self, *function.fixtures, "number" * function.parametrized, "body"])
    yield f"def test_{first.number}({', '.join(arguments)}): body()"


def _parameter(test: Case) -> str:
    if test.kind not in _OF_KIND:
        return str(test.number)
    return f"pytest.param({test.number}, marks=pytest.mark.{_OF_KIND[test.kind]})"

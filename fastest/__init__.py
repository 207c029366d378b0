"""Find tests and run them in parallel from Python: the public API of Fastest.

Importing this package costs next to nothing: every name is loaded when it is first used, and pytest
itself only for `fastest.mark`.

(`PYTEST_DONT_REWRITE`: ``pytest -p fastest`` would otherwise warn that this package, which holds no
assertions, was imported before pytest could rewrite them.)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastest import mark
    from fastest.discover import discover_tests
    from fastest.errors import (
        ChildDiedError,
        ChildTimeoutError,
        CollectionError,
        FastestError,
        InvalidWorkerCountError,
        MissingPathError,
        MixedOriginsError,
        PytestError,
        PytestUsageError,
        UnknownTestError,
    )
    from fastest.model import (
        CollectionFailure,
        Marker,
        Origin,
        Outcome,
        RunResult,
        Test,
        TestResult,
    )
    from fastest.run import run_tests_parallel

    __version__: str

__all__ = [
    "ChildDiedError",
    "ChildTimeoutError",
    "CollectionError",
    "CollectionFailure",
    "FastestError",
    "InvalidWorkerCountError",
    "Marker",
    "MissingPathError",
    "MixedOriginsError",
    "Origin",
    "Outcome",
    "PytestError",
    "PytestUsageError",
    "RunResult",
    "Test",
    "TestResult",
    "UnknownTestError",
    "__version__",
    "discover_tests",
    "mark",
    "run_tests_parallel",
]

_MODULE_OF = {
    "discover_tests": "fastest.discover",
    "run_tests_parallel": "fastest.run",
    "CollectionFailure": "fastest.model",
    "Marker": "fastest.model",
    "Origin": "fastest.model",
    "Outcome": "fastest.model",
    "RunResult": "fastest.model",
    "Test": "fastest.model",
    "TestResult": "fastest.model",
    "__version__": "fastest._version",
}


def __getattr__(name: str) -> object:
    if name == "mark":
        return importlib.import_module("fastest.mark")
    module = _MODULE_OF.get(name)
    if module is None and name in __all__:
        module = "fastest.errors"
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""`discover_tests`: what pytest would collect."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - typing.get_type_hints() finds it

from fastest._describe_test import OriginCache, restore_test
from fastest._inputs import PathInput, as_args, as_directory, as_paths, check_timeout
from fastest._plugin_args import load_plugin
from fastest._process import private_directory, run_pytest
from fastest._verdict import INTERRUPTED, check_ended, collection_failures
from fastest.errors import CollectionError, PytestError
from fastest.model import Test  # noqa: TC001


def discover_tests(
    paths: PathInput | Sequence[PathInput] = (),
    *,
    args: Sequence[str] = (),
    cwd: PathInput | None = None,
    timeout: float | None = None,
) -> list[Test]:
    """Return the tests that pytest collects, in its order, without running any.

    pytest collects in a child interpreter, so nothing is imported into this one. The function may
    be called again and again, and from several threads at once.

    Args:
        paths: files, directories or node ids, as on pytest's command line, relative to `cwd`.
            None at all means what it means to pytest: the ini option ``testpaths``, or else `cwd`.
        args: further options for pytest, such as ``["-m", "not slow"]``.
        cwd: the directory to run pytest in; by default the current one.
        timeout: seconds after which to give up; by default never.

    Raises:
        MissingPathError: a path or `cwd` does not exist.
        CollectionError: a file could not be collected; the error has the tracebacks. With
            ``--continue-on-collection-errors`` in `args` the other tests are returned instead.
        PytestUsageError: pytest refused its arguments or its configuration.
        PytestError: pytest failed otherwise, or was interrupted.
        ChildTimeoutError, ChildDiedError: the process took too long, or died.
        TypeError, ValueError: an argument of the wrong type, or a timeout that is not positive.
    """
    targets = [_not_an_option(path) for path in as_paths(paths)]
    options = as_args(args)
    directory = as_directory(cwd)
    check_timeout(timeout)
    argv = [*load_plugin(options), "--color=no", "--collect-only", "-qq", *options, *targets]
    with private_directory() as private:
        ended = run_pytest(argv, run=False, directory=private, cwd=directory, timeout=timeout)
    code = check_ended(ended, timeout=timeout, targets=targets, cwd=directory)
    if code == INTERRUPTED:
        failures = collection_failures(ended)
        raise CollectionError(failures) if failures else PytestError(code, ended.output)
    session = next((event for event in ended.events if event["kind"] == "session"), None)
    if session is None:
        return []
    origins = OriginCache(session["rootdir"], session["config_file"])
    return [restore_test(event, origins) for event in ended.events if event["kind"] == "test"]


def _not_an_option(path: str) -> str:
    return f"./{path}" if path.startswith("-") else path

"""`run_tests_parallel`: run tests on several worker processes."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - typing.get_type_hints() finds it

from fastest._inputs import (
    PathInput,
    as_args,
    as_directory,
    as_requests,
    check_timeout,
    check_workers,
)
from fastest._plugin_args import load_plugin
from fastest._process import private_directory, run_pytest
from fastest._requests import plan_requests
from fastest._results import complete_results, read_findings
from fastest._selection_args import findings_file, selection_args
from fastest._verdict import NO_TESTS, check_ended, collection_failures
from fastest.errors import UnknownTestError
from fastest.model import RunResult, Test


def run_tests_parallel(
    tests: Test | PathInput | Sequence[Test | PathInput],
    num_workers: int | None = None,
    *,
    args: Sequence[str] = (),
    cwd: PathInput | None = None,
    timeout: float | None = None,
) -> RunResult:
    """Run `tests` with pytest on worker processes and return what became of each.

    pytest runs in a child interpreter, so nothing is imported into this one. The function may be
    called again and again, and from several threads at once. Tests that fail are a result, not an
    error; so are files that cannot be collected (`RunResult.collection_failures`).

    Args:
        tests: what to run, one or many, mixed as you like: a `Test` from `discover_tests`; a node
            id (a string with ``::``, relative to `cwd` or to pytest's root directory; a class or
            a parametrised function stands for all that it holds); a file or directory. A test
            that is named twice runs once. Without any, there is an empty result with exit code 5
            (pytest's "no tests") and no process is started.
        num_workers: how many worker processes to use at most, from 1; `None` leaves the number to
            Fastest.
        args: further options for pytest, such as ``["-x"]``. They come last, so they can override
            what this function passes. Options that change what is collected, such as
            ``--doctest-modules``, must be the same as for `discover_tests`.
        cwd: the directory to run pytest in; by default the current one.
        timeout: seconds after which to give up; by default never. The tests get an interrupt (as by
            Ctrl-C) and five seconds for their finalizers first.

    Raises:
        InvalidWorkerCountError: `num_workers` is zero or negative.
        MissingPathError: a path or `cwd` does not exist.
        UnknownTestError: there is no test with such a node id. Nothing has been run.
        MixedOriginsError: tests discovered under different root directories or configuration files.
        PytestUsageError: pytest refused its arguments or its configuration.
        PytestError: an internal error of pytest or of a plugin.
        ChildTimeoutError, ChildDiedError: the process took too long, or died. Like `PytestError`,
            they have the `results` that there were.
        TypeError, ValueError: an argument of the wrong type, or a timeout that is not positive.
    """
    requests = as_requests(tests)
    check_workers(num_workers)
    options = as_args(args)
    directory = as_directory(cwd)
    check_timeout(timeout)
    if not requests:
        return RunResult((), NO_TESTS, 0.0)
    plan = plan_requests(requests, directory)
    with private_directory() as private:
        argv = [
            *load_plugin(options),
            *selection_args(plan, private),
            "--color=no",
            # Who calls this is told the results; nobody else is, unless `options` say so.
            *("-o", "fastest_ci=off"),
            *("-n", "auto" if num_workers is None else str(num_workers)),
            *options,
            *plan.targets,
        ]
        ended = run_pytest(argv, run=True, directory=private, cwd=directory, timeout=timeout)
        findings = read_findings(findings_file(private))
    if findings.unknown:
        raise UnknownTestError(findings.unknown)
    results = complete_results(ended.events, findings, plan.order)
    code = check_ended(ended, timeout=timeout, targets=plan.targets, cwd=directory, results=results)
    return RunResult(
        results=results,
        exit_code=code,
        duration=ended.duration,
        collection_failures=collection_failures(ended),
        output=ended.output,
    )

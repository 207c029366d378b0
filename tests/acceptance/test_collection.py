"""What goes wrong or is changed while tests are collected."""

from __future__ import annotations

import pytest
from parity import ALL, FORK, FORKSERVER, PLAIN, SPAWN, Parity

GOOD = "def test_good(): pass\ndef test_bad(): assert 0"
BROKEN = {
    "test_import.py": "import no_such_module_at_all",
    "test_syntax.py": "def test_a(:\n",
    "test_assert.py": "assert 1 == 2, 'at import'",
    "sub/test_raises.py": "def deeper():\n    raise ValueError('at import')\ndeeper()",
}


@pytest.mark.parametrize("option", ["", "--continue-on-collection-errors", "-x", "--maxfail=2"])
def test_collection_errors(parity: Parity, option: str) -> None:
    parity.write({**BROKEN, "test_good.py": GOOD, "test_good_too.py": GOOD})
    plain, *_ = parity.check(*filter(None, [option]), hows=ALL if option != "-x" else (FORK,))
    if option == "--continue-on-collection-errors":
        assert plain.returncode == pytest.ExitCode.TESTS_FAILED
        assert len(plain.outcomes) == 12
    else:
        limited = option in ("-x", "--maxfail=2")
        assert plain.returncode == (pytest.ExitCode.TESTS_FAILED if limited else pytest.ExitCode.INTERRUPTED)
        assert not plain.outcomes


def test_collection_errors_without_any_test(parity: Parity) -> None:
    parity.write(BROKEN)
    parity.check(hows=ALL)
    parity.check("--continue-on-collection-errors")


@pytest.mark.parametrize(
    "text",
    [
        "import no_such_module_at_all",
        "raise ValueError('in a conftest')",
        "import pytest\nraise pytest.UsageError('said by a conftest')",
        "import pytest\npytest.exit('by a conftest', returncode=9)",
        "def pytest_no_such_hook(): pass",
        "pytest_plugins = 'no_such_plugin'",
    ],
    ids=["import", "raises", "usage", "exit", "unknown hook", "plugin"],
)
@pytest.mark.parametrize("folder", ["", "sub/"], ids=["top", "sub"])
def test_broken_conftests(parity: Parity, folder: str, text: str) -> None:
    parity.write({f"{folder}conftest.py": text, f"{folder}test_a.py": GOOD, "test_b.py": GOOD})
    # What is an internal error has another traceback.
    parity.check(ignore=("junit",) if "no_such_hook" in text else ())


@pytest.mark.parametrize(
    "body",
    [
        "items.reverse()",
        "items[:] = sorted(items, key=lambda item: item.name)",
        "config.hook.pytest_deselected(items=items[::2]); items[:] = items[1::2]",
        "del items[1:]",
        "items.clear()",
        "[item.add_marker(pytest.mark.skip(reason='by a hook')) for item in items[::3]]",
        "[item.add_marker(pytest.mark.xfail(strict=True)) for item in items[::2]]",
        "items[:] = [items[0]]",
        "items[0].user_properties.append(('own', 'property'))",
        "items[0].name += ' renamed'",
    ],
)
def test_items_that_a_hook_changes(parity: Parity, body: str) -> None:
    parity.write(
        {
            "conftest.py": f"import pytest\ndef pytest_collection_modifyitems(session, config, items):\n    {body}",
            "test_a.py": GOOD,
            "test_b.py": GOOD,
            "sub/test_c.py": GOOD,
        }
    )
    parity.check()


def test_hooks_that_steer_collection(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest

                collect_ignore = ["test_ignored.py"]
                collect_ignore_glob = ["*_never.py"]

                def pytest_ignore_collect(collection_path):
                    return True if collection_path.name == "hidden" else None

                def pytest_pycollect_makeitem(collector, name, obj):
                    if name.startswith("check_"):
                        return pytest.Function.from_parent(collector, name=name)

                def pytest_itemcollected(item):
                    item.name += " seen"

                def pytest_collection_modifyitems(config, items):
                    config.counted = len(items)

                def pytest_report_collectionfinish(config, items):
                    return [f"counted {config.counted}", f"first {items[0].name}"]
            """,
            "test_ignored.py": "raise ValueError",
            "test_never.py": "raise ValueError",
            "hidden/test_a.py": "raise ValueError",
            "test_seen.py": "def check_one(): pass\ndef test_two(): pass\ndef check_three(): assert 0",
        }
    )
    parity.check(hows=ALL)


def test_collection_report_hooks_of_a_conftest(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest

                @pytest.hookimpl(wrapper=True)
                def pytest_make_collect_report(collector):
                    report = yield
                    if collector.name == "test_b.py":
                        report.outcome = "failed"
                        report.longrepr = "said by a hook"
                        report.result = []
                    return report
            """,
            "test_a.py": GOOD,
            "test_b.py": GOOD,
        }
    )
    parity.check("--continue-on-collection-errors")


@pytest.mark.parametrize("returncode", [None, 7])
def test_exit_while_collecting(parity: Parity, returncode: int | None) -> None:
    parity.write(
        {
            "test_a.py": GOOD,
            "test_b.py": f"import pytest\npytest.exit('enough', returncode={returncode})",
            "test_c.py": "raise ValueError('never seen')",
        }
    )
    parity.check(hows=ALL)


def test_keyboard_interrupt_while_collecting(parity: Parity) -> None:
    parity.write({"test_a.py": GOOD, "test_b.py": "raise KeyboardInterrupt"})
    runs = [parity.run(how=how) for how in (PLAIN, *ALL)]
    assert [run.returncode for run in runs] == [pytest.ExitCode.INTERRUPTED] * len(runs)
    assert [run.outcomes for run in runs] == [[]] * len(runs)
    assert all("KeyboardInterrupt" in run.stdout for run in runs)


def test_session_should_stop_while_collecting(parity: Parity) -> None:
    """Plain pytest looks after the first test; a run in workers may have looked before."""
    parity.write(
        {
            "conftest.py": "def pytest_collection_finish(session): session.shouldstop = 'enough'",
            "test_a.py": GOOD,
            "test_b.py": GOOD,
        }
    )
    for how in (PLAIN, *ALL):
        run = parity.run(how=how)
        assert run.returncode == pytest.ExitCode.INTERRUPTED
        assert "Interrupted: enough" in run.stdout
        assert sum(when == "call" for _, when, _ in run.outcomes) <= 2


def test_usage_error_of_a_collection_hook(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest
                def pytest_collection_modifyitems(): raise pytest.UsageError("said by", "a hook")
            """,
            "test_a.py": GOOD,
        }
    )
    plain, *_ = parity.check(hows=ALL)
    assert plain.returncode == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "hook",
    [
        "pytest_collection_modifyitems()",
        "pytest_collect_file()",
        "pytest_collection_finish()",
        "pytest_itemcollected()",
        "pytest_sessionstart()",
        "pytest_configure()",
        "pytest_report_header()",
        "pytest_generate_tests()",
    ],
)
def test_internal_error_before_the_tests(parity: Parity, hook: str) -> None:
    parity.write({"conftest.py": f"def {hook}: raise ValueError('by a hook')", "test_a.py": GOOD})
    plain = parity.run(how=PLAIN)
    run = parity.run()
    assert run.returncode == plain.returncode
    assert run.outcomes == plain.outcomes
    assert "ValueError: by a hook" in plain.stdout + plain.stderr
    assert "ValueError: by a hook" in run.stdout + run.stderr
    assert not run.leftovers


@pytest.mark.parametrize(
    ("files", "args"),
    [
        (BROKEN, ("-x",)),
        (BROKEN, ("--maxfail=2",)),
        ({}, ("no_such_path",)),
        ({"test_b.py": "import pytest\npytest.exit('enough')"}, ()),
        ({"sub/conftest.py": "import pytest\nraise pytest.UsageError('below')", "sub/test_b.py": GOOD}, ()),
    ],
    ids=["-x", "--maxfail", "path", "exit", "usage"],
)
def test_end_of_collection_is_told_by_the_process_that_collects(
    parity: Parity, files: dict[str, str], args: tuple[str, ...]
) -> None:
    """Workers that collect for themselves may come to the same end earlier."""
    slow = "import os, time\nif os.environ.get('PYTEST_XDIST_WORKER') == 'gw0': time.sleep(0.5)"
    parity.write({"conftest.py": slow, "test_a.py": GOOD, **files})
    parity.check(*args, hows=(FORKSERVER, SPAWN))

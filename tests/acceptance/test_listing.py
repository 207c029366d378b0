"""Runs that show something and run no tests."""

from __future__ import annotations

import re

import pytest
from parity import FORK, Parity

FILES = {
    "conftest.py": """
        import pytest

        def pytest_configure(config): config.addinivalue_line("markers", "own(x): a marker of its own")

        @pytest.fixture(scope="session")
        def resource():
            '''Documented.'''
            return 1
    """,
    "test_a.py": """
        import pytest

        @pytest.mark.own(1)
        def test_a(resource): pass

        class TestIt:
            def test_b(self): pass
    """,
    "test_b.py": "import pytest\n@pytest.mark.parametrize('x', [1, 2])\ndef test_c(x, tmp_path): pass",
}
# The plain run has the plugin too, because it adds options, markers and fixtures.
OFF = ("-n", "no")
_VARYING = re.compile(r" in [\d.]+s|run\d+/|^fastest: .*\n|^-+ generated xml file.*\n", re.MULTILINE)


@pytest.mark.parametrize(
    "args",
    [
        ("--collect-only",),
        ("--collect-only", "-q"),
        ("--collect-only", "-qq"),
        ("--collect-only", "-v", "-k", "test_c"),
        ("--fixtures",),
        ("--fixtures-per-test",),
        ("--markers",),
        ("--setup-plan",),
        ("--setup-only",),
        ("--setup-show",),
        ("--help",),
        ("--version",),
        ("-VV",),
        ("--cache-show",),
    ],
    ids=" ".join,
)
def test_output_is_that_of_plain_pytest(parity: Parity, args: tuple[str, ...]) -> None:
    parity.write(FILES)
    plain, run = parity.run(*args, how=OFF), parity.run(*args, how=FORK)
    assert run.returncode == plain.returncode
    assert _VARYING.sub("", run.stdout) == _VARYING.sub("", plain.stdout)
    assert run.stderr == plain.stderr


def test_collection_errors_of_collect_only(parity: Parity) -> None:
    parity.write({**FILES, "test_c.py": "raise ValueError"})
    plain, run = parity.run("--collect-only", how=OFF), parity.run("--collect-only", how=FORK)
    assert run.returncode == plain.returncode == pytest.ExitCode.INTERRUPTED
    assert _VARYING.sub("", run.stdout) == _VARYING.sub("", plain.stdout)

"""GitLab: sections in the log that are folded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processes.harness import Suite


def test_the_log_of_a_worker_is_folded(suite: Suite) -> None:
    suite.write(test_one="def test_passes(): pass\ndef test_fails(): assert 1 == 2")
    with suite.running("-n", "1", env={"GITLAB_CI": "true"}) as running:
        assert running.finish().counts == {"passed": 1, "failed": 1}
        # As text it would have another end of line in the place of each \r.
        output = (running.home / "stdout").read_bytes().decode()
    clear = re.escape("\x1b[0K")
    section = re.search(
        rf"^{clear}section_start:(\d+):([\w.-]+)\[collapsed=true\]\r{clear}gw0: 2 tests in \d\.\d s, 1 failed\n"
        r" +\d\.\d{3} s  passed   test_one.py::test_passes\n"
        r" +\d\.\d{3} s  failed   test_one.py::test_fails\n"
        rf"{clear}section_end:(\d+):\2\r{clear}\n",
        output,
        re.MULTILINE,
    )
    assert section, repr(output)
    assert int(section[3]) >= int(section[1]) > 1_000_000_000
    assert "fastest: run a failed test alone" in output
    assert "::error" not in output


def test_one_test_is_one(suite: Suite) -> None:
    suite.write(test_one="def test_fails(): assert 0\ndef test_passes(): pass")
    failed = suite.run("-n", "1", "--ci", "gitlab", "-k", "fails").stdout
    assert re.search(r"gw0: 1 test in \d\.\d s, 1 failed$", failed, re.MULTILINE), failed
    both = suite.run("-n", "1", "--ci", "gitlab").stdout
    assert "(1 test after its last failure)" in both

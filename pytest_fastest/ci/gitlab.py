"""GitLab's format of job logs. Source: https://docs.gitlab.com/ci/jobs/job_logs/"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLEAR = "\x1b[0K"


def section(name: str, title: str, lines: list[str]) -> Iterator[str]:
    """Lines that are folded in the log, under a name that no other section of the job has."""
    now = time.time()
    name = re.sub(r"[^\w.-]", "_", f"{name}_{now:.6f}", flags=re.ASCII)
    yield f"{_CLEAR}section_start:{now:.0f}:{name}[collapsed=true]\r{_CLEAR}{title}"
    yield from lines
    yield f"{_CLEAR}section_end:{now:.0f}:{name}\r{_CLEAR}"

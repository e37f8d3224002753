"""The number of cores."""

import math
import os
from pathlib import Path
from typing import Final

CGROUP: Final = Path("/sys/fs/cgroup/cpu.max")  # of a container: https://docs.kernel.org/admin-guide/cgroup-v2.html


def count_cores(limits: Path = CGROUP) -> int:
    """Return the number of cores that this process may use, and at least 1.

    A container's limit, processor time in a period, is rounded up: with 1.5 cores, two processes keep both busy.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limits.read_text().split()
        return allowed if quota == "max" else max(1, min(allowed, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no container, or another system than Linux
        return allowed

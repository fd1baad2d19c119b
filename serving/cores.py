"""How many cores this process may use: some ways to run a graph pay off on one, others on many."""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """The cores that this process is bound to, or the time of so many that its container may take.

    Args:
        cgroup: where the kernel shows the container's limits, of version 2 or 1.
    """
    bound = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return bound if quota is None else min(bound, max(1, math.ceil(quota)))


def has_one_core() -> bool:
    """Whether this process has a single core, as a small container does."""
    return usable_cores() == 1


def _quota(cgroup: Path) -> float | None:
    """Cores' worth of time; None where there is no limit, or none that can be read."""
    try:
        if (cgroup / "cpu.max").is_file():
            limit, period = (cgroup / "cpu.max").read_text().split()
        else:
            limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text()
        return int(limit) / int(period) if int(limit) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # "max" is no number: no limit
        return None

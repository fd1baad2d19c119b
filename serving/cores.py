"""How many cores this process may use: some ways to run a graph pay off on one, others on many."""

import os


def has_one_core() -> bool:
    """Whether this process is bound to a single core, as a small container is."""
    return len(os.sched_getaffinity(0)) == 1

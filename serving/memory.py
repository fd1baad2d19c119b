"""How much freed memory the process keeps.

glibc's malloc learns: once a block of up to 32 MB has been freed, blocks of that size come from the
heap, and up to 64 MB of free heap stay with the process. One oversized request would so cost 75 MB
for good. With limits that are set, it gives back what is large at once, and the heap's free end.
"""

import contextlib
import ctypes
import os

# From malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# What a graph allocates at each call stays below: blocks from the kernel cost page faults.
_MMAP_BYTES = 4 << 20
_TRIM_BYTES = 8 << 20


def give_back_freed_memory() -> None:
    """Sets the limits, unless the environment says something about malloc; only glibc has them."""
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    if "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)

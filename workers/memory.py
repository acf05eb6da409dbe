"""Memory that a process keeps which computes, instead of giving it back and asking for it again.

Every pass through a network asks for the same large blocks. By itself glibc takes each of them from the system when it
is asked for and returns it when it is freed, and the system clears it anew, page by page: a fifth of what a forward
pass costs on a processor (`docs/decisions/0037-a-worker-keeps-its-memory.md`).
"""

import ctypes
import os
from collections.abc import Callable

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of mallopt(3), as malloc.h numbers them
NEVER = 2**31 - 1  # bytes at the end of the heap that are not given back: its largest int


def keep() -> bool:
    """Have blocks that are freed kept for the next; False where nothing was changed.

    So where the environment sets glibc's allocator up itself, and where there is another C library.
    """
    if any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    try:
        mallopt: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(MMAP_MAX, 0) and mallopt(TRIM_THRESHOLD, NEVER))

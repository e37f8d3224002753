"""Makes glibc return the memory of large requests and pictures to the system; does nothing with another C library."""

import ctypes
from contextlib import suppress
from typing import Final

# Parameters of glibc's mallopt.
MMAP_THRESHOLD: Final = -3  # larger blocks go back to the system when they are freed
TRIM_THRESHOLD: Final = -1  # so does free memory beyond this at the end of the heap
ARENA_MAX: Final = -8

KEPT: Final = 16_000_000  # bytes at the end of the heap


def limit_heap(largest_kept: int) -> None:
    """Fix the sizes from which memory is returned, and use one heap for all threads.

    By default glibc raises the sizes with the first large block, keeps 100 MB for those that follow, and gives each
    thread a heap of its own. Blocks of up to `largest_kept` bytes are taken from the heap, which is faster.
    """
    _call_glibc("mallopt", MMAP_THRESHOLD, largest_kept)
    _call_glibc("mallopt", TRIM_THRESHOLD, KEPT)
    _call_glibc("mallopt", ARENA_MAX, 1)


def trim_heap() -> None:
    """Return all free memory, also what lies in pieces between blocks in use; what follows is slower for a while."""
    _call_glibc("malloc_trim", 0)


def _call_glibc(function: str, *arguments: int) -> None:
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None)[function](*arguments)

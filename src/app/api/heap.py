"""Makes glibc return the memory of large requests and pictures to the system; does nothing with another C library."""

import ctypes
from contextlib import suppress
from typing import Final

# Parameters of glibc's mallopt and their values in bytes, both above what the arrays of an 800x800 picture take.
MMAP_THRESHOLD: Final = (-3, 12_000_000)  # larger blocks go back to the system when they are freed
TRIM_THRESHOLD: Final = (-1, 16_000_000)  # so does free memory beyond this at the end of the heap


def limit_heap() -> None:
    """Fix the sizes from which memory is returned.

    By default glibc raises them with the first large block and keeps 100 MB for those that follow.
    """
    _call_glibc("mallopt", *MMAP_THRESHOLD)
    _call_glibc("mallopt", *TRIM_THRESHOLD)


def trim_heap() -> None:
    """Return all free memory, also what lies in pieces between blocks in use; what follows is slower for a while."""
    _call_glibc("malloc_trim", 0)


def _call_glibc(function: str, *arguments: int) -> None:
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None)[function](*arguments)

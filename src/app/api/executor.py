"""Chooses where a picture is decoded, so that no picture blocks the event loop and a worker's memory stays bounded."""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

from src.model.preprocessing.decode import pixel_count
from src.settings import Settings

T = TypeVar("T")

# Pictures up to this size take about a millisecond and are decoded in the event loop: in a thread they would contend
# with it for the interpreter lock, which takes longer.
INLINE_BYTES: Final = 32_768  # of the file
INLINE_PIXELS: Final = 90_000  # 300x300, a drawing

# Parameters of glibc's mallopt and their values in bytes, both above what the arrays of an 800x800 picture take.
MMAP_THRESHOLD: Final = (-3, 12_000_000)  # larger blocks go back to the system when they are freed
TRIM_THRESHOLD: Final = (-1, 16_000_000)  # so does free memory beyond this at the end of the heap


class DecodeExecutor:
    """Decodes tiny pictures inline, small ones in a pool of threads, and large ones in a pool of a single thread."""

    def __init__(self, settings: Settings) -> None:
        self._small_pixels = settings.small_pixels
        self._inline_pixels = min(INLINE_PIXELS, settings.small_pixels)
        self._small_pool = CapacityLimiter(settings.readers)
        self._large_pool = CapacityLimiter(1)

    async def run(self, work: Callable[[], T], data: bytes, *, inline: bool = True) -> T:
        """Return `work()`, which decodes the picture file `data`, run where the picture's size allows it.

        `inline=False` always uses a thread, for work that takes longer than reading one digit.
        """
        is_short = len(data) <= INLINE_BYTES
        if is_short:
            pixels = pixel_count(data)
        else:
            pixels = await to_thread.run_sync(pixel_count, data, limiter=self._small_pool)
        if inline and is_short and pixels <= self._inline_pixels:
            return work()
        if pixels <= self._small_pixels:
            return await to_thread.run_sync(work, limiter=self._small_pool)
        return await to_thread.run_sync(_trim_and_run, work, limiter=self._large_pool)


def _trim_and_run(work: Callable[[], T]) -> T:
    _call_glibc("malloc_trim", 0)  # earlier pictures left free memory in pieces, and a large one needs it
    return work()


def limit_heap() -> None:
    """Make glibc return the memory of large pictures to the system when they are done.

    By default it raises its thresholds with the first large picture and keeps 100 MB for those that follow.
    """
    _call_glibc("mallopt", *MMAP_THRESHOLD)
    _call_glibc("mallopt", *TRIM_THRESHOLD)


def _call_glibc(function: str, *arguments: int) -> None:
    """Call a function of the C library; does nothing if the library is not glibc."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None)[function](*arguments)

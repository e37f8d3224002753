"""Where pictures are read: where none holds up other requests for longer than a change of threads would.

What takes about a millisecond is read at once: in a thread it would wait for Python's lock dozens of times, and the
event loop for it. Larger pictures are read in threads, and the largest one at a time.
"""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

from src.model.errors import TooManyPixels
from src.settings import Settings

T = TypeVar("T")

# glibc's numbers of two of its parameters, and bytes: what is larger is returned when it is freed, and so is what is
# free beyond the other at a heap's end. Both are above what the arrays of an 800x800 picture take.
MMAP_THRESHOLD: Final = (-3, 12_000_000)
TRIM_THRESHOLD: Final = (-1, 16_000_000)


AT_ONCE_BYTES: Final = 32_768  # of a picture file that may be read at once ...
AT_ONCE_PIXELS: Final = 90_000  # ... and of it when it is decoded: 300x300, a drawing


class DecodeExecutor:
    """A wide lane for small pictures and a narrow one for large ones: that bounds the memory of a worker."""

    def __init__(self, settings: Settings) -> None:
        self._small_pixels = min(settings.small_pixels, settings.max_pixels)
        self._max_pixels = settings.max_pixels
        self._wide = CapacityLimiter(settings.readers)
        self._narrow = CapacityLimiter(1)

    async def read(self, work: Callable[[int], T], size: int) -> T:
        """Return `work(max_pixels)` for a picture file of `size` bytes; see `run`."""
        if size <= AT_ONCE_BYTES:
            with suppress(TooManyPixels):
                return work(min(AT_ONCE_PIXELS, self._small_pixels))
        return await self.run(work)

    async def run(self, work: Callable[[int], T]) -> T:
        """Return `work(max_pixels)`; if the header says that the picture is large, run it in the narrow lane."""
        try:
            return await to_thread.run_sync(work, self._small_pixels, limiter=self._wide)
        except TooManyPixels:
            return await to_thread.run_sync(self._run_large, work, limiter=self._narrow)

    def _run_large(self, work: Callable[[int], T]) -> T:
        _glibc("malloc_trim", 0)  # what earlier pictures left free here and there is needed now
        return work(self._max_pixels)


def give_memory_back() -> None:
    """Have glibc return the memory of large pictures when they are done with.

    It would raise its thresholds with the first of them, and keep the memory of those that follow for itself: 100 MB.
    """
    _glibc("mallopt", *MMAP_THRESHOLD)
    _glibc("mallopt", *TRIM_THRESHOLD)


def _glibc(function: str, *arguments: int) -> None:
    """Call a function of the C library; another than glibc does as it likes."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None)[function](*arguments)

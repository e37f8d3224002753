"""Chooses where a picture is read, so that no picture blocks the event loop and memory and time stay bounded."""

from collections.abc import Callable
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

from src.app.api.process_pool import ProcessPool
from src.app.api.worker import Limits, TooLarge
from src.model.preprocessing.preprocess import Candidates, preprocess, preprocess_plain
from src.model.preprocessing.segmentation.graph import SegmentedPicture, segment_picture
from src.settings import Settings

T = TypeVar("T")

SMALL_SHARE: Final = 0.25  # of the processor time of large pictures: small ones may take as much
# Bytes; the largest accepted pictures take 150 MB, those of `small_pixels` 40 MB.
SMALL_MEMORY: Final = 70_000_000
LARGE_MEMORY: Final = 175_000_000


class DecodeExecutor:
    """Reads plain pictures at once and all others in child processes, of the large ones one at a time."""

    def __init__(self, settings: Settings) -> None:
        cpu_s = settings.picture_cpu_s
        self._max_pixels = settings.max_pixels
        self._small_limits = Limits(settings.small_pixels, cpu_s * SMALL_SHARE, SMALL_MEMORY)
        self._large_limits = Limits(None, cpu_s, LARGE_MEMORY)
        self._pool = ProcessPool(settings.readers, settings.log_level)
        self._large = CapacityLimiter(1)
        self._threads = CapacityLimiter(1)

    async def preprocess(self, data: bytes, keep_steps: bool = False) -> Candidates:
        """Return the candidates for the digit in the file `data`, as `preprocess` does. Raises a `PictureError`."""
        candidates = preprocess_plain(data, self._max_pixels, keep_steps)
        if candidates is None:
            candidates = await self.run(preprocess, data, self._max_pixels, keep_steps)
        return candidates

    async def segment(self, data: bytes) -> SegmentedPicture:
        """Return the picture file `data` segmented, as `segment_picture` does. Raises a `PictureError`."""
        return await self.run(segment_picture, data, self._max_pixels)

    async def run(self, function: Callable[..., T], data: bytes, *arguments: object) -> T:
        """Return `function(data, *arguments)` for the picture file `data`, computed in a child process.

        See `ProcessPool.run` for what can be sent there. Raises what the function raises, or `TooComplex`.
        """
        try:
            return await self._pool.run(self._small_limits, function, data, *arguments)
        except TooLarge:
            async with self._large:
                return await self._pool.run(self._large_limits, function, data, *arguments)

    async def compute(self, work: Callable[[], T]) -> T:
        """Return `work()`, run in a thread, for passes through a network that take longer than reading one digit."""
        return await to_thread.run_sync(work, limiter=self._threads)

    async def close(self) -> None:
        """End the child processes."""
        await self._pool.close()

"""Where pictures are decoded: in threads, so that none holds up other requests, and large ones one at a time."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from src.model.errors import TooManyPixels
from src.settings import Settings

T = TypeVar("T")


class Lanes:
    """A wide lane for small pictures and a narrow one for large ones: that bounds the memory of a worker."""

    def __init__(self, settings: Settings) -> None:
        self._small_pixels = min(settings.small_pixels, settings.max_pixels)
        self._max_pixels = settings.max_pixels
        self._wide = CapacityLimiter(settings.readers)
        self._narrow = CapacityLimiter(1)

    async def run(self, work: Callable[[int], T]) -> T:
        """Return `work(max_pixels)`, which raises `TooManyPixels` by a picture's header; such a one changes lanes."""
        try:
            return await to_thread.run_sync(work, self._small_pixels, limiter=self._wide)
        except TooManyPixels:
            return await to_thread.run_sync(work, self._max_pixels, limiter=self._narrow)

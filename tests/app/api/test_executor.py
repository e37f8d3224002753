import threading
from collections.abc import Callable

import anyio
import pytest

from src.app.api.executor import AT_ONCE_BYTES, AT_ONCE_PIXELS, DecodeExecutor
from src.model.errors import TooManyPixels
from src.settings import Settings

LARGE = Settings().small_pixels + 1


def picture(pixels: int) -> Callable[[int], tuple[bool, int]]:
    """Return work as on a picture of so many pixels: it says whether it was done in the event loop's own thread."""

    def work(max_pixels: int) -> tuple[bool, int]:
        if pixels > max_pixels:
            raise TooManyPixels("too many")
        return threading.current_thread() is threading.main_thread(), max_pixels

    return work


@pytest.mark.parametrize(
    ("pixels", "size", "at_once"),
    [
        (AT_ONCE_PIXELS, AT_ONCE_BYTES, True),
        (AT_ONCE_PIXELS + 1, AT_ONCE_BYTES, False),
        (AT_ONCE_PIXELS, AT_ONCE_BYTES + 1, False),
        (LARGE, 10, False),
    ],
)
def test_only_what_is_quickly_read_is_read_in_the_event_loop(pixels: int, size: int, at_once: bool) -> None:
    executor = DecodeExecutor(Settings())
    assert anyio.run(executor.read, picture(pixels), size)[0] is at_once


def test_a_picture_that_is_too_large_for_every_lane_is_refused() -> None:
    settings = Settings(max_pixels=LARGE)
    with pytest.raises(TooManyPixels):
        anyio.run(DecodeExecutor(settings).read, picture(LARGE + 1), 10)


def test_a_limit_below_what_is_read_at_once_holds() -> None:
    settings = Settings(max_pixels=100)
    assert anyio.run(DecodeExecutor(settings).read, picture(100), 10) == (True, 100)
    with pytest.raises(TooManyPixels):
        anyio.run(DecodeExecutor(settings).read, picture(101), 10)

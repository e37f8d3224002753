"""Where pictures are decoded, by their size."""

import threading

import anyio
import numpy as np
import pytest
from anyio.lowlevel import checkpoint
from PIL import Image

from src.app.api.executor import INLINE_BYTES, INLINE_PIXELS, DecodeExecutor
from src.settings import Settings
from tests.app.api.api_client import run_in_event_loop
from tests.pictures import encoded

LARGEST_INLINE = encoded(Image.new("L", (300, 300)))
SMALL = encoded(Image.new("L", (301, 300)))
NOISE = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)))
LARGE = encoded(Image.new("1", (1001, 1000)))


def test_the_pictures_of_these_tests_are_on_both_sides_of_the_limits() -> None:
    assert len(LARGEST_INLINE) < len(SMALL) + 100 < INLINE_BYTES < len(NOISE)
    assert INLINE_PIXELS == 300 * 300
    assert Settings().small_pixels < 1001 * 1000


@pytest.mark.parametrize(
    ("data", "settings", "inline"),
    [
        (LARGEST_INLINE, Settings(), True),
        (b"not a picture", Settings(), True),  # it is refused without being decoded
        (SMALL, Settings(), False),
        (NOISE, Settings(), False),
        (LARGE, Settings(), False),
        (LARGEST_INLINE, Settings(small_pixels=89_999), False),
    ],
)
def test_only_tiny_pictures_are_decoded_in_the_event_loop(data: bytes, settings: Settings, inline: bool) -> None:
    async def runs_inline() -> bool:
        return await DecodeExecutor(settings).run(threading.get_ident, data) == threading.get_ident()

    assert run_in_event_loop(runs_inline) is inline


def test_slow_work_never_runs_in_the_event_loop() -> None:
    async def runs_inline() -> bool:
        executor = DecodeExecutor(Settings())
        return await executor.run(threading.get_ident, LARGEST_INLINE, inline=False) == threading.get_ident()

    assert not run_in_event_loop(runs_inline)


@pytest.mark.parametrize(("data", "at_once"), [(SMALL, 2), (LARGE, 1)])
def test_two_small_pictures_but_only_one_large_one_are_decoded_at_once(data: bytes, at_once: int) -> None:
    running: list[None] = []
    observed: list[int] = []
    may_end = threading.Event()

    def work() -> None:
        running.append(None)
        observed.append(len(running))
        may_end.wait(30)
        running.pop()

    async def run() -> bool:
        executor = DecodeExecutor(Settings(readers=2))
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(executor.run, work, data)
                await anyio.wait_all_tasks_blocked()
                while len(running) < at_once:
                    await checkpoint()
                answered = await executor.run(threading.get_ident, LARGEST_INLINE) == threading.get_ident()
                may_end.set()
        return answered

    assert run_in_event_loop(run)  # a tiny picture need not wait for the others
    assert len(observed) == 3
    assert max(observed) == at_once

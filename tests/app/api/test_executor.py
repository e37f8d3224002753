"""Where pictures are read: plain ones at once, all others in child processes with limits."""

import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import psutil
import pytest
from PIL import Image

from src.app.api import executor as executor_module
from src.app.api import process_pool
from src.app.api.executor import SMALL_MEMORY, DecodeExecutor
from src.model.errors import BlankPicture, TooComplex
from src.model.inference.artefact import find_newest
from src.model.inference.numbers import Number
from src.model.inference.predictor import Predictor, open_predictor
from src.model.inference.steps import Steps
from src.model.preprocessing.preprocess import preprocess
from src.settings import ROOT, Settings
from tests.app.api.api_client import run_in_event_loop
from tests.pictures import MAX_PIXELS, drawn, encoded, mnist, written

FOUR = drawn(4)
SMALL = encoded(FOUR, "BMP")
LARGE = encoded(Image.new("1", (1001, 1000)))
CPU_S = 0.4  # for these tests; small pictures get a quarter


def process_id(_: bytes) -> int:
    return os.getpid()


def spin(*_: object) -> None:
    while True:
        pass


def take_memory(_: bytes, size: int) -> int:
    return int(np.ones(size, np.uint8).sum())


def make_bytes(_: bytes, size: int) -> bytes:
    return bytes(size)


def crash(_: bytes) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def fail(_: bytes) -> None:
    raise RuntimeError("a bug")


def wait_for(_: bytes, started: Path, end: Path) -> None:
    """Add a line to `started` and return when `end` exists."""
    with started.open("a") as file:
        file.write("started\n")
    while not end.exists():
        time.sleep(0.01)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return open_predictor(find_newest(ROOT / "model"), MAX_PIXELS)


class ObservedExecutor(DecodeExecutor):
    """Knows its own child processes; services of other tests may have theirs."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._others = _reading_processes()

    def children(self) -> set[psutil.Process]:
        return _reading_processes() - self._others


def _reading_processes() -> set[psutil.Process]:
    return {child for child in psutil.Process().children() if _reads_pictures(child)}


def _reads_pictures(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "src.app.api.worker" in " ".join(process.cmdline())
    return False


def run(test: Callable[[ObservedExecutor], Awaitable[None]], **settings: Any) -> None:
    """Run a test with an executor, and check that it leaves no process behind."""

    async def run_test() -> None:
        executor = ObservedExecutor(Settings(**settings))
        with anyio.fail_after(60):
            try:
                await test(executor)
            finally:
                await executor.close()
        assert executor.children() == set()

    run_in_event_loop(run_test)


@pytest.mark.parametrize("picture", [FOUR, FOUR.convert("RGBA"), FOUR.resize((28, 28))])
def test_plain_drawings_need_no_process(picture: Image.Image) -> None:
    async def test(executor: ObservedExecutor) -> None:
        (framed,) = await executor.preprocess(encoded(picture))
        np.testing.assert_array_equal(framed.pixels, preprocess(encoded(picture), MAX_PIXELS)[0].pixels)
        assert executor.children() == set()

    run(test)


@pytest.mark.parametrize(
    "data", [SMALL, encoded(FOUR, "JPEG"), encoded(FOUR.convert("P")), encoded(drawn(4, (301, 301)))]
)
def test_other_pictures_give_the_same_in_a_process(data: bytes) -> None:
    async def test(executor: ObservedExecutor) -> None:
        (framed,) = await executor.preprocess(data, keep_steps=True)
        np.testing.assert_array_equal(framed.pixels, preprocess(data, MAX_PIXELS)[0].pixels)
        assert framed.steps is not None
        assert len(executor.children()) == 1
        with pytest.raises(BlankPicture):
            await executor.preprocess(encoded(Image.new("L", (90, 90)), "BMP"))
        assert len(executor.children()) == 1  # the same one, as errors do not end it

    run(test)


@pytest.mark.parametrize(("function", "arguments"), [(spin, ()), (take_memory, (400_000_000,)), (crash, ())])
def test_what_takes_too_much_or_crashes_is_too_complex_and_the_next_picture_is_read(
    function: Callable[..., object], arguments: tuple[int, ...]
) -> None:
    async def test(executor: ObservedExecutor) -> None:
        with pytest.raises(TooComplex):
            await executor.run(function, SMALL, *arguments)
        assert (await executor.preprocess(SMALL))[0].digits_seen == 1
        assert len(executor.children()) == 1

    run(test, picture_cpu_s=CPU_S)


def test_an_answer_too_large_to_be_sent_is_too_complex() -> None:
    async def test(executor: ObservedExecutor) -> None:
        with pytest.raises(TooComplex):
            await executor.run(make_bytes, SMALL, SMALL_MEMORY // 2 + 1_000_000)
        assert (await executor.preprocess(SMALL))[0].digits_seen == 1

    run(test)


def test_a_clear_digit_is_read_without_a_process_and_a_number_with_one(predictor: Predictor) -> None:
    async def test(executor: ObservedExecutor) -> None:
        for picture in (FOUR, FOUR.convert("RGBA"), mnist(4)):
            _, number = await executor.read(predictor, encoded(picture))
            assert [mark.prediction for mark in number.marks] == [4]
        assert executor.children() == set()
        _, number = await executor.read(predictor, encoded(written("10")))
        assert [mark.prediction for mark in number.marks] == [1, 0]
        assert len(executor.children()) == 1

    run(test)


def test_details_lack_the_number_if_finding_it_takes_too_long(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(executor: ObservedExecutor) -> None:
        monkeypatch.setattr(executor_module, "segment_picture", spin)
        picture = encoded(written("10"))
        prediction, number = await executor.read_details(predictor, picture, True, ["heat"])
        assert prediction.prediction == predictor.predict(picture).prediction
        assert prediction.steps is not None
        assert prediction.heat is not None
        assert number == Number([], truncated=True)
        with pytest.raises(TooComplex):
            await executor.read(predictor, picture)

    run(test)


def test_only_as_many_pictures_are_segmented_as_there_are_processes(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    end = threading.Event()

    def wait(*_: object) -> Steps[Number]:
        begun.append(1)
        while not end.is_set():
            yield
        return Number([], truncated=False)

    async def test(executor: ObservedExecutor) -> None:
        monkeypatch.setattr(executor_module, "read_segments", wait)
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(executor.read, predictor, encoded(written("10")))
            while len(begun) < 2:
                await anyio.sleep(0.01)
            assert await executor.compute(lambda: 5) == 5  # other work takes its turn
            assert len(begun) == 2
            end.set()
        assert len(begun) == 4

    run(test)


def test_a_cancelled_reading_ends_at_its_next_pause(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def work(*_: object) -> Steps[Number]:
        try:
            while True:
                yield
        finally:
            ended.set()

    async def test(executor: ObservedExecutor) -> None:
        monkeypatch.setattr(executor_module, "read_segments", work)
        with anyio.move_on_after(1):
            await executor.read(predictor, encoded(written("10")))
        while not ended.is_set():
            await anyio.sleep(0.01)

    run(test)


def test_a_large_picture_may_take_more_time_than_a_small_one() -> None:
    async def seconds(executor: ObservedExecutor, data: bytes) -> float:
        child = psutil.Process(await executor.run(process_id, SMALL))
        times = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(assert_too_complex, executor, data)
            while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                times.append(child.cpu_times().user)
                await anyio.sleep(0.01)
        return times[-1] - times[0]

    async def assert_too_complex(executor: ObservedExecutor, data: bytes) -> None:
        with pytest.raises(TooComplex):
            await executor.run(spin, data)

    async def test(executor: ObservedExecutor) -> None:
        assert await seconds(executor, SMALL) < 0.4
        assert await seconds(executor, LARGE) > 0.6

    run(test, picture_cpu_s=1)


def test_a_bug_is_raised_with_the_place_where_it_happened() -> None:
    async def test(executor: ObservedExecutor) -> None:
        with pytest.raises(RuntimeError, match="a bug") as caught:
            await executor.run(fail, SMALL)
        assert "in fail" in caught.value.__notes__[0]

    run(test)


@pytest.mark.parametrize(("data", "at_once"), [(SMALL, 2), (LARGE, 1)])
def test_two_small_pictures_but_only_one_large_one_are_read_at_once(data: bytes, at_once: int, tmp_path: Path) -> None:
    started, end = tmp_path / "started", tmp_path / "end"
    started.touch()

    def count() -> int:
        return len(started.read_text().splitlines())

    async def test(executor: ObservedExecutor) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(executor.run, wait_for, data, started, end)
            while count() < at_once:
                await anyio.sleep(0.01)
            await executor.preprocess(encoded(FOUR))  # a plain picture does not wait for the others
            assert count() == at_once
            end.touch()
        assert count() == 3

    run(test, picture_cpu_s=40)


def test_a_cancelled_request_ends_its_process() -> None:
    async def test(executor: ObservedExecutor) -> None:
        await executor.run(process_id, SMALL)
        with anyio.move_on_after(0.05):
            await executor.run(spin, SMALL)
        while executor.children():
            await anyio.sleep(0.01)

    run(test, picture_cpu_s=40)


def test_closing_ends_busy_and_idle_processes() -> None:
    async def test(executor: ObservedExecutor) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(executor.run, spin, SMALL)
            await executor.run(process_id, SMALL)
            assert len(executor.children()) == 2
            tasks.cancel_scope.cancel()
        await executor.run(process_id, SMALL)

    run(test, picture_cpu_s=40)


def test_idle_processes_end_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_pool, "IDLE_S", 0.05)

    async def test(executor: ObservedExecutor) -> None:
        first = await executor.run(process_id, SMALL)
        while executor.children():
            await anyio.sleep(0.01)
        assert await executor.run(process_id, SMALL) != first

    run(test)


def test_a_process_that_died_while_idle_is_replaced() -> None:
    async def test(executor: ObservedExecutor) -> None:
        first = await executor.run(process_id, SMALL)
        (process,) = executor._pool._started
        os.kill(first, signal.SIGKILL)
        await process.wait()
        assert await executor.run(process_id, SMALL) != first

    run(test)

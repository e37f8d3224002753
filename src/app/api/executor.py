"""Chooses where a picture is read, so that no picture blocks the event loop and memory and time stay bounded."""

import gc
from collections.abc import Callable, Collection
from functools import partial
from time import monotonic
from typing import Final, TypeVar

from anyio import CapacityLimiter, to_thread

from src.app.api.process_pool import ProcessPool
from src.app.api.worker import Limits, TooLarge
from src.model.errors import TooComplex
from src.model.heap import trim_heap
from src.model.inference.numbers import Number, read_piece, read_segments
from src.model.inference.predictor import Explanation, Prediction, Predictor
from src.model.inference.steps import Done, Steps, advance
from src.model.preprocessing.preprocess import Candidates, preprocess, preprocess_plain
from src.model.preprocessing.segmentation.graph import segment_picture
from src.model.preprocessing.segmentation.single_piece import segment_plain
from src.settings import Settings

T = TypeVar("T")

SMALL_SHARE: Final = 0.25  # of the processor time of large pictures: small ones may take as much
# Bytes; the largest accepted pictures take 150 MB, those of `small_pixels` 40 MB, or 90 MB if noise is segmented.
SMALL_MEMORY: Final = 110_000_000
LARGE_MEMORY: Final = 175_000_000
TURN_S: Final = 0.1  # seconds after which work in a thread pauses, as soon as it can, for that of other requests


class DecodeExecutor:
    """Reads plain pictures at once and all others in child processes, of the large ones one at a time."""

    def __init__(self, settings: Settings) -> None:
        cpu_s = settings.picture_cpu_s
        self._max_pixels = settings.max_pixels
        self._small_limits = Limits(settings.small_pixels, cpu_s * SMALL_SHARE, SMALL_MEMORY)
        self._small_number_limits = Limits(settings.small_pixels, cpu_s, SMALL_MEMORY)  # segmentation takes longer
        self._large_limits = Limits(None, cpu_s, LARGE_MEMORY)
        self._pool = ProcessPool(settings.readers, settings.log_level)
        self._large = CapacityLimiter(1)
        self._segmented = CapacityLimiter(settings.readers)  # pictures, of up to 25 MB each
        self._threads = CapacityLimiter(1)

    async def preprocess(self, data: bytes, keep_steps: bool = False) -> Candidates:
        """Return the candidates for the digit in the file `data`, as `preprocess` does. Raises a `PictureError`."""
        candidates = preprocess_plain(data, self._max_pixels, keep_steps)
        if candidates is None:
            candidates = await self.run(preprocess, data, self._max_pixels, keep_steps)
        return candidates

    async def read(self, predictor: Predictor, data: bytes) -> tuple[Prediction, Number]:
        """Return the prediction for the picture file `data` as a single digit, and the number on it.

        Does what `src.model.inference.numbers.read` does. A plain drawing that is clearly one digit is read at once.
        Raises a `PictureError`.
        """
        _, prediction, number = await self._read(predictor, data)
        return prediction, number

    async def read_details(
        self,
        predictor: Predictor,
        data: bytes,
        keep_steps: bool = False,
        explanations: Collection[Explanation] = (),
    ) -> tuple[Prediction, Number]:
        """Return what `read` does, explained; if only finding the number takes too long, it is empty and truncated.

        Raises a `PictureError` where `preprocess` does.
        """
        try:
            candidates, prediction, number = await self._read(predictor, data, keep_steps)
        except TooComplex:
            candidates = await self.preprocess(data, keep_steps)
            prediction, number = predictor.predict_candidates(candidates), Number([], truncated=True)
        if explanations:  # they take many passes through the network
            prediction = await self._run_steps(predictor.explain(candidates, explanations))
        return prediction, number

    async def _read(
        self, predictor: Predictor, data: bytes, keep_steps: bool = False
    ) -> tuple[Candidates, Prediction, Number]:
        """Return what `read` does, after the candidates for the single digit."""
        if plain := segment_plain(data, self._max_pixels, keep_steps):
            candidates, piece = plain
            prediction = predictor.predict_candidates(candidates)
            if number := read_piece(prediction, piece):
                return candidates, prediction, number
        async with self._segmented:
            arguments = self._max_pixels, keep_steps
            picture = await self.run(segment_picture, data, *arguments, small_limits=self._small_number_limits)
            prediction = predictor.predict_candidates(picture.candidates)
            number = await self._run_steps(read_segments(predictor, prediction, picture.segmentations))
            candidates = picture.candidates
            del picture
            _release_memory()
        return candidates, prediction, number

    async def run(
        self, function: Callable[..., T], data: bytes, *arguments: object, small_limits: Limits | None = None
    ) -> T:
        """Return `function(data, *arguments)` for the picture file `data`, computed in a child process.

        See `ProcessPool.run` for what can be sent there. Raises what the function raises, or `TooComplex`.
        """
        try:
            return await self._pool.run(small_limits or self._small_limits, function, data, *arguments)
        except TooLarge:
            async with self._large:
                _release_memory()  # the child needs it
                return await self._pool.run(self._large_limits, function, data, *arguments)

    async def compute(self, work: Callable[[], T]) -> T:
        """Return `work()`, run in a thread, for passes through a network that take longer than reading one digit."""
        return await to_thread.run_sync(work, limiter=self._threads)

    async def _run_steps(self, steps: Steps[T]) -> T:
        """Return what work in steps returns: run in a thread, in turn with the work of other requests."""
        while not (done := await self.compute(partial(_work, steps))):
            pass
        return done.result

    async def close(self) -> None:
        """End the child processes."""
        await self._pool.close()


def _release_memory() -> None:
    """Return the memory of earlier requests, in 1 ms: their bodies and pictures may be in reference cycles."""
    gc.collect()
    trim_heap()


def _work(steps: Steps[T]) -> Done[T] | None:
    """Work for a turn; return the result if there is nothing more to do."""
    end = monotonic() + TURN_S
    while not (done := advance(steps)) and monotonic() < end:
        pass
    return done

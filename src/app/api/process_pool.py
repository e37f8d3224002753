"""A few child processes that read pictures (`worker.py`): started when they are needed, gone when they are idle."""

import asyncio
import logging
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Final, TypeVar, cast

from anyio import CapacityLimiter

from src.app.api.worker import LENGTH, Limits, Request, encode
from src.model.errors import TooComplex
from src.settings import ROOT

T = TypeVar("T")

IDLE_S: Final = 60.0  # a process without work ends after this time
PART: Final = 262_144  # bytes of a picture that are sent at once, so that no more wait in memory
# One thread and one arena: other threads and arenas would only take memory.
SMALL_PROCESS: Final = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}

log = logging.getLogger(__name__)


class ProcessPool:
    """Runs functions on pictures in at most `size` processes. All methods must be called from one event loop."""

    def __init__(self, size: int, log_level: str) -> None:
        self._limiter = CapacityLimiter(size)
        self._log_level = log_level
        self._started: set[Process] = set()
        self._idle: list[tuple[Process, float]] = []  # with the time since when, the longest idle first
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, limits: Limits, function: Callable[..., T], picture: bytes, *arguments: object) -> T:
        """Return `function(picture, *arguments)`, computed in another process within the limits.

        The function must be importable, its arguments and its result picklable. Raises what it raises; `TooComplex` if
        it takes too much time or memory or crashes; and `TooLarge` if the picture has too many pixels.
        """
        request = Request(function, arguments, len(picture), limits)
        async with self._limiter:
            process = self._take_idle() or await self._start()
            try:
                reply = await _ask(process, request, picture)
            except BaseException:  # it has ended, or nobody waits for its answer any more
                _kill(process)
                raise
            self._put_back(process)
        if isinstance(reply, Exception):
            raise reply
        return cast(T, reply)

    async def close(self) -> None:
        """End all processes, whatever they are doing."""
        if self._timer:
            self._timer.cancel()
        self._idle.clear()
        for process in self._started:
            _kill(process)
            await process.wait()
            await cast(asyncio.StreamReader, process.stdout).read()  # until it is closed
        self._started.clear()

    async def _start(self) -> Process:
        self._started = {process for process in self._started if process.returncode is None}
        arguments = ("-c", "from src.app.api.worker import main; main()", self._log_level)
        environment = os.environ | SMALL_PROCESS
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=environment
        )
        self._started.add(process)
        return process

    def _take_idle(self) -> Process | None:
        while self._idle:
            process, _ = self._idle.pop()
            if process.returncode is None:
                return process
        return None

    def _put_back(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        self._idle.append((process, loop.time()))
        if not self._timer:
            self._timer = loop.call_later(IDLE_S, self._end_idle)

    def _end_idle(self) -> None:
        """End the processes that were idle for long, and come back for the others."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._idle and self._idle[0][1] <= loop.time() - IDLE_S:
            process, _ = self._idle.pop(0)
            cast(asyncio.StreamWriter, process.stdin).close()  # it ends when there are no more requests
        if self._idle:
            self._timer = loop.call_at(self._idle[0][1] + IDLE_S, self._end_idle)


def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()


async def _ask(process: Process, request: Request, picture: bytes) -> object:
    """Return the answer of a process. Raises `TooComplex` if a signal ended it."""
    stdin, stdout = cast(asyncio.StreamWriter, process.stdin), cast(asyncio.StreamReader, process.stdout)
    try:
        stdin.write(encode(request))
        for start in range(0, len(picture), PART):
            stdin.write(memoryview(picture)[start : start + PART])
            await stdin.drain()
        (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
        return pickle.loads(await stdout.readexactly(length))  # noqa: S301 - from our own process
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        code = await process.wait()
        if code >= 0:
            raise RuntimeError(f"A process that reads pictures ended with exit code {code}.") from error
        if -code != signal.SIGPROF:
            log.error("A process that reads pictures was ended by %s.", signal.Signals(-code).name)
        raise TooComplex from error

"""Limits on what reading one picture may take, so that a crafted picture becomes a row with a problem."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import cv2

from src.model.errors import TooComplex

MEMORY: Final = 175_000_000  # bytes beyond what the process has: the largest accepted pictures take 150 MB
OUT_OF_MEMORY: Final = -4  # OpenCV's error code
STATM: Final = Path("/proc/self/statm")
DATA: Final = 5  # the place of the pages for data in it


@contextmanager
def limited(cpu_s: float) -> Iterator[None]:
    """Raise `TooComplex` if the block takes more processor time, or much more memory. Does less outside Linux."""
    with _limit_memory(), _limit_cpu(cpu_s):
        try:
            yield
        except MemoryError as error:
            raise TooComplex from error
        except cv2.error as error:
            if error.code != OUT_OF_MEMORY:
                raise
            raise TooComplex from error


@contextmanager
def _limit_cpu(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _stop(*_: object) -> NoReturn:
    raise TooComplex


@contextmanager
def _limit_memory() -> Iterator[None]:
    try:
        import resource  # noqa: PLC0415 - not on Windows

        pages = int(STATM.read_text().split()[DATA])
    except (ImportError, FileNotFoundError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_DATA, (limit if soft < 0 else min(limit, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

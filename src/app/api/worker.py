"""The child process that reads pictures, so that the service goes on whatever a picture does to a decoder.

`main` takes requests on stdin and answers them on stdout, one at a time, until stdin is closed. A message is a pickled
object after its length; a request is followed by the bytes of its picture. The kernel ends the process when a request
takes more CPU time than it may, and refuses it memory beyond its limit.

The module imports little more than the preprocessing: its memory adds to the service's.
"""

import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import cv2
from PIL import Image

from src.app.api.core import logs
from src.model import heap
from src.model.errors import TooComplex
from src.model.preprocessing.decode import pixel_count
from src.model.preprocessing.segmentation import graph  # noqa: F401 - imported now, so that the first picture need not wait

LENGTH: Final = struct.Struct(">Q")
LARGEST_KEPT: Final = 12_000_000  # bytes: more than the arrays of an 800x800 picture take
OUT_OF_MEMORY: Final = -4  # OpenCV's error code
STATM: Final = Path("/proc/self/statm")  # numbers of pages of 4 kB
RESIDENT, DATA = 1, 5  # the places of the resident memory and of the data among them
KEPT_PAGES: Final = 4000  # of free memory that an idle process may keep: 16 MB


@dataclass(frozen=True)
class Limits:
    """What reading a picture may take."""

    pixels: int | None  # larger pictures are not read: the answer is `TooLarge`; None: of any size
    cpu_s: float
    memory: int  # in bytes, beyond what the process has


@dataclass(frozen=True)
class Request:
    """What to do with a picture."""

    function: Callable[..., Any]  # called with the picture and `arguments`; of a module, so that it can be pickled
    arguments: tuple[Any, ...]
    size: int  # of the picture, in bytes
    limits: Limits


class TooLarge(Exception):  # noqa: N818 - it is an answer
    """The picture has more pixels than the limits allow."""


def encode(message: object) -> bytes:
    """Return a message as it is sent."""
    content = _pickle(message)
    return LENGTH.pack(len(content)) + content


def _pickle(message: object) -> bytes:
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more: with what the function returns, or with the error that it raises."""
    at_rest = _read_pages(RESIDENT)
    while head := requests.read(LENGTH.size):
        request: Request = pickle.loads(requests.read(*LENGTH.unpack(head)))  # noqa: S301 - the service wrote it
        answer = _answer(request, requests.read(request.size))
        replies.write(LENGTH.pack(len(answer)))
        replies.write(answer)
        replies.flush()
        del answer
        if _read_pages(RESIDENT) > at_rest + KEPT_PAGES:  # a segmented picture leaves much free memory in pieces
            heap.trim_heap()


def _answer(request: Request, picture: bytes) -> bytes:
    _limit_cpu(request.limits.cpu_s)
    try:
        if request.limits.pixels is None:
            heap.trim_heap()  # earlier pictures left free memory in pieces, and a large one needs it
        elif pixel_count(picture) > request.limits.pixels:
            return _pickle(TooLarge())
        _limit_memory(request.limits.memory)
        return _pickle(request.function(picture, *request.arguments))
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == OUT_OF_MEMORY):
            return _pickle(TooComplex())
        error.add_note(traceback.format_exc())  # a pickled error has no traceback
        return _pickle(error)
    finally:
        _limit_cpu(0)


def _limit_cpu(seconds: float) -> None:
    """Have the kernel send SIGPROF after so much CPU time from now, which ends this process; 0 lifts the limit."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _read_pages(place: int) -> int:
    """Return one of the numbers of `STATM`; 0 on other systems than Linux."""
    try:
        return int(STATM.read_text().split()[place])
    except FileNotFoundError:
        return 0


def _limit_memory(growth: int) -> None:
    """Let this process take at most `growth` bytes for data beyond what it has now."""
    with suppress(ImportError):  # on Windows
        import resource  # noqa: PLC0415

        if data := _read_pages(DATA) * resource.getpagesize():
            resource.setrlimit(resource.RLIMIT_DATA, (data + growth, resource.RLIM_INFINITY))


def main() -> None:
    """Serve stdin until it is closed; the command's one argument is the log level."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C; the service closes stdin when it is done
    logs.install(sys.argv[1])
    cv2.setNumThreads(1)  # several processes share the cores already
    Image.init()  # loads the decoders
    heap.limit_heap(LARGEST_KEPT)
    serve(sys.stdin.buffer, sys.stdout.buffer)

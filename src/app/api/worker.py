"""The child process that reads pictures: whatever a picture does to a decoder, the service itself goes on.

`python -m src.app.api.worker <log level>` takes requests on stdin and answers on stdout, one at a time, until stdin is
closed. A request and a reply are each a pickled object after its length; a picture follows its request as it is. The
kernel ends the process when a request takes more CPU time than allowed; memory is limited in all.

It imports the preprocessing only, because its memory adds to the service's.
"""

import ctypes
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import cv2
from PIL import Image

from src.app.api.core import logs
from src.model.errors import TooComplex
from src.model.preprocessing import preprocess  # noqa: F401 - imported now, so that the first picture need not wait

LENGTH: Final = struct.Struct(">Q")
MAX_MEMORY: Final = 260_000_000  # bytes of data; the largest accepted pictures take 200 MB
OUT_OF_MEMORY: Final = -4  # OpenCV's code

# Parameters of glibc's mallopt and their values in bytes, both above what the arrays of an 800x800 picture take.
MMAP_THRESHOLD: Final = (-3, 12_000_000)  # larger blocks go back to the system when they are freed
TRIM_THRESHOLD: Final = (-1, 16_000_000)  # so does free memory beyond this at the end of the heap


@dataclass(frozen=True)
class Request:
    """What to do with a picture."""

    function: Callable[..., Any]  # called with the picture and `arguments`; a module's own, so that it can be pickled
    arguments: tuple[Any, ...]
    size: int  # of the picture, in bytes
    cpu_s: float


def send(stream: BinaryIO, message: object) -> None:
    """Write a message."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more: with what the function returns, or with the error that it raises."""
    while head := requests.read(LENGTH.size):
        request: Request = pickle.loads(requests.read(*LENGTH.unpack(head)))  # noqa: S301 - from the service itself
        send(replies, _call(request, requests.read(request.size)))


def _call(request: Request, picture: bytes) -> object:
    _trim_heap()
    signal.setitimer(signal.ITIMER_PROF, request.cpu_s)  # nothing handles SIGPROF, so the kernel ends the process
    try:
        return request.function(picture, *request.arguments)
    except MemoryError:
        return TooComplex()
    except cv2.error as error:
        if error.code == OUT_OF_MEMORY:
            return TooComplex()
        raise
    except Exception as error:  # the service raises it
        return error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _trim_heap() -> None:
    """Return free memory to the system: earlier pictures left it in pieces, and a large one needs it."""
    _call_glibc("malloc_trim", 0)


def limit_memory() -> None:
    """Limit the memory of this process, and make glibc return what large pictures took when they are done.

    By default it raises its thresholds with the first large picture and keeps 100 MB for those that follow.
    """
    _call_glibc("mallopt", *MMAP_THRESHOLD)
    _call_glibc("mallopt", *TRIM_THRESHOLD)
    with suppress(ImportError):  # on Windows
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))


def _call_glibc(function: str, *arguments: int) -> None:
    """Call a function of the C library; does nothing if the library is not glibc."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None)[function](*arguments)


def main() -> None:
    """Serve stdin until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C; the service closes stdin when it is done
    logs.install(sys.argv[1])
    cv2.setNumThreads(1)  # as many processes as are wanted run anyway
    Image.init()  # loads the decoders
    limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()

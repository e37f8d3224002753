"""How long others wait while clients send hostile pictures, one after the other, as fast as they are answered."""

import http.client
import itertools
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from time import monotonic, perf_counter
from urllib.parse import urlsplit

import numpy as np

from tests.app.api.api_client import PREDICT
from tests.fuzzing import FORMATS, fuzzed_files
from tests.hostile import busy_pictures, jpeg_with_scans, png_with_texts, webp_specks, with_wrong_tags
from tests.pictures import drawn, encoded
from tests.servers import Server

CLIENTS = 4
DRAWING = encoded(drawn(4).convert("RGBA"))  # as the page's canvas sends it
HEADERS = {"Content-Type": "image/png"}


@dataclass
class Waits:
    """Times in milliseconds from a request to its answer, of other clients."""

    live: list[float] = field(default_factory=list)  # /health/live
    drawing: list[float] = field(default_factory=list)


def hostile_pictures() -> dict[str, list[bytes]]:
    """Return groups of hostile pictures, by name."""
    return {
        "PNG of specks": [encoded(next(busy_pictures(300)))],
        "busy PNGs": [encoded(picture) for picture in busy_pictures(300)],
        "busy PNGs, large": [encoded(picture) for picture in busy_pictures(800)],
        "JPEG of 7,834 scans": [jpeg_with_scans(1000, 7834)],
        "JPEG of 100 scans": [jpeg_with_scans(3500, 90)],
        "PNG of 64 texts": [png_with_texts(64)],
        "WebP of specks": [webp_specks()],
        "wrong tags": [*with_wrong_tags().values()],
    }


def slowest_fuzzed(server: Server, each: int, kept: int) -> list[bytes]:
    """Return the `kept` damaged pictures that take the longest, out of `each` of every format."""
    connection = _connect(server.url)
    times: list[tuple[float, int, bytes]] = []
    for data in itertools.chain.from_iterable(fuzzed_files(kind, each, seed=2) for kind in FORMATS):
        times.append((_post(connection, data), len(times), data))
    connection.close()
    return [data for *_, data in sorted(times)[-kept:]]


def measure_waits(server: Server, pictures: Sequence[bytes], seconds: float, path: str = PREDICT) -> Waits:
    """Return how long a liveness check and a drawing take while `CLIENTS` clients send the pictures to `path`."""
    waits = Waits()
    with _attackers(server.url, pictures, path):
        connection = _connect(server.url)
        end = monotonic() + seconds
        while monotonic() < end:
            waits.live.append(_get(connection, "/health/live"))
            waits.drawing.append(_post(connection, DRAWING))
        connection.close()
    return waits


def percentile(values: Sequence[float], share: float) -> float:
    """Return a quantile."""
    return float(np.quantile(values, share))


@contextmanager
def _attackers(url: str, pictures: Sequence[bytes], path: str) -> Iterator[None]:
    """Send pictures from another process, so that it does not delay the measurement, until the block ends."""
    context = get_context("spawn")
    begun, ended = context.Event(), context.Event()
    process = context.Process(target=_attack, args=(url, pictures, path, begun, ended))
    process.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        ended.set()
        process.join()
        process.close()


def _attack(url: str, pictures: Sequence[bytes], path: str, begun: Event, ended: Event) -> None:
    sys.setswitchinterval(0.001)
    rotated = [[*pictures[start:], *pictures[:start]] for start in range(CLIENTS)]
    threads = [threading.Thread(target=_send_all, args=(url, own, path, ended)) for own in rotated]
    for thread in threads:
        thread.start()
    begun.set()
    for thread in threads:
        thread.join()


def _send_all(url: str, pictures: Sequence[bytes], path: str, ended: Event) -> None:
    connection = _connect(url)
    for data in itertools.cycle(pictures):
        if ended.is_set():
            break
        with suppress(OSError, http.client.HTTPException):  # refused
            _post(connection, data, path)
    connection.close()


def _connect(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)


def _get(connection: http.client.HTTPConnection, path: str) -> float:
    started = perf_counter()
    connection.request("GET", path)
    connection.getresponse().read()
    return (perf_counter() - started) * 1000


def _post(connection: http.client.HTTPConnection, data: bytes, path: str = PREDICT) -> float:
    """Send a picture and return how long the answer took, in milliseconds."""
    started = perf_counter()
    connection.request("POST", path, data, HEADERS)
    connection.getresponse().read()
    return (perf_counter() - started) * 1000

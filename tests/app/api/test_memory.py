"""A worker stays under 400 MB whatever is sent: the largest pictures of every kind, alone, at once, and as a batch."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from httpx import Client
from PIL import Image

from tests.app.api.api_client import PREDICT, another_server, send, send_batch
from tests.pictures import drawn, encoded
from tests.servers import Server

LIMIT_MB = 400
SIDE = 5000  # 25 million pixels
HALF_SIDE = 3535  # half of them, where a decoder holds a picture twice
THIRD_SIDE = 2886  # likewise

pytestmark = pytest.mark.load


def largest() -> Iterator[bytes]:
    """Yield the largest picture of each kind that may pass."""
    grey = drawn(4, (500, 500), 40).resize((SIDE, SIDE))
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    alpha[:100] = 0
    for mode in ("1", "L", "P", "LA", "RGB"):
        yield encoded(grey.convert(mode), "PNG")
    yield encoded(Image.merge("RGBA", [grey, grey, grey, Image.fromarray(alpha)]), "PNG")
    yield encoded(grey.convert("P"), "PNG", transparency=3)
    yield encoded(Image.fromarray(np.asarray(grey, np.uint16) * 257), "PNG")
    yield encoded(grey.convert("P"), "GIF", transparency=3)
    yield encoded(grey.convert("1"), "BMP")
    yield encoded(grey.convert("RGB"), "JPEG", subsampling=0)
    yield encoded(grey.convert("CMYK"), "JPEG")
    for mode in ("CMYK", "RGBA", "F", "I"):
        yield encoded(grey.convert(mode), "TIFF", compression="tiff_deflate")
    half = grey.resize((HALF_SIDE, HALF_SIDE))
    yield encoded(grey.resize((THIRD_SIDE, THIRD_SIDE)).convert("RGB"), "WEBP")
    yield encoded(half.convert("RGB"), "JPEG", progressive=True, subsampling=0)
    yield encoded(half.convert("CMYK"), "JPEG", progressive=True)
    yield encoded(half.convert("RGBA"), "TIFF", compression="tiff_deflate", strip_size=2**29)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with another_server(DIGITS_REQUEST_TIMEOUT_S=300) as server:
        yield server


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    return list(largest())


def peak_mb(server: Server) -> int:
    """Return the most memory that the worker ever had."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def raw(server: Server, data: bytes) -> int:
    with Client(base_url=server.url, timeout=300) as client:
        return client.post(PREDICT, content=data, headers={"Content-Type": "image/png"}).status_code


def test_the_largest_pictures_are_read_and_take_no_more_memory_than_a_worker_may(
    server: Server, pictures: list[bytes]
) -> None:
    with Client(base_url=server.url, timeout=300) as client:
        for picture in pictures:
            assert send(client, picture).json() == {"prediction": 4}
    assert peak_mb(server) < LIMIT_MB


def test_all_of_them_at_once_among_others_take_no_more_either(server: Server, pictures: list[bytes]) -> None:
    megapixel = encoded(drawn(4, (1000, 1000), 60).convert("RGBA"))
    junk = os.urandom(9_900_000)
    with ThreadPoolExecutor(64) as threads:
        sent = [junk, megapixel, megapixel, *pictures] * 5
        statuses = set(threads.map(lambda data: raw(server, data), sent))
    assert statuses <= {200, 415, 503}  # 503: bodies of more than is held at once
    assert peak_mb(server) < LIMIT_MB


def test_a_batch_of_them_takes_no_more_either(server: Server, pictures: list[bytes]) -> None:
    small_files = sorted(pictures, key=len)[:12]  # 3 MB together
    with Client(base_url=server.url, timeout=300) as client:
        answers = send_batch(client, *small_files * 3).json()["answers"]
    assert answers == [{"prediction": 4}] * 36
    assert peak_mb(server) < LIMIT_MB

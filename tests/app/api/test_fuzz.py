"""Broken pictures of every format: each is read or refused as documented, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from httpx import Client

from tests.app.api.api_client import PREDICT, another_server, assert_problem
from tests.pictures import bomb, drawn, encoded
from tests.servers import Server

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
REFUSALS = {400: ("empty-file", "damaged-picture"), 413: ("too-many-pixels",), 415: ("unsupported-format",)}
LIMIT_MB = 400


def seeds(kind: str) -> list[bytes]:
    """Return whole files of a format, in several of its forms."""
    picture = drawn(4, (60, 60), 5)
    modes = {"JPEG": ("L", "RGB", "CMYK"), "WEBP": ("RGB", "RGBA"), "GIF": ("L", "P"), "BMP": ("1", "L", "P", "RGB")}
    whole = [encoded(picture.convert(mode), kind) for mode in modes.get(kind, ("1", "L", "P", "LA", "RGB", "RGBA"))]
    if kind == "TIFF":
        whole += [encoded(picture, kind, compression=how) for how in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg")]
    if kind == "JPEG":
        whole.append(encoded(picture, kind, progressive=True))
    return [*whole, bomb(30_000)] if kind == "PNG" else whole


def broken(kind: str, times: int) -> Iterator[bytes]:
    """Yield files of a format with bytes changed, cut out, repeated or put in, most of them near the start."""
    generator = np.random.default_rng(FORMATS.index(kind))
    whole = seeds(kind)
    for number in range(times):
        data = bytearray(whole[number % len(whole)])
        for _ in range(int(generator.integers(1, 5))):
            place = int(len(data) * generator.random() ** 2)
            length = int(generator.integers(1, 9))
            noise = generator.integers(0, 256, length, np.uint8).tobytes()
            match generator.integers(0, 5):
                case 0:
                    data[place : place + length] = noise
                case 1:
                    del data[place : place + length * 10]
                case 2:
                    data[place:place] = noise
                case 3:
                    data[place : place + 4] = bytes([255] * int(generator.integers(1, 5)))
                case _:
                    data[place:place] = data[place : place + length * 20]
        yield bytes(data)


def feed(client: Client, kind: str, times: int) -> None:
    for data in broken(kind, times):
        answer = client.post(PREDICT, content=data, headers={"Content-Type": "image/png"})
        if answer.status_code == 200:
            assert answer.json()["prediction"] in range(10)
        elif answer.status_code == 422:
            assert_problem(answer, "blank-picture")
        else:
            name = answer.json()["type"].removeprefix("/problems/")
            assert name in REFUSALS[answer.status_code]
            assert_problem(answer, name)


@pytest.mark.parametrize("kind", FORMATS)
def test_broken_pictures_are_read_or_refused(client: Client, kind: str) -> None:
    feed(client, kind, 120)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with another_server(DIGITS_LOG_LEVEL="error") as server:
        yield server


@pytest.mark.load
@pytest.mark.parametrize("kind", FORMATS)
def test_thousands_of_broken_pictures_are_too_and_take_no_memory_for_good(server: Server, kind: str) -> None:
    with Client(base_url=server.url, timeout=60) as client:
        feed(client, kind, 3000)
    peak = int(Path(f"/proc/{server.pid}/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
    assert peak < LIMIT_MB
    assert [
        line for line in server.log.splitlines() if line.startswith("{")
    ] == []  # C libraries may say what they like

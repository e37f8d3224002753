"""A worker with its child processes stays below 400 MB for the largest pictures of every format, and for hostile ones.

One by one, at once, and as a batch.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.app.api.api_client import PREDICT, READ, another_server, connect, send, send_batch, until
from tests.app.api.process_tree import memory_mb, watch_memory
from tests.hostile import busy_pictures, largest_pictures, noise, png_with_texts, webp_specks
from tests.pictures import drawn, encoded
from tests.servers import Server

LIMIT_MB = 400
AT_REST_MB = 150

pytestmark = pytest.mark.load


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with another_server(DIGITS_REQUEST_TIMEOUT_S=300) as server:
        yield server


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    return list(largest_pictures())


def send_until_accepted(server: Server, data: bytes, path: str = PREDICT) -> int:
    """Send a picture again until the service has room for it, and return the status."""
    statuses: list[int] = []

    def is_accepted() -> bool:
        response = client.post(path, content=data, headers={"Content-Type": "image/png"})
        statuses.append(response.status_code)
        return response.status_code != 503

    with connect(server, timeout=300) as client:
        until(is_accepted, limit_s=300)
    return statuses[-1]


def test_the_largest_pictures_are_read_within_the_memory_limit(server: Server, pictures: list[bytes]) -> None:
    with connect(server, timeout=300) as client, watch_memory(server) as peak:
        for picture in pictures:
            assert send(client, picture).json() == {"prediction": 4}
    assert peak.mb < LIMIT_MB


def test_the_largest_pictures_at_once_are_read_within_the_memory_limit(server: Server, pictures: list[bytes]) -> None:
    megapixel = encoded(drawn(4, (1000, 1000), 60).convert("RGBA"))
    files = [os.urandom(9_900_000), megapixel, megapixel, *pictures] * 5
    with ThreadPoolExecutor(64) as threads, watch_memory(server) as peak:
        statuses = list(threads.map(lambda data: send_until_accepted(server, data), files))
    assert statuses == [415, *[200] * (2 + len(pictures))] * 5
    assert peak.mb < LIMIT_MB


def test_a_batch_of_the_largest_pictures_is_read_within_the_memory_limit(server: Server, pictures: list[bytes]) -> None:
    smallest_files = sorted(pictures, key=len)[:12]  # 3 MB together
    with connect(server, timeout=300) as client, watch_memory(server) as peak:
        answers = send_batch(client, *smallest_files * 3).json()["answers"]
    assert answers == [{"prediction": 4}] * 36
    assert peak.mb < LIMIT_MB


def test_texts_of_millions_of_characters_take_no_memory(server: Server) -> None:
    files = [png_with_texts(chunks) for chunks in (32, 64)] * 16
    with ThreadPoolExecutor(16) as threads, watch_memory(server) as peak:
        statuses = list(threads.map(lambda data: send_until_accepted(server, data), files))
    assert statuses == [200] * len(files)
    assert peak.mb < LIMIT_MB


def test_pictures_full_of_pieces_are_read_within_the_memory_limit(server: Server, pictures: list[bytes]) -> None:
    files = [encoded(noise(800, 4)), webp_specks(), *map(encoded, busy_pictures(300)), *pictures[:2]]
    with ThreadPoolExecutor(16) as threads, watch_memory(server) as peak:
        statuses = list(threads.map(lambda data: send_until_accepted(server, data, READ), files))
    assert {*statuses} == {200, 422}  # of which only those are blank that are blank for one digit as well
    assert peak.mb < LIMIT_MB


def test_memory_at_rest_is_as_documented() -> None:
    with another_server() as server, connect(server) as client:
        assert send(client, encoded(drawn(4))).json() == {"prediction": 4}
        assert memory_mb(server) < AT_REST_MB

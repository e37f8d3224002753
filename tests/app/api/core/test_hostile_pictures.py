"""Pictures made to harm the service are answered in time, and the service goes on."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from httpx import Client
from PIL import Image

from tests.app.api.api_client import (
    READ,
    another_server,
    assert_problem,
    connect,
    open_requests,
    send,
    send_batch,
    until,
)
from tests.app.api.process_tree import processes
from tests.hostile import busy_pictures, jpeg_with_scans, noise, png_with_texts, webp_specks, with_wrong_tags
from tests.pictures import drawn, encoded
from tests.servers import Server

FOUR = encoded(drawn(4))
BITMAP = encoded(drawn(4), "BMP")
WRONG_TAGS = with_wrong_tags()


def test_a_jpeg_of_thousands_of_scans_is_too_complex(client: Client) -> None:
    answer = send(client, jpeg_with_scans(1000, 7834))
    assert answer.status_code == 422
    assert_problem(answer, "too-complex")


def test_a_picture_is_read_without_its_millions_of_characters(client: Client) -> None:
    assert send(client, png_with_texts(64)).json() == {"prediction": 4}


@pytest.mark.parametrize("name", WRONG_TAGS)
def test_wrong_tags_are_never_an_error_of_the_service(client: Client, name: str) -> None:
    answer = send(client, WRONG_TAGS[name])
    if answer.status_code != 200:
        assert answer.json()["type"] in ("/problems/damaged-picture", "/problems/unsupported-format")


@pytest.mark.uvicorn
@pytest.mark.parametrize("name", ["orientation with a float description", "cut EXIF", "infinite rows", "huge offset"])
def test_whatever_a_decoder_raises_is_a_damaged_picture_and_logged_in_one_line(name: str) -> None:
    with another_server() as server, connect(server) as client:
        answer = send(client, WRONG_TAGS[name])
        assert_problem(answer, "damaged-picture")
    warnings = [line for line in map(json.loads, server.log.splitlines()) if line["level"] == "warning"]
    assert len(warnings) == 1
    assert warnings[0]["message"].startswith("A decoder raised ")


@pytest.mark.parametrize("number", range(len(list(busy_pictures(300)))))
def test_busy_pictures_are_read_or_blank(client: Client, number: int) -> None:
    picture = list(busy_pictures(300))[number]
    answer = send(client, encoded(picture))
    if answer.status_code != 200:
        assert_problem(answer, "blank-picture")


@pytest.mark.parametrize("number", range(len(list(busy_pictures(300)))))
def test_details_of_busy_pictures_are_given_where_the_digit_is(client: Client, number: int) -> None:
    picture = encoded(list(busy_pictures(300))[number])
    answer, details = send(client, picture), send(client, picture, details=True)
    assert answer.status_code == details.status_code
    assert answer.json().items() <= details.json().items()


@pytest.fixture(scope="module")
def hurried() -> Iterator[Server]:
    """Yield a service with two seconds for a request, and little time for a picture."""
    with another_server(DIGITS_REQUEST_TIMEOUT_S=2, DIGITS_GRACE_S=1) as server:
        yield server


def test_a_batch_that_takes_too_long_is_answered_in_part(hurried: Server) -> None:
    with connect(hurried) as client:
        response = send_batch(client, FOUR, *[webp_specks()] * 63)
    assert response.status_code == 200
    answers = response.json()["answers"]
    assert answers[0] == {"prediction": 4}
    assert answers[-1]["type"] == "/problems/too-busy"
    assert "in a smaller batch" in answers[-1]["detail"]


def reading_process(server: Server) -> psutil.Process:
    """Return the one process that reads pictures for a service."""
    (process,) = (child for child in processes(server) if "src.app.api.worker" in " ".join(child.cmdline()))
    return process


def test_a_picture_that_is_never_done_times_out_and_the_next_one_is_read(hurried: Server) -> None:
    with connect(hurried) as client:
        assert send(client, BITMAP).json() == {"prediction": 4}
        reading_process(hurried).suspend()
        assert_problem(send(client, BITMAP), "too-busy")
        assert send(client, BITMAP).json() == {"prediction": 4}


@pytest.mark.uvicorn
def test_a_stopping_service_does_not_wait_for_a_picture() -> None:
    with another_server(DIGITS_GRACE_S=1) as server, connect(server) as client, ThreadPoolExecutor(1) as thread:
        assert send(client, BITMAP).json() == {"prediction": 4}
        child = reading_process(server)
        child.suspend()
        with connect(server) as other:
            answer = thread.submit(send, other, BITMAP)
            until(lambda: open_requests(client) == 1)
            assert server.stop() == 0
            assert answer.result().status_code == 503
        assert not child.is_running()


@pytest.mark.uvicorn
def test_a_stopping_service_does_not_wait_for_a_number() -> None:
    with (
        another_server(DIGITS_GRACE_S=1, DIGITS_PICTURE_CPU_S=30) as server,
        connect(server) as client,
        ThreadPoolExecutor(1) as thread,
    ):
        assert send(client, BITMAP).json() == {"prediction": 4}
        child = reading_process(server)
        before = child.cpu_times().user
        with connect(server) as other:
            answer = thread.submit(send, other, encoded(noise(300, 4)), READ)
            until(lambda: child.cpu_times().user > before + 0.1 and child.status() == psutil.STATUS_SLEEPING)
            assert server.stop() == 0  # while the networks judge its pieces
            assert answer.result().status_code == 503


@pytest.mark.uvicorn
def test_a_killed_service_leaves_no_process_behind() -> None:
    with another_server() as server, connect(server) as client:
        assert send(client, BITMAP).json() == {"prediction": 4}
        child = reading_process(server)
        psutil.Process(server.pid).kill()
        child.wait(30)


@pytest.mark.uvicorn
def test_the_processes_of_several_workers_end_with_them() -> None:
    with another_server(DIGITS_WORKERS=2) as server:
        with ThreadPoolExecutor(8) as threads, connect(server) as client:
            answers = list(threads.map(lambda _: send(client, BITMAP).json(), range(32)))
        assert answers == [{"prediction": 4}] * 32
        children = processes(server)[1:]
        assert server.stop() == 0
        psutil.wait_procs(children, 30)
        assert not any(child.is_running() for child in children)


def test_a_large_picture_is_read_after_a_blank_one(client: Client) -> None:
    assert_problem(send(client, encoded(Image.new("1", (3000, 3000)))), "blank-picture")
    assert send(client, encoded(drawn(4, (1100, 1100), 70))).json() == {"prediction": 4}

"""Corrected pictures: kept where that is wanted, each once and whole, and never more than there is room for."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
from httpx import Client

from src.app.api.feedback_store import FeedbackStore, StoreFull
from src.model.monitoring.feedback import Feedback
from tests import released
from tests.app.api.api_client import FEEDBACK, another_server, another_service, assert_problem, send
from tests.pictures import drawn, encoded, mnist

FOUR = encoded(drawn(4))


def kept(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".lock"}


def feedback(picture: bytes) -> Feedback:
    digest = sha256(picture).hexdigest()
    return Feedback(sha256=digest, digit=1, prediction=7, confidence=0.9, digit_score=0.8, model="0.0.1")


def test_without_a_folder_nothing_is_taken(client: Client) -> None:
    answer = send(client, FOUR, FEEDBACK, digit=4)
    assert answer.status_code == 403
    assert_problem(answer, "feedback-off")
    assert client.get("/api/v1/features").json() == {"feedback": False}


def test_a_picture_is_kept_as_it_was_sent_with_what_was_read_and_what_it_was(tmp_path: Path) -> None:
    with another_service(DIGITS_FEEDBACK_DIR=tmp_path / "new") as client:
        assert client.get("/api/v1/features").json() == {"feedback": True}
        answer = send(client, FOUR, FEEDBACK, digit=9)
    digest = sha256(FOUR).hexdigest()
    assert answer.status_code == 201
    note = answer.json()
    assert (note["sha256"], note["digit"], note["prediction"], note["model"]) == (digest, 9, 4, released.VERSION)
    assert kept(tmp_path / "new") == {f"{digest}.png", f"{digest}.json"}
    assert (tmp_path / "new" / f"{digest}.png").read_bytes() == FOUR
    assert json.loads((tmp_path / "new" / f"{digest}.json").read_bytes()) == note
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()} == {0o600}


def test_a_picture_is_kept_once_however_often_and_from_wherever_it_comes(tmp_path: Path) -> None:
    with another_service(DIGITS_FEEDBACK_DIR=tmp_path, DIGITS_WORKERS=2) as client, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda digit: send(client, FOUR, FEEDBACK, digit=digit % 10), range(32)))
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len({answer.text for answer in answers}) == 1
    assert len(kept(tmp_path)) == 2


def test_a_raw_body_and_another_format_are_kept_too(tmp_path: Path) -> None:
    picture = encoded(drawn(7), "JPEG")
    with another_service(DIGITS_FEEDBACK_DIR=tmp_path) as client:
        headers = {"Content-Type": "image/jpeg"}
        answer = client.post(FEEDBACK, params={"digit": 7, "model": "mlp-0.0.1"}, content=picture, headers=headers)
    assert answer.json()["model"] == "mlp-0.0.1"
    assert (tmp_path / f"{sha256(picture).hexdigest()}.jpeg").read_bytes() == picture


@pytest.mark.parametrize("digit", ["10", "-1", "four", None])
def test_what_is_no_digit_is_refused(client: Client, digit: str | None) -> None:
    answer = client.post(FEEDBACK, params={"digit": digit} if digit else {}, files={"file": FOUR})
    assert answer.status_code == 422
    assert_problem(answer, "invalid-request")
    assert "query.digit" in answer.json()["detail"]


def test_what_can_not_be_read_is_not_kept(tmp_path: Path) -> None:
    with another_service(DIGITS_FEEDBACK_DIR=tmp_path) as client:
        assert_problem(send(client, b"a four", FEEDBACK, digit=4), "unsupported-format")
    assert kept(tmp_path) == set()


def test_over_the_allowed_number_nothing_more_is_kept(tmp_path: Path) -> None:
    with another_service(DIGITS_FEEDBACK_DIR=tmp_path, DIGITS_FEEDBACK_MAX_FILES=2) as client:
        answers = [send(client, encoded(mnist(digit)), FEEDBACK, digit=digit) for digit in range(3)]
        again = send(client, encoded(mnist(0)), FEEDBACK, digit=0)
    assert [answer.status_code for answer in answers] == [201, 201, 507]
    assert_problem(answers[2], "feedback-full")
    assert again.status_code == 200
    assert len(kept(tmp_path)) == 4


def test_a_full_disk_loses_nothing_keeps_nothing_half_and_is_over_when_there_is_room(tmp_path: Path) -> None:
    with another_server(DIGITS_FEEDBACK_DIR=tmp_path, DIGITS_LOG_LEVEL="error") as server:
        process = psutil.Process(server.pid)
        unlimited = process.rlimit(psutil.RLIMIT_FSIZE)
        with Client(base_url=server.url) as client:
            assert send(client, encoded(mnist(1)), FEEDBACK, digit=1).status_code == 201
            before = kept(tmp_path)

            process.rlimit(psutil.RLIMIT_FSIZE, (100, unlimited[1]))  # as good as a full disk
            for _ in range(3):
                answer = send(client, FOUR, FEEDBACK, digit=4)
                assert answer.status_code == 507
                assert_problem(answer, "feedback-full")
            assert kept(tmp_path) == before
            assert send(client, FOUR).json() == {"prediction": 4}

            process.rlimit(psutil.RLIMIT_FSIZE, unlimited)
            assert send(client, FOUR, FEEDBACK, digit=4).status_code == 201


def test_a_folder_that_can_not_be_written_is_said_and_logged(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with another_server(DIGITS_FEEDBACK_DIR=tmp_path / "file") as server, Client(base_url=server.url) as client:
        answer = send(client, FOUR, FEEDBACK, digit=4)
        assert answer.status_code == 503
        assert_problem(answer, "feedback-unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert "A corrected picture can't be stored." in server.log


def test_over_the_allowed_bytes_nothing_more_is_kept(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path, max_files=10, max_bytes=2000)
    store.keep(bytes(900), "png", feedback(bytes(900)))
    with pytest.raises(StoreFull):
        store.keep(bytes(901), "png", feedback(bytes(901)))
    assert len(kept(tmp_path)) == 2


def test_what_a_killed_writer_left_behind_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / f"{sha256(b'picture').hexdigest()}.part").write_bytes(b"pic")
    (tmp_path / f"{sha256(b'picture').hexdigest()}.png").write_bytes(b"picture")  # but not yet its .json
    note, new = FeedbackStore(tmp_path, 10, 2000).keep(b"picture", "png", feedback(b"picture"))
    assert new
    assert kept(tmp_path) == {f"{note.sha256}.png", f"{note.sha256}.json"}

"""Corrected pictures: stored if a folder is configured, each once and whole, within the limits."""

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
from tests.app.api.api_client import FEEDBACK, LocalService, another_server, assert_problem, connect, send
from tests.pictures import drawn, encoded, mnist

FOUR = encoded(drawn(4))


def stored_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".lock"}


def feedback(picture: bytes) -> Feedback:
    digest = sha256(picture).hexdigest()
    return Feedback(sha256=digest, digit=1, prediction=7, confidence=0.9, digit_score=0.8, model="0.0.1")


def test_without_a_folder_corrections_are_refused(client: Client) -> None:
    answer = send(client, FOUR, FEEDBACK, digit=4)
    assert answer.status_code == 403
    assert_problem(answer, "feedback-off")
    assert client.get("/api/v1/features").json() == {"feedback": False}


def test_a_correction_is_stored_with_the_picture_as_it_was_sent(tmp_path: Path) -> None:
    client = LocalService(feedback_dir=tmp_path / "new")
    assert client.get("/api/v1/features").json() == {"feedback": True}
    answer = send(client, FOUR, FEEDBACK, digit=9)
    digest = sha256(FOUR).hexdigest()
    assert answer.status_code == 201
    note = answer.json()
    assert (note["sha256"], note["digit"], note["prediction"], note["model"]) == (digest, 9, 4, released.VERSION)
    assert stored_files(tmp_path / "new") == {f"{digest}.png", f"{digest}.json"}
    assert (tmp_path / "new" / f"{digest}.png").read_bytes() == FOUR
    assert json.loads((tmp_path / "new" / f"{digest}.json").read_bytes()) == note
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()} == {0o600}


@pytest.mark.uvicorn
def test_a_picture_sent_to_two_workers_at_once_is_stored_once(tmp_path: Path) -> None:
    with (
        another_server(DIGITS_FEEDBACK_DIR=tmp_path, DIGITS_WORKERS=2) as server,
        connect(server) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        answers = list(threads.map(lambda digit: send(client, FOUR, FEEDBACK, digit=digit % 10), range(32)))
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len({answer.text for answer in answers}) == 1
    assert len(stored_files(tmp_path)) == 2


def test_a_raw_body_of_another_format_is_stored(tmp_path: Path) -> None:
    picture = encoded(drawn(7), "JPEG")
    client = LocalService(feedback_dir=tmp_path)
    headers = {"Content-Type": "image/jpeg"}
    answer = client.post(FEEDBACK, params={"digit": 7, "model": "mlp-0.0.1"}, content=picture, headers=headers)
    assert answer.json()["model"] == "mlp-0.0.1"
    assert (tmp_path / f"{sha256(picture).hexdigest()}.jpeg").read_bytes() == picture


@pytest.mark.parametrize("digit", ["10", "-1", "four", None])
def test_a_correction_to_something_that_is_not_a_digit_is_refused(client: Client, digit: str | None) -> None:
    answer = client.post(FEEDBACK, params={"digit": digit} if digit else {}, files={"file": FOUR})
    assert answer.status_code == 422
    assert_problem(answer, "invalid-request")
    assert "query.digit" in answer.json()["detail"]


def test_an_unreadable_picture_is_not_stored(tmp_path: Path) -> None:
    client = LocalService(feedback_dir=tmp_path)
    assert_problem(send(client, b"a four", FEEDBACK, digit=4), "unsupported-format")
    assert stored_files(tmp_path) == set()


def test_at_most_the_allowed_number_of_pictures_is_stored(tmp_path: Path) -> None:
    client = LocalService(feedback_dir=tmp_path, feedback_max_files=2)
    answers = [send(client, encoded(mnist(digit)), FEEDBACK, digit=digit) for digit in range(3)]
    again = send(client, encoded(mnist(0)), FEEDBACK, digit=0)
    assert [answer.status_code for answer in answers] == [201, 201, 507]
    assert_problem(answers[2], "feedback-full")
    assert again.status_code == 200
    assert len(stored_files(tmp_path)) == 4


@pytest.mark.uvicorn
def test_a_full_disk_leaves_no_partial_files_and_recovers(tmp_path: Path) -> None:
    with another_server(DIGITS_FEEDBACK_DIR=tmp_path, DIGITS_LOG_LEVEL="error") as server:
        process = psutil.Process(server.pid)
        unlimited = process.rlimit(psutil.RLIMIT_FSIZE)
        with connect(server) as client:
            assert send(client, encoded(mnist(1)), FEEDBACK, digit=1).status_code == 201
            before = stored_files(tmp_path)

            process.rlimit(psutil.RLIMIT_FSIZE, (100, unlimited[1]))  # has the effect of a full disk
            for _ in range(3):
                answer = send(client, FOUR, FEEDBACK, digit=4)
                assert answer.status_code == 507
                assert_problem(answer, "feedback-full")
            assert stored_files(tmp_path) == before
            assert send(client, FOUR).json() == {"prediction": 4}

            process.rlimit(psutil.RLIMIT_FSIZE, unlimited)
            assert send(client, FOUR, FEEDBACK, digit=4).status_code == 201


def test_an_unwritable_folder_is_reported_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("not a folder")
    answer = send(LocalService(feedback_dir=tmp_path / "file"), FOUR, FEEDBACK, digit=4)
    assert answer.status_code == 503
    assert_problem(answer, "feedback-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "A corrected picture can't be stored." in caplog.text


def test_at_most_the_allowed_bytes_are_stored(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path, max_files=10, max_bytes=2000)
    store.keep(bytes(900), "png", feedback(bytes(900)))
    with pytest.raises(StoreFull):
        store.keep(bytes(901), "png", feedback(bytes(901)))
    assert len(stored_files(tmp_path)) == 2


def test_files_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    (tmp_path / f"{sha256(b'picture').hexdigest()}.part").write_bytes(b"pic")
    (tmp_path / f"{sha256(b'picture').hexdigest()}.png").write_bytes(b"picture")  # without its .json
    note, new = FeedbackStore(tmp_path, 10, 2000).keep(b"picture", "png", feedback(b"picture"))
    assert new
    assert stored_files(tmp_path) == {f"{note.sha256}.png", f"{note.sha256}.json"}

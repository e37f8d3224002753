"""A folder of corrected pictures with entries that nobody can use: new pictures are stored all the same."""

import logging
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from src.model.monitoring.feedback import Feedback
from tests.app.api.api_client import FEEDBACK, LocalService, another_server, assert_problem, connect, send
from tests.pictures import encoded, mnist

PICTURES = [encoded(mnist(digit)) for digit in range(3)]
DIGESTS = [sha256(picture).hexdigest() for picture in PICTURES]


def make_unreadable(path: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)


def write(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


ODD: dict[str, Callable[[Path], object]] = {
    "dangling link": lambda path: path.symlink_to("nothing"),
    "folder": Path.mkdir,
    "unreadable": make_unreadable,
}
DAMAGED = ODD | {
    "empty": write(b""),
    "cut short": write(b'{"sha256": "'),
    "not UTF-8": write(b"\xff\xfe"),
    "not a note": write(b"[]"),
    "of another picture": write(
        Feedback(sha256="0" * 64, digit=1, prediction=1, confidence=1, digit_score=1, model="1.0.0")
        .model_dump_json()
        .encode()
    ),
    "huge": lambda path: path.write_bytes(b" " * 2_000_000),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", ["x.json", "x.png", "x.part", f".{DIGESTS[0]}.png.part", f".{DIGESTS[0]}.json.part"])
def test_an_odd_entry_hinders_no_new_picture_and_is_logged_once(
    make: Callable[[Path], None], name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path / name)
    client = LocalService(feedback_dir=tmp_path)
    is_in_the_way = (tmp_path / name).is_dir() and DIGESTS[0] in name
    answers = [send(client, picture, FEEDBACK, digit=digit) for digit, picture in enumerate(PICTURES)]
    assert [answer.status_code for answer in answers[1:]] == [201, 201]
    if is_in_the_way:
        assert_problem(answers[0], "feedback-unavailable")
    else:
        assert answers[0].status_code == 201
        assert (tmp_path / f"{DIGESTS[0]}.png").read_bytes() == PICTURES[0]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) <= 1
    assert all(name in record.getMessage() for record in warnings)


@pytest.mark.parametrize("make", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_note_of_the_same_picture_is_replaced(
    make: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    note = tmp_path / f"{DIGESTS[0]}.json"
    make(note)
    client = LocalService(feedback_dir=tmp_path)
    if note.is_dir():  # it may hold anything, so it is left alone
        assert_problem(send(client, PICTURES[0], FEEDBACK, digit=4), "feedback-unavailable")
        return
    first, second = (send(client, PICTURES[0], FEEDBACK, digit=digit) for digit in (4, 5))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == Feedback.model_validate_json(note.read_bytes()).model_dump()
    assert first.json()["digit"] == 4
    assert not note.is_symlink()
    assert caplog.text.count(f"{note.name} is damaged") == 1


def test_a_damaged_note_can_be_replaced_when_the_folder_is_full(tmp_path: Path) -> None:
    client = LocalService(feedback_dir=tmp_path, feedback_max_files=1)
    assert send(client, PICTURES[0], FEEDBACK, digit=0).status_code == 201
    (tmp_path / f"{DIGESTS[0]}.json").write_bytes(b"")
    assert_problem(send(client, PICTURES[1], FEEDBACK, digit=1), "feedback-full")
    assert send(client, PICTURES[0], FEEDBACK, digit=0).status_code == 201


def test_a_link_in_place_of_a_temporary_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "kept" / f".{DIGESTS[0]}.png.part").symlink_to(tmp_path / "outside")
    assert send(LocalService(feedback_dir=tmp_path / "kept"), PICTURES[0], FEEDBACK, digit=0).status_code == 201
    assert (tmp_path / "outside").read_text() == "mine"


def test_pipes_and_devices_neither_block_the_service_nor_fill_its_memory(tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "x.part")
    os.mkfifo(tmp_path / f".{DIGESTS[0]}.png.part")
    os.mkfifo(tmp_path / f"{DIGESTS[1]}.json")
    (tmp_path / f"{DIGESTS[2]}.json").symlink_to("/dev/zero")
    with another_server(DIGITS_FEEDBACK_DIR=tmp_path) as server, connect(server, timeout=15) as client:
        process = psutil.Process(server.pid)
        process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + 1_000_000_000, psutil.RLIM_INFINITY))
        answers = [send(client, picture, FEEDBACK, digit=digit) for digit, picture in enumerate(PICTURES)]
    assert [answer.status_code for answer in answers] == [201] * 3
    for digest, picture in zip(DIGESTS, PICTURES, strict=True):
        assert (tmp_path / f"{digest}.png").read_bytes() == picture
        assert Feedback.model_validate_json((tmp_path / f"{digest}.json").read_bytes()).sha256 == digest

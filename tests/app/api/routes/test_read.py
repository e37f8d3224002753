"""`/api/v1/read`, over HTTP."""

import itertools

import numpy as np
import pytest
from httpx import Client, Response
from PIL import Image, ImageDraw

from tests.app.api.api_client import READ, assert_problem, send, send_batch
from tests.pictures import dot, drawn, encoded, mnist, written


def read(client: Client, picture: Image.Image, **query: str) -> Response:
    return client.post(READ, files={"file": encoded(picture)}, params=query)


def dashed() -> Image.Image:
    picture = written("12 34")
    ImageDraw.Draw(picture).line((148, 50, 180, 50), 0, 7)
    return picture


def scribbled() -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 2, (12, 12), np.uint8)
    return Image.fromarray(levels * 255).resize((280, 280))


def test_a_number_is_read_with_the_place_of_each_digit(client: Client) -> None:
    answer = read(client, written("2026"))
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["number", "digits", "lines", "truncated", "model"]
    assert body["number"] == "2026"
    assert body["lines"] == ["2026"]
    assert not body["truncated"]
    assert [digit["prediction"] for digit in body["digits"]] == [2, 0, 2, 6]
    lefts = [digit["box"][0] for digit in body["digits"]]
    assert lefts == sorted(lefts)
    for digit, (column, value) in zip(body["digits"], enumerate((2, 0, 2, 6)), strict=True):
        assert 0.5 < digit["confidence"] <= 1
        assert 0.5 < digit["digit_score"] <= 1
        ink = Image.eval(drawn(value, (300, 100), 7, (62 * column, 0, 100)), lambda level: 255 - level)
        left, top, right, bottom = ink.getbbox() or (0, 0, 0, 0)
        assert digit["box"] == pytest.approx((left, top, right - left, bottom - top), abs=4)


def test_leading_zeros_are_kept(client: Client) -> None:
    assert read(client, written("007")).json()["number"] == "007"


def test_lines_come_in_reading_order(client: Client) -> None:
    body = read(client, written("42", "7", "150")).json()
    assert body["lines"] == ["42", "7", "150"]
    assert body["number"] == "427150"


def test_touching_digits_are_divided(client: Client) -> None:
    assert read(client, written("10", step=0.36)).json()["number"] == "10"


def test_something_that_is_not_a_digit_is_reported(client: Client) -> None:
    body = read(client, dashed()).json()
    assert body["number"] == "12?34"
    other = body["digits"][2]
    assert other["prediction"] is other["confidence"] is None
    assert other["digit_score"] < 0.5


def test_the_raw_body_and_another_network_work_as_for_predict(client: Client) -> None:
    answer = client.post(
        READ, content=encoded(written("10")), headers={"Content-Type": "image/png"}, params={"model": "1.0.0"}
    )
    assert (answer.json()["number"], answer.json()["model"]) == ("10", "1.0.0")


@pytest.mark.parametrize("digit", range(10))
def test_a_single_digit_is_what_predict_says(client: Client, digit: int) -> None:
    for picture in (mnist(digit), drawn(digit)):
        details = send(client, encoded(picture), details=True).json()
        body = read(client, picture).json()
        (only,) = body["digits"]
        assert body["number"] == str(details["prediction"])
        assert {name: only[name] for name in ("prediction", "confidence", "digit_score")}.items() <= details.items()


@pytest.mark.parametrize(
    "picture",
    [
        mnist(4),
        drawn(8).convert("RGBA"),
        written("2026"),
        written("42", "7", "150"),
        written("10", step=0.36),
        scribbled(),
        dashed(),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_details_contain_what_read_answers(client: Client, picture: Image.Image, kind: str) -> None:
    data = encoded(picture, kind)
    body = client.post(READ, files={"file": data}).json()
    details = send(client, data, details=True).json()
    assert body.items() <= details.items()
    assert details["digits_seen"] == sum(character != "?" for character in body["number"])
    assert send(client, data).json() == {"prediction": details["prediction"]}
    assert send(client, data, steps=True).json().items() >= details.items()
    assert send(client, data, heat=True).json().items() >= details.items()
    assert send_batch(client, data, data, details=True).json() == {"answers": [details] * 2}


def test_a_picture_without_a_digit_has_none(client: Client) -> None:
    cross = Image.new("L", (280, 280), 255)
    for line in ((60, 60, 220, 220), (220, 60, 60, 220)):
        ImageDraw.Draw(cross).line(line, 0, 16)
    details = send(client, encoded(cross), details=True).json()
    assert (details["number"], details["lines"], details["digits_seen"]) == ("?", ["?"], 0)
    (only,) = details["digits"]
    assert only["prediction"] is None
    assert only["digit_score"] == details["digit_score"] < 0.5


def test_the_default_answer_stays_the_digit_alone(client: Client) -> None:
    assert list(send(client, encoded(written("10"))).json()) == ["prediction"]


def test_a_picture_full_of_pieces_is_answered_in_time(client: Client) -> None:
    pieces = Image.new("L", (800, 800), 255)
    pencil = ImageDraw.Draw(pieces)
    for x, y in itertools.product(range(5, 795, 20), repeat=2):
        pencil.arc((x, y, x + 12, y + 14), 30, 300, 0, 3)
    answer = read(client, pieces)
    assert answer.status_code == 200
    assert answer.json()["truncated"]
    assert len(answer.json()["digits"]) <= 256
    assert answer.elapsed.total_seconds() < 20


def test_a_bad_picture_is_refused_with_a_problem(client: Client) -> None:
    answer = client.post(READ, files={"file": b"a number"})
    assert answer.status_code == 415
    assert_problem(answer, "unsupported-format")
    blank = read(client, Image.fromarray(np.full((100, 100), 255, np.uint8)))
    assert_problem(blank, "blank-picture")
    assert_problem(read(client, dot()), "too-little-ink")

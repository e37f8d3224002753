"""Reading numbers: touching digits, digits in pieces, leading zeros, other signs, lines; and one digit as before."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from src.model.inference import numbers
from src.model.inference.numbers import Number, find_path
from src.model.inference.predictor import Predictor
from src.model.inference.steps import advance, finish
from src.model.preprocessing.segmentation.graph import segment_picture
from src.model.preprocessing.segmentation.single_piece import segment_plain
from tests.pictures import MAX_PIXELS, all_mnist, drawn, encoded, written


def read(predictor: Predictor, picture: Image.Image) -> Number:
    return numbers.read(predictor, encoded(picture), MAX_PIXELS)[1]


def text(number: Number) -> list[str]:
    return ["".join(str(mark) for mark in line) for line in number.lines]


@pytest.mark.parametrize("lines", [("10",), ("2026",), ("007",), ("42", "31"), ("9", "58", "604"), ("11",), ("75013",)])
def test_numbers_are_read_line_by_line(predictor: Predictor, lines: tuple[str, ...]) -> None:
    assert text(read(predictor, written(*lines))) == list(lines)


@pytest.mark.parametrize(("number", "step"), [("10", 0.4), ("10", 0.36), ("42", 0.44), ("22", 0.42), ("204", 0.44)])
def test_touching_digits_are_divided(predictor: Predictor, number: str, step: float) -> None:
    assert text(read(predictor, written(number, step=step))) == [number]


@pytest.mark.parametrize("number", ["5", "54", "15"])
def test_a_five_in_two_pieces_is_one_digit(predictor: Predictor, number: str) -> None:
    picture = written(number)
    left = 62 * number.index("5")
    ImageDraw.Draw(picture).rectangle((left + 28, 22, left + 80, 26), 255)
    assert text(read(predictor, picture)) == [number]


def test_something_else_between_digits_is_reported(predictor: Predictor) -> None:
    picture = written("12 34")
    ImageDraw.Draw(picture).line((148, 50, 180, 50), 0, 7)
    number = read(predictor, picture)
    assert text(number) == ["12?34"]
    assert number.digits_seen == 4
    dash = number.marks[2]
    assert dash.prediction is None
    assert dash.box == pytest.approx((148, 47, 33, 7), abs=3)


def test_boxes_enclose_the_digits(predictor: Predictor) -> None:
    boxes = [mark.box for mark in read(predictor, written("10", "7")).marks]
    for box, (digit, column, row) in zip(boxes, [(1, 0, 0), (0, 62, 0), (7, 0, 100)], strict=True):
        left, top, right, bottom = Image.eval(
            drawn(digit, (162, 200), 7, (column, row, 100)), lambda v: 255 - v
        ).getbbox() or (0, 0, 0, 0)
        assert box == pytest.approx((left, top, right - left, bottom - top), abs=3)


@pytest.mark.parametrize("scale", [1, 3])
def test_a_single_mnist_digit_is_what_predict_says(predictor: Predictor, scale: int) -> None:
    images, _ = all_mnist()
    for image in images[::3]:
        picture = Image.fromarray(image).resize((28 * scale, 28 * scale), Image.Resampling.BICUBIC)
        prediction, number = numbers.read(predictor, encoded(picture), MAX_PIXELS)
        assert [mark.prediction for mark in number.marks] == [prediction.prediction]
        assert number.marks[0].confidence == max(prediction.probabilities)
        assert number.digits_seen == 1


@pytest.mark.parametrize(
    "picture", [Image.fromarray(image) for image in all_mnist()[0][::7]] + [*map(drawn, range(10))]
)
def test_a_clear_digit_is_read_without_segmentation_and_as_with_it(
    predictor: Predictor, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(numbers, "segment_picture", None)
        prediction, number = numbers.read(predictor, encoded(picture), MAX_PIXELS)
    monkeypatch.setattr(numbers, "read_piece", lambda *_: None)
    segmented_prediction, segmented = numbers.read(predictor, encoded(picture), MAX_PIXELS)
    assert prediction.probabilities == segmented_prediction.probabilities
    (mark,), (segmented_mark,) = number.marks, segmented.marks
    assert replace(mark, box=segmented_mark.box) == segmented_mark
    assert mark.box == pytest.approx(segmented_mark.box, abs=max(picture.size) / 50 + 1)


def test_digits_that_touch_are_no_single_digit(predictor: Predictor) -> None:
    candidates, piece = segment_plain(encoded(written("22", step=0.42)), MAX_PIXELS) or ((), None)
    assert piece is not None
    assert numbers.read_piece(predictor.predict_candidates(candidates), piece) is None


def test_long_work_pauses_after_each_pass(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "BATCH", 1)
    picture = segment_picture(encoded(written("2026")), MAX_PIXELS)
    prediction = predictor.predict_candidates(picture.candidates)
    steps = numbers.read_segments(predictor, prediction, picture.segmentations)
    assert [advance(steps) for _ in range(4)] == [None] * 4  # at least the four digits
    assert "".join(map(str, finish(steps).marks)) == "2026"


def test_more_marks_than_can_be_read_are_announced(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read(predictor, written("123")).truncated
    monkeypatch.setattr("src.model.preprocessing.segmentation.graph.MAX_PIECES", 2)
    number = read(predictor, written("123"))
    assert number.truncated
    assert len(number.marks) == 2


def test_the_cheapest_path_is_found() -> None:
    spans = np.array([(0, 1), (1, 2), (0, 2), (2, 3), (1, 3)])
    costs = np.array([1, 1, 5, 1, 1.5])
    assert find_path(spans, costs) == [0, 4]
    assert find_path(spans, np.array([9, 1, 5, 1, 1.5])) == [2, 3]
    assert find_path(spans, np.array([1, 1, 5, 1, np.inf])) == [0, 1, 3]

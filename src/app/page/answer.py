"""What the page answers for a picture: a digit, or a number if more than one mark is on it."""

import math
from dataclasses import dataclass
from typing import Final

from src.app.page.client import Number, Prediction
from src.app.page.preview import measure_size

MIN_DIGIT_SCORE: Final = 0.5
LONG: Final = 2.0  # times its shorter side: a picture that is longer is expected to hold more than one digit
LOW: Final = 1 / 6  # of the picture's height: lower marks, if none is a digit, are dots and dashes


@dataclass(frozen=True)
class Answer:
    """The prediction for a picture as a single digit, and the number on it, if it holds one."""

    prediction: Prediction
    number: Number | None = None

    @property
    def text(self) -> str:
        """The digit or the number, with a space between lines."""
        return " ".join(self.number.lines) if self.number else str(self.prediction.prediction)

    @property
    def confidence(self) -> float:
        """The probability that all digits are right, 0 to 1."""
        if self.number is None:
            return self.prediction.confidence
        return math.prod(mark.confidence for mark in self.number.digits if mark.confidence is not None)


def may_be_number(picture: bytes, prediction: Prediction) -> bool:
    """Return whether the picture has to be read as a number: it is long, or not clearly one digit."""
    if prediction.digits_seen > 1 or prediction.digit_score < MIN_DIGIT_SCORE:
        return True
    size = measure_size(picture)
    return size is not None and max(size) > LONG * min(size)


def is_number(number: Number) -> bool:
    """Return whether there is more than one mark, and a digit among them."""
    return len(number.digits) > 1 and any(mark.prediction is not None for mark in number.digits)


def is_too_little(picture: bytes, number: Number) -> bool:
    """Return whether there are only dots and dashes: no mark is a digit, and all are low."""
    size, marks = measure_size(picture), number.digits
    if not marks or size is None:
        return False
    return all(mark.prediction is None and mark.box[3] < LOW * size[1] for mark in marks)

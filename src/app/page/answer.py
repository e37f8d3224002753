"""What the page answers for a picture: a digit, or a number if more than one digit is on it."""

import math
from dataclasses import dataclass
from typing import Final

from src.app.page.client import Prediction
from src.app.page.preview import measure_size

MIN_DIGIT_SCORE: Final = 0.5
MIN_CONFIDENCE: Final = 0.8  # less is a guess
OTHER: Final = "?"  # what the service writes for something that is not a digit
LOW: Final = 1 / 6  # of the picture's height: lower marks, if none is a digit, are dots and dashes


@dataclass(frozen=True)
class Answer:
    """The prediction for a picture, and whether it is about a number or a single digit."""

    prediction: Prediction
    is_number: bool

    @property
    def text(self) -> str:
        """The digit or the number, with a space between lines."""
        return " ".join(self.prediction.lines) if self.is_number else str(self.prediction.prediction)

    @property
    def is_doubtful(self) -> bool:
        """Whether something may not be a digit, or may be another one."""
        if self.confidence < MIN_CONFIDENCE:
            return True
        return OTHER in self.text if self.is_number else not is_digit(self.prediction)

    @property
    def confidence(self) -> float:
        """The probability that all digits are right, 0 to 1."""
        if not self.is_number:
            return self.prediction.confidence
        return math.prod(mark.confidence for mark in self.prediction.digits if mark.confidence is not None)


def is_digit(prediction: Prediction) -> bool:
    """Return whether the picture as a whole is probably a digit."""
    return prediction.digit_score >= MIN_DIGIT_SCORE


def is_number(prediction: Prediction) -> bool:
    """Return whether there is more than one digit, or a digit beside other marks that is not clearly all of it."""
    digits = sum(mark.prediction is not None for mark in prediction.digits)
    return digits > 1 or (digits == 1 and len(prediction.digits) > 1 and not is_digit(prediction))


def is_too_little(picture: bytes, prediction: Prediction) -> bool:
    """Return whether there are only dots and dashes: no mark is a digit, and all are low."""
    marks = prediction.digits
    if not marks or (size := measure_size(picture)) is None:
        return False
    return all(mark.prediction is None and mark.box[3] < LOW * size[1] for mark in marks)

"""Read a number: the networks judge every candidate of a segmentation graph, and the most probable path is the answer.

LeCun et al., "Gradient-based learning applied to document recognition" (1998), section IV. The digit network says what
a candidate is, if it is a digit; the verifier whether it is a whole one. The cost of a path is the negative logarithm
of its probability, the sum over its candidates and boundaries; Viterbi's algorithm finds the cheapest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.inference.confidence import compute_digit_score, compute_probabilities
from src.model.inference.predictor import Prediction, Predictor
from src.model.inference.steps import Steps, finish
from src.model.inference.verifier import Verifier, get_verifier
from src.model.preprocessing.segmentation.graph import LineGraph, Segmentation, segment_picture
from src.model.preprocessing.segmentation.single_piece import SinglePiece, segment_plain

BATCH: Final = 16  # candidates that pass through the networks at once, to bound the memory
UNREADABLE: Final = "?"  # stands in the text for something that is not a digit

OTHER_SHARE: Final = 0.03  # of the marks on a line that are no digits, before the network looks
PROBABLE: Final = math.log(2)  # the cost of what is as probable as not
MIN_PROBABILITY: Final = 1e-12


@dataclass(frozen=True)
class Mark:
    """A digit, or something else that stands on a line."""

    prediction: int | None  # 0..9; None: it is not a digit
    confidence: float  # 0..1: the calibrated probability of the likeliest digit
    digit_score: float  # 0..1: how much it is a digit at all
    box: tuple[float, float, float, float]  # left, top, width, height in pixels of the segmented picture

    def __str__(self) -> str:
        return UNREADABLE if self.prediction is None else str(self.prediction)


@dataclass(frozen=True)
class Number:
    """What is written on a picture."""

    lines: list[list[Mark]]  # in reading order
    truncated: bool  # there were too many marks, and the smallest were left out

    @property
    def marks(self) -> list[Mark]:
        """All marks in reading order."""
        return [mark for line in self.lines for mark in line]

    @property
    def digits_seen(self) -> int:
        """The number of digits."""
        return sum(mark.prediction is not None for mark in self.marks)


def read(predictor: Predictor, data: bytes, max_pixels: int) -> tuple[Prediction, Number]:
    """Return the prediction for the picture file `data` as a single digit, and the number. Raises a `PictureError`.

    If there is only one mark on the picture, both agree.
    """
    if plain := segment_plain(data, max_pixels):
        prediction = predictor.predict_candidates(plain[0])
        if number := read_piece(prediction, plain[1]):
            return prediction, number
    picture = segment_picture(data, max_pixels)
    prediction = predictor.predict_candidates(picture.candidates)
    return prediction, finish(read_segments(predictor, prediction, picture.segmentations))


def read_piece(prediction: Prediction, piece: SinglePiece | None) -> Number | None:
    """Return the number if the piece of ink on a picture with this prediction is probably one digit, else None."""
    if piece is None:
        return None
    mark = _adopt(prediction, Mark(None, 0, 0, piece.box))
    log_whole = -np.logaddexp(0, -get_verifier().log_odds(piece.context[None]))[0]
    cost = _cost(mark.digit_score) + _cost(mark.confidence) - log_whole
    return Number([[mark]], truncated=False) if cost <= PROBABLE else None


def read_segments(predictor: Predictor, prediction: Prediction, segmentations: Sequence[Segmentation]) -> Steps[Number]:
    """Return what is written on a picture with this prediction."""
    numbers = []
    for segmentation in segmentations:
        lines = []
        for graph in segmentation.lines:
            lines.append((yield from _read_line(_Evidence(predictor, get_verifier(), graph))))
        numbers.append(Number(lines, segmentation.truncated))
    number = max(numbers, key=_weigh, default=Number([], truncated=False))  # the first of those that weigh the same
    if len(number.marks) == 1:
        number = replace(number, lines=[[_adopt(prediction, number.marks[0])]])
    return number


def _weigh(number: Number) -> float:
    """Return the evidence that a reading of a page is right: the log-odds of the marks that are probably digits.

    Other marks count for nothing: else a page full of them would rather be read as one blot.
    """
    return sum(max(0.0, _cost(1 - mark.digit_score) - _cost(mark.digit_score)) for mark in number.marks)


def _adopt(prediction: Prediction, mark: Mark) -> Mark:
    """Return a picture's only mark with the prediction for the whole picture."""
    score = prediction.digit_score
    is_digit = _cost(score) <= _cost_of_other(score)
    digit, confidence = prediction.prediction, prediction.probabilities[prediction.prediction]
    return replace(mark, prediction=digit if is_digit else None, confidence=confidence, digit_score=score)


class _Evidence:
    """What the networks say about the candidates of a line; computed only for those that are asked for."""

    def __init__(self, predictor: Predictor, verifier: Verifier, graph: LineGraph) -> None:
        self.graph = graph
        self._predictor, self._verifier = predictor, verifier
        self.predictions = np.full(len(graph.spans), -1)
        self.confidences, self.scores = np.zeros((2, len(graph.spans)))
        self.digit_costs, self.other_costs = np.full((2, len(graph.spans)), np.inf)

    def compute(self, is_wanted: NDArray[np.bool_]) -> Steps[None]:
        """Let the networks judge the wanted candidates, [E], that they have not judged yet."""
        wanted = np.flatnonzero(is_wanted & (self.predictions < 0))
        for start in range(0, len(wanted), BATCH):
            self._judge(wanted[start : start + BATCH])
            yield

    def _judge(self, indices: NDArray[np.intp]) -> None:
        calibration = self._predictor.description.confidence
        whole = -np.logaddexp(0, -self._verifier.log_odds(self.graph.draw_contexts(indices)))
        pixels = np.array([self.graph.frame(index) for index in indices])
        logits = self._predictor.runtime.logits(pixels[:, None])
        for index, row, framed, log_whole in zip(indices, logits.tolist(), pixels, whole.tolist(), strict=True):
            probabilities = compute_probabilities(row, calibration)
            confidence, score = max(probabilities), compute_digit_score(row, calibration) if framed.any() else 0.0
            self.predictions[index] = probabilities.index(confidence)
            self.confidences[index], self.scores[index] = confidence, score
            self.digit_costs[index] = _cost(score) + _cost(confidence) - log_whole
            self.other_costs[index] = _cost_of_other(score) - log_whole

    @property
    def costs(self) -> NDArray[np.float64]:
        """The costs of the candidates, [E], as whatever is cheaper; infinite for those not judged."""
        return np.asarray(np.minimum(self.digit_costs, self.other_costs), np.float64)

    def make_mark(self, index: int) -> Mark:
        """Return the mark that a candidate is."""
        is_digit = self.digit_costs[index] <= self.other_costs[index]
        prediction = int(self.predictions[index]) if is_digit else None
        left, top, width, height = self.graph.boxes[index].tolist()
        return Mark(prediction, float(self.confidences[index]), float(self.scores[index]), (left, top, width, height))


def _cost(probability: float) -> float:
    return -math.log(max(probability, MIN_PROBABILITY))


def _cost_of_other(digit_score: float) -> float:
    return _cost(1 - digit_score) + _cost(OTHER_SHARE / (1 - OTHER_SHARE))


def _read_line(evidence: _Evidence) -> Steps[list[Mark]]:
    """Return the marks of a line: first without cuts, and then what is probably not one digit may be divided."""
    graph = evidence.graph
    yield from evidence.compute(np.logical_not(graph.is_cut[graph.spans].any(1)))
    path = find_path(graph.spans, evidence.costs)
    is_doubtful = np.zeros(len(graph.spans), bool)
    for index in path:
        start, end = graph.spans[index]
        if evidence.costs[index] > PROBABLE:
            is_doubtful |= (graph.spans[:, 0] >= start) & (graph.spans[:, 1] <= end)
    if is_doubtful.any():
        yield from evidence.compute(is_doubtful)
        path = find_path(graph.spans, evidence.costs)
    return [evidence.make_mark(index) for index in path]


def find_path(spans: NDArray[np.intp], costs: NDArray[np.float64]) -> list[int]:
    """Return the edges of the cheapest path from the first node to the last.

    `spans`, [E, 2], are the nodes that edges join; `costs`, [E], are infinite for edges that can't be used.
    """
    count = int(spans.max()) + 1
    best, last = np.full(count, np.inf), np.full(count, -1)
    best[0] = 0
    for index in spans[:, 1].argsort(kind="stable"):
        start, end = spans[index]
        if (cost := best[start] + costs[index]) < best[end]:
            best[end], last[end] = cost, index
    path, node = [], count - 1
    while node > 0:
        path.append(int(last[node]))
        node = int(spans[last[node], 0])
    return path[::-1]

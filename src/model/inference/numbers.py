"""Read a number: the network judges every candidate of a segmentation graph, and the most probable path is the answer.

LeCun et al., "Gradient-based learning applied to document recognition" (1998), section IV. The cost of a path is the
negative logarithm of its probability: of what each of its candidates is, and of where the ink is divided.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from src.model.inference.confidence import compute_digit_score, compute_probabilities
from src.model.inference.predictor import Predictor
from src.model.preprocessing.segmentation import LineGraph, Segmentation

BATCH: Final = 64  # candidates that pass through the network at once, to bound its memory
NO_DIGIT: Final = "?"

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Priors:
    """What is known before the network looks, fitted to composed validation digits."""

    join: float = 1.0  # log-odds that primitives that just touch horizontally belong to one digit ...
    join_slope: float = -15.0  # ... and how it changes per digit height between them
    cut: float = 1.5  # cost of dividing a component ...
    cut_slope: float = 1.5  # ... and of each stroke width cut through
    non_digit: float = 5.0  # cost of a sign that is no digit: -log of its share
    low: float = 8.0  # cost of a digit per height missing to half of the line's digit height


@dataclass(frozen=True)
class NumberDigit:
    """A digit of a number, or something else that stands between digits."""

    prediction: int | None  # 0..9; None: not a digit
    confidence: float  # 0..1: calibrated probability of the digit
    digit_score: float  # 0..1, how much this is a digit at all
    box: tuple[float, float, float, float]


class Scorer:
    """The evidence for candidates, computed by the network only when it is asked for."""

    def __init__(self, predictor: Predictor, graph: LineGraph) -> None:
        self.predictor, self.graph = predictor, graph
        self.log_digit = np.full(len(graph.spans), -np.inf)
        self.log_other = np.full(len(graph.spans), -np.inf)
        self.known: dict[int, tuple[int, float, float]] = {}

    def score(self, indices: NDArray[np.intp]) -> None:
        new = [int(i) for i in indices if int(i) not in self.known]
        calibration = self.predictor.description.confidence
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            logits = self.predictor.runtime.logits(self.graph.pixels[batch][:, None])
            for index, row in zip(batch, logits.tolist(), strict=True):
                probabilities = compute_probabilities(row, calibration)
                score = compute_digit_score(row, calibration)
                confidence = max(probabilities)
                self.known[index] = (probabilities.index(confidence), confidence, score)
                self.log_digit[index] = np.log(max(score * confidence, 1e-12))
                self.log_other[index] = np.log(max(1 - score, 1e-12))


def read(predictor: Predictor, segmentation: Segmentation, priors: Priors = Priors()) -> list[list[NumberDigit]]:
    """Return the digits of each line."""
    return [read_line(predictor, graph, priors) for graph in segmentation.lines]


def read_line(predictor: Predictor, graph: LineGraph, priors: Priors) -> list[NumberDigit]:
    scorer = Scorer(predictor, graph)
    is_whole = (graph.cuts[graph.spans] == 0).all(1)
    scorer.score(np.flatnonzero(is_whole))
    path, costs = find_path(graph, scorer, priors)
    doubtful = np.zeros(len(graph.spans), bool)
    for index in path:
        start, end = graph.spans[index]
        inside = graph.cuts[start + 1 : end]
        if (inside > 0).any() and costs[index] > priors.cut + priors.cut_slope * inside[inside > 0].min():
            doubtful |= (graph.spans >= start).all(1) & (graph.spans <= end).all(1)
    if doubtful.any():
        scorer.score(np.flatnonzero(doubtful))
        path, costs = find_path(graph, scorer, priors)
    return [make(scorer, graph, index, priors) for index in path]


def make(scorer: Scorer, graph: LineGraph, index: int, priors: Priors) -> NumberDigit:
    prediction, confidence, score = scorer.known[index]
    low = priors.low * max(0.0, 0.5 - graph.heights[index])
    digit = scorer.log_digit[index] - low >= scorer.log_other[index] - priors.non_digit
    return NumberDigit(prediction if digit else None, confidence, score, tuple(graph.boxes[index].tolist()))


def find_path(graph: LineGraph, scorer: Scorer, priors: Priors) -> tuple[list[int], NDArray[np.float64]]:
    gap = np.nan_to_num(graph.gaps)
    log_odds = priors.join + priors.join_slope * gap
    is_cut = graph.cuts > 0
    breaks = np.where(is_cut, priors.cut + priors.cut_slope * graph.cuts, np.logaddexp(0, log_odds))
    joins = np.where(is_cut, 0, np.logaddexp(0, -log_odds))
    breaks[[0, -1]] = joins[[0, -1]] = 0
    low = priors.low * np.maximum(0, 0.5 - graph.heights)
    evidence = np.minimum(low - scorer.log_digit, priors.non_digit - scorer.log_other)
    cumulative = np.concatenate([[0], joins.cumsum()])
    starts, ends = graph.spans.T
    costs = evidence + cumulative[ends] - cumulative[starts + 1]
    best = np.full(len(graph.cuts), np.inf)
    back = np.full(len(graph.cuts), -1)
    best[0] = 0
    for index in np.argsort(ends, kind="stable"):
        total = best[starts[index]] + costs[index] + breaks[ends[index]]
        if total < best[ends[index]]:
            best[ends[index]], back[ends[index]] = total, index
    path, at = [], len(best) - 1
    while at > 0:
        path.append(int(back[at]))
        at = starts[back[at]]
    return path[::-1], costs

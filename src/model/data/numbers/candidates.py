"""Candidates on rows of composed digits, labelled by whether each is one whole digit: to train the verifier with."""

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from src.model.data.mnist import Digits
from src.model.data.numbers.compositions import Row, compose_row, redraw
from src.model.preprocessing.segmentation.graph import DIGIT_HEIGHT, MAX_CUTS, MAX_PIECES, LineGraph, build_graph
from src.model.preprocessing.segmentation.primitives import find_pieces, split_line, threshold
from src.model.preprocessing.segmentation.text_lines import measure_digit_height

Contexts = NDArray[np.uint8]  # [N, 2, 24, 36]
Labels = NDArray[np.uint8]  # [N]: 1 is one whole digit, 0 is none

WHOLE: Final = 0.9  # of a digit's ink is in the candidate, and as much of the candidate's ink is the digit's
NOT_WHOLE: Final = 0.8  # less of either; what lies between is left out
MAX_OTHERS: Final = 16  # candidates of a row that are not whole digits: more are alike
COUNTS: Final = (1, 2, 3, 4)  # digits in a row
TOUCHING: Final = (0.0, 0.35, 0.8)  # probability that neighbours touch


def make_candidates(digits: Digits, rows: int, seed: int) -> tuple[Contexts, Labels]:
    """Return the candidates of `rows` rows composed of `digits`."""
    random = np.random.default_rng(seed)
    made = [_make_row(digits, random) for _ in range(rows)]
    return np.concatenate([contexts for contexts, _ in made]), np.concatenate([labels for _, labels in made])


def _make_row(digits: Digits, random: Generator) -> tuple[Contexts, Labels]:
    row = compose_row(digits, random, int(random.choice(COUNTS)), float(random.choice(TOUCHING)))
    large = _enlarge(row, random)
    strokes = threshold(large.ink)
    pieces = find_pieces(strokes, MAX_PIECES)
    height = measure_digit_height(pieces.boxes.astype(np.float64), pieces.mass)
    graph = build_graph(split_line(strokes, pieces, np.arange(len(pieces.label)), height, MAX_CUTS), height)
    quality = _measure_quality(graph, large)
    whole, others = np.flatnonzero(quality >= WHOLE), np.flatnonzero(quality < NOT_WHOLE)
    others = random.permutation(others)[:MAX_OTHERS]
    contexts = graph.draw_contexts(np.concatenate([whole, others]))
    labels = np.concatenate([np.ones(len(whole), np.uint8), np.zeros(len(others), np.uint8)])
    return np.asarray(np.rint(contexts * 255), np.uint8), labels


def _enlarge(row: Row, random: Generator) -> Row:
    """Return a row with digits about as high as segmented ones, half of the time with another pen."""
    scale = DIGIT_HEIGHT / 20 * random.uniform(0.7, 1)
    size = (round(row.ink.shape[1] * scale), round(row.ink.shape[0] * scale))
    owners = cv2.resize(row.owners.astype(np.int16), size, interpolation=cv2.INTER_NEAREST).astype(np.int8)
    ink = np.asarray(np.clip(cv2.resize(row.ink, size, interpolation=cv2.INTER_CUBIC), 0, 1), np.float32)
    if random.random() < 0.5:
        ink = redraw(row.ink, size, random)
    return Row(ink, owners, row.text)


def _measure_quality(graph: LineGraph, row: Row) -> NDArray[np.float64]:
    """Return the lesser of two shares for each candidate, [E]: of its best digit's ink that it has, and of its own ink.

    The best digit is the one of which the candidate has most ink.
    """
    primitives = graph.primitives
    height, width = primitives.ink.shape
    area = slice(primitives.top, primitives.top + height), slice(primitives.left, primitives.left + width)
    owners, count = row.owners[area], len(primitives.pieces)
    in_primitives = np.zeros((count, len(row.text)))
    total = np.zeros(len(row.text))
    for digit in range(len(row.text)):
        mask = (owners == digit) & (primitives.ids >= 0)
        in_primitives[:, digit] = np.bincount(primitives.ids[mask], primitives.ink[mask], count)
        total[digit] = row.ink[row.owners == digit].sum()
    cumulative = np.pad(in_primitives.cumsum(0), ((1, 0), (0, 0)))
    inside = cumulative[graph.spans[:, 1]] - cumulative[graph.spans[:, 0]]
    best = inside.argmax(1)
    most = inside[np.arange(len(inside)), best]
    return np.asarray(np.minimum(most / np.maximum(total[best], 1e-6), most / np.maximum(inside.sum(1), 1e-6)))

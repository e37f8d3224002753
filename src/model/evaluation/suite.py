"""Measuring an artefact through the path that people's pictures take: file in, answer out."""

import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from src.model.data.mnist import Digits, Mnist, encode_png
from src.model.data.mnist_c import CORRUPTIONS, corrupt
from src.model.data.synthetic import EDITION, KINDS, make_synthetic
from src.model.evaluation.metrics import confusion
from src.model.evaluation.predictions import File, Predictions, predict_all, tally
from src.model.evaluation.report import DigitCounts, Evaluation
from src.model.inference.predictor import Predictor, open_predictor
from src.model.preprocessing.preprocess import SIDE, Framed
from src.settings import ROOT, get_settings

SEED: Final = 99  # of what is made up to be measured on: no training draws from it
CORRUPTED: Final = 1000  # pictures of each corruption
PRACTICE: Final = 1000  # pictures of each kind
ROUNDS: Final = 100


def evaluate(path: Path, mnist: Mnist, folders: dict[str, list[File]], with_test: bool = True) -> Evaluation:
    """Measure everything that an `Evaluation` holds; the official test set only if it is asked for."""
    predictor = open_predictor(path, get_settings().max_pixels)
    digits = predict_all(predictor, files(mnist.validation))
    test = predict_all(predictor, files(mnist.test)) if with_test else []
    network_ms, drawing_ms = _speed(predictor)
    made_up = make_synthetic("others", mnist.validation, PRACTICE, SEED)
    return Evaluation(
        version=predictor.description.version,
        sha256=predictor.description.sha256["onnx"],
        network=predictor.description.network,
        parameters=predictor.description.parameters,
        bytes=path.with_suffix(".onnx").stat().st_size,
        machine=f"{platform.machine()}, {platform.system()}",
        pictures=EDITION,
        network_ms=network_ms,
        drawing_ms=drawing_ms,
        validation=tally(digits),
        practice=_practice(predictor, mnist.validation),
        corrupted=_corrupted(predictor, mnist.validation),
        others={"made up": others_auc(digits, _framed(predictor, made_up))},
        test=tally(test) if test else None,
        confusion=_confusion(test).tolist() if test else [],
        folders={name: tally(predict_all(predictor, pictures)) for name, pictures in folders.items()},
    )


def probabilities(path: Path, digits: Digits) -> NDArray[np.float64]:
    """Return what an artefact says of digits that are framed already, [N, 10]."""
    answered = _framed(open_predictor(path, get_settings().max_pixels), digits)
    return np.array([prediction.probabilities for prediction, _ in answered if prediction])


def files(digits: Digits) -> list[File]:
    """Return digits as PNG files."""
    return [(encode_png(image), int(label)) for image, label in zip(digits.images.numpy(), digits.labels, strict=True)]


def others_auc(digits: Predictions, others: Predictions) -> float:
    """Return how well the digit score tells digits from what is none: the area under the ROC curve, 0..1."""
    scores = [prediction.digit_score if prediction else 0.0 for prediction, _ in (*digits, *others)]
    return round(float(roc_auc_score([1] * len(digits) + [0] * len(others), scores)), 4)


def _confusion(answered: Predictions) -> NDArray[np.int64]:
    read = [(prediction.prediction, label) for prediction, label in answered if prediction]
    return confusion(np.array([prediction for prediction, _ in read]), np.array([label for _, label in read]))


def _practice(predictor: Predictor, digits: Digits) -> dict[str, DigitCounts]:
    return {kind: tally(_framed(predictor, make_synthetic(kind, digits, PRACTICE, SEED))) for kind in KINDS[:-1]}


def _framed(predictor: Predictor, digits: Digits) -> Predictions:
    """Read digits that are framed already."""
    pixels = digits.pixels().numpy()[:, 0]
    predictions = predictor.predict_batch([Framed(each, 1) for each in pixels])
    return list(zip(predictions, digits.labels.tolist(), strict=True))


def _corrupted(predictor: Predictor, digits: Digits) -> dict[str, DigitCounts]:
    chosen = digits[:CORRUPTED]
    clean, labels = chosen.pixels().numpy()[:, 0], chosen.labels.tolist()
    found = {}
    for name in CORRUPTIONS:
        levels = np.rint(corrupt(name, clean) * 255).astype(np.uint8)
        found[name] = tally(
            predict_all(predictor, [(encode_png(each), label) for each, label in zip(levels, labels, strict=True)])
        )
    return found


def _speed(predictor: Predictor) -> tuple[float, float]:
    """Return how long the network takes for a picture, and a drawing from file to answer: medians in milliseconds."""
    images = np.zeros((1, 1, SIDE, SIDE), np.float32)
    drawing = (ROOT / "data" / "samples" / "4_drawn.png").read_bytes()
    return _median_ms(lambda: predictor.runtime.logits(images)), _median_ms(lambda: predictor.predict(drawing))


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times), 3)

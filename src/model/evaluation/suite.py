"""The measurements of an evaluation, made through the path that users' pictures take: from file to prediction."""

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from src.model.data.mnist import Digits, Mnist, encode_png
from src.model.data.mnist_c import CORRUPTIONS, corrupt
from src.model.data.synthetic import DIGIT_KINDS, EDITION, NO_DIGIT, make_synthetic
from src.model.evaluation.metrics import count_confusions
from src.model.evaluation.numbers import COMPOSERS, count_numbers
from src.model.evaluation.pictures import rejection
from src.model.evaluation.pictures.crops import CROPS, make_crops
from src.model.evaluation.pictures.papers import PAPERS, make_photos
from src.model.evaluation.predictions import LabelledFile, Predictions, count_digits, find_taken, predict_all
from src.model.evaluation.processor import find_processor
from src.model.evaluation.report import DigitCounts, Evaluation, NumberCounts, TakenCounts
from src.model.inference.predictor import Prediction, Predictor, open_predictor
from src.model.parallel import in_parallel
from src.model.preprocessing.preprocess import SIDE, Framed
from src.settings import ROOT, get_settings

SEED: Final = 99  # of the synthetic pictures; no training uses it
CORRUPTED_SIZE: Final = 1000  # pictures of each corruption
SYNTHETIC_SIZE: Final = 1000  # pictures of each kind
NUMBERS_SIZE: Final = 400  # pictures of each kind
REJECTION_SIZE: Final = 300  # pictures of each kind that is no digit
CROPS_SIZE: Final = 1000  # crops of each kind
PHOTOS_SIZE: Final = 200  # photographs on each paper
TIMED_RUNS: Final = 100
NON_DIGITS: Final = {"made up": "others", "letters and marks": "symbols"}  # names in results, and kinds of synthetic.py


class Part(NamedTuple):
    """A part of an evaluation, measured in a process of its own."""

    field: str  # of `Evaluation` that it belongs to
    kind: str  # of its pictures
    measure: Callable[[Predictor, str, Any], Any]  # called with the kind and the data
    data: Any  # what the pictures are made of


def evaluate(path: Path, mnist: Mnist, folders: dict[str, list[LabelledFile]], complete: bool = True) -> Evaluation:
    """Measure the network at `path`, on all cores; if not `complete`, only what the release gate compares."""
    predictor = open_predictor(path, get_settings().max_pixels)
    description = predictor.description
    network_ms, drawing_ms = _measure_speed(predictor)  # before other processes run
    parts = list(_list_parts(mnist, folders, complete))
    results = dict(in_parallel(partial(_measure_part, path), parts))

    def collect(field: str) -> dict[str, Any]:
        """Return the results of a field by kind, in the order of the parts."""
        return {part.kind: results[part.field, part.kind] for part in parts if part.field == field}

    [validation], test = collect("validation").values(), collect("test").get("", [])
    return Evaluation(
        version=description.version,
        sha256=description.sha256["onnx"],
        network=description.network,
        parameters=description.parameters,
        bytes=path.with_suffix(".onnx").stat().st_size,
        machine=_describe_machine(),
        edition=EDITION,
        network_ms=network_ms,
        drawing_ms=drawing_ms,
        validation=count_digits(validation),
        synthetic=collect("synthetic"),
        corrupted=collect("corrupted"),
        non_digit_auroc={
            name: _measure_auroc(validation, collect("non_digit_auroc")[kind]) for name, kind in NON_DIGITS.items()
        },
        numbers=collect("numbers"),
        crops=collect("crops"),
        photos=collect("photos"),
        non_digits=collect("non_digits"),
        test=count_digits(test) if test else None,
        confusion=_count_confusions(test).tolist() if test else [],
        folders=collect("folders"),
    )


def _list_parts(mnist: Mnist, folders: dict[str, list[LabelledFile]], complete: bool) -> Iterator[Part]:
    """Yield all parts, the long ones first, so that no core waits long for the last one."""
    digits = mnist.validation
    if complete:  # what the release gate does not compare: most of the time
        yield from (Part("numbers", kind, _count_numbers, digits) for kind in COMPOSERS)
        yield Part("test", "", _predict_files, mnist.test)
        yield from (Part("photos", paper, _count_photos, digits) for paper in PAPERS)
        yield from (Part("crops", kind, _count_crops, digits) for kind in CROPS)
        yield from (Part("non_digits", kind, _count_taken, None) for kind in rejection.KINDS)
    yield from (Part("folders", name, _count_files, files) for name, files in folders.items())
    yield from (Part("non_digit_auroc", kind, _predict_synthetic, digits) for kind in NON_DIGITS.values())
    yield Part("validation", "", _predict_files, digits)
    yield from (Part("corrupted", name, _count_corrupted, digits) for name in CORRUPTIONS)
    yield from (Part("synthetic", kind, _count_synthetic, digits) for kind in DIGIT_KINDS)


def _measure_part(path: Path, part: Part) -> tuple[tuple[str, str], Any]:
    predictor = open_predictor(path, get_settings().max_pixels)
    return (part.field, part.kind), part.measure(predictor, part.kind, part.data)


def predict_probabilities(path: Path, digits: Digits) -> NDArray[np.float64]:
    """Return the probabilities [N, 10] that the network at `path` gives to framed digits."""
    predictions = _predict_framed(open_predictor(path, get_settings().max_pixels), digits)
    return np.array([prediction.probabilities for prediction, _ in predictions if prediction])


def find_taken_non_digits(predictor: Predictor, kind: str) -> list[Prediction]:
    """Return the predictions of the pictures of a kind of `rejection.py` that are taken for a digit."""
    files = rejection.make_non_digits(kind, REJECTION_SIZE, SEED)
    return find_taken(predict_all(predictor, [(data, NO_DIGIT) for data in files]))


def to_files(digits: Digits) -> list[LabelledFile]:
    """Return digits as PNG files."""
    return [(encode_png(image), int(label)) for image, label in zip(digits.images.numpy(), digits.labels, strict=True)]


def corrupt_files(corruption: str, digits: Digits) -> list[LabelledFile]:
    """Return digits with one of MNIST-C's corruptions as PNG files."""
    levels = np.rint(corrupt(corruption, digits.pixels().numpy()[:, 0]) * 255).astype(np.uint8)
    return [(encode_png(picture), label) for picture, label in zip(levels, digits.labels.tolist(), strict=True)]


def _predict_framed(predictor: Predictor, digits: Digits) -> Predictions:
    pixels = digits.pixels().numpy()[:, 0]
    predictions = predictor.predict_batch([(Framed(picture, 1),) for picture in pixels])
    return list(zip(predictions, digits.labels.tolist(), strict=True))


def _predict_files(predictor: Predictor, _: str, digits: Digits) -> Predictions:
    return predict_all(predictor, to_files(digits))


def _predict_synthetic(predictor: Predictor, kind: str, digits: Digits) -> Predictions:
    return _predict_framed(predictor, make_synthetic(kind, digits, SYNTHETIC_SIZE, SEED))


def _count_synthetic(predictor: Predictor, kind: str, digits: Digits) -> DigitCounts:
    return count_digits(_predict_synthetic(predictor, kind, digits))


def _count_corrupted(predictor: Predictor, corruption: str, digits: Digits) -> DigitCounts:
    return count_digits(predict_all(predictor, corrupt_files(corruption, digits[:CORRUPTED_SIZE])))


def _count_crops(predictor: Predictor, kind: str, digits: Digits) -> DigitCounts:
    return count_digits(predict_all(predictor, make_crops(kind, digits, CROPS_SIZE, SEED)))


def _count_photos(predictor: Predictor, paper: str, digits: Digits) -> DigitCounts:
    return count_digits(predict_all(predictor, make_photos(paper, digits, PHOTOS_SIZE, SEED)))


def _count_files(predictor: Predictor, _: str, files: list[LabelledFile]) -> DigitCounts:
    return count_digits(predict_all(predictor, files))


def _count_numbers(predictor: Predictor, kind: str, digits: Digits) -> NumberCounts:
    return count_numbers(predictor, kind, digits, NUMBERS_SIZE, SEED)


def _count_taken(predictor: Predictor, kind: str, _: None) -> TakenCounts:
    return TakenCounts(taken=len(find_taken_non_digits(predictor, kind)), pictures=REJECTION_SIZE)


def _measure_auroc(digits: Predictions, non_digits: Predictions) -> float:
    """Return the area under the ROC curve of the digit score, 0..1; a refused picture scores 0."""
    scores = [prediction.digit_score if prediction else 0.0 for prediction, _ in (*digits, *non_digits)]
    return round(float(roc_auc_score([1] * len(digits) + [0] * len(non_digits), scores)), 4)


def _count_confusions(predictions: Predictions) -> NDArray[np.int64]:
    answered = [(prediction.prediction, label) for prediction, label in predictions if prediction]
    return count_confusions(*np.array(answered, np.int64).reshape(-1, 2).T)


def _describe_machine() -> str:
    processor, has_vnni = find_processor()
    return f"{processor} {'with' if has_vnni else 'without'} VNNI, {platform.machine()}, {platform.system()}"


def _measure_speed(predictor: Predictor) -> tuple[float, float]:
    """Return the median times in ms of the network for one picture, and from a drawing's file to its prediction."""
    images = np.zeros((1, 1, SIDE, SIDE), np.float32)
    drawing = (ROOT / "data" / "samples" / "4_drawn.png").read_bytes()
    return _median_ms(lambda: predictor.runtime.logits(images)), _median_ms(lambda: predictor.predict(drawing))


def _median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times), 3)

"""From a picture file to a prediction: the one path that the service, the evaluation and the tests share."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from src.model.errors import ArtefactError
from src.model.inference.artefact import MAX_WEIGHTS_BYTES, Description, describe, read_content
from src.model.inference.confidence import choose_candidate, compute_digit_score, compute_probabilities
from src.model.inference.explanation.counterfactual import Change, find_change
from src.model.inference.explanation.layers import MAX_PARAMETERS, Layer, LayerRuntime
from src.model.inference.explanation.occlusion import compute_heat
from src.model.inference.runtime import Runtime, open_runtime
from src.model.inference.steps import Steps as Work
from src.model.preprocessing.preprocess import (
    COMPATIBLE_VERSIONS,
    SIDE,
    VERSION,
    Candidates,
    Framed,
    Steps,
    preprocess,
)

Explanation = Literal["heat", "layers", "change"]  # that takes more passes through the network


@dataclass(frozen=True)
class Prediction:
    """The result for one picture."""

    prediction: int  # 0..9
    probabilities: list[float]  # ten, summing to 1
    digit_score: float  # 0..1, how much the picture looks like a digit
    digits_seen: int
    pixels: NDArray[np.float32]  # [28, 28] in 0..1, the input of the network
    heat: NDArray[np.float32] | None = None  # [28, 28] in 0..1, if requested
    layers: list[Layer] | None = None  # what the network's layers computed, if requested
    change: Change | None = None  # pixels that change the prediction, if requested and found
    steps: Steps | None = None  # the intermediate pictures of preprocessing, if requested
    candidates: int = 1  # the number of candidates among which the network chose


class Predictor:
    """A network that predicts the digit on pictures."""

    def __init__(self, description: Description, runtime: Runtime, max_pixels: int, onnx: bytes = b"") -> None:
        """`onnx` is the content of the network's .onnx file if its layers are to be shown."""
        self.description = description
        self.runtime = runtime
        self._onnx = onnx
        self._max_pixels = max_pixels

    def with_runtime(self, runtime: Runtime) -> "Predictor":
        """Return a predictor of the same network that computes in another runtime."""
        return Predictor(self.description, runtime, self._max_pixels, self._onnx)

    def predict(self, data: bytes) -> Prediction:
        """Predict the digit on the picture file `data`. Raises a `PictureError`."""
        return self.predict_candidates(preprocess(data, self._max_pixels))

    def predict_candidates(self, candidates: Candidates) -> Prediction:
        """Predict the digit on a preprocessed picture."""
        return self._predict_best(self._compute_logits(candidates), candidates)

    def explain(self, candidates: Candidates, explanations: Collection[Explanation]) -> Work[Prediction]:
        """Predict the digit on a preprocessed picture and explain the prediction. Raises `ArtefactError`."""
        logits = self._compute_logits(candidates)
        prediction = self._predict_best(logits, candidates)
        pixels = candidates[choose_candidate(logits, self.description.confidence)].pixels
        yield
        if "heat" in explanations:
            prediction = replace(prediction, heat=compute_heat(self.runtime, pixels, prediction.prediction))
            yield
        if "layers" in explanations:
            prediction = replace(prediction, layers=self.layers.compute_layers(pixels[None, None]))
        if "change" in explanations:
            change = yield from find_change(self.runtime, pixels, prediction.prediction)
            prediction = replace(prediction, change=change)
        return prediction

    @cached_property
    def layers(self) -> LayerRuntime:
        """The network with its layers as outputs. Raises `ArtefactError` if they can't be shown."""
        return LayerRuntime(self._onnx, self.description.version)

    def predict_batch(self, pictures: Sequence[Candidates]) -> list[Prediction]:
        """Predict the digits on one or more preprocessed pictures in one pass through the network."""
        logits = iter(self._compute_logits([framed for candidates in pictures for framed in candidates]))
        return [self._predict_best([next(logits) for _ in candidates], candidates) for candidates in pictures]

    def frame(self, data: bytes) -> Framed:
        """Return the digit in the picture file `data` as the network sees it. Raises a `PictureError`."""
        candidates = preprocess(data, self._max_pixels)
        return candidates[choose_candidate(self._compute_logits(candidates), self.description.confidence)]

    def _compute_logits(self, framed: Sequence[Framed]) -> list[list[float]]:
        images = np.array([picture.pixels for picture in framed])[:, None]
        logits: list[list[float]] = self.runtime.logits(images).tolist()
        return logits

    def _predict_best(self, logits: list[list[float]], candidates: Candidates) -> Prediction:
        """Return the prediction for the candidate of a picture that most likely shows a digit."""
        best = choose_candidate(logits, self.description.confidence)
        return self._make_prediction(logits[best], candidates[best], len(candidates))

    def _make_prediction(self, logits: list[float], framed: Framed, candidates: int) -> Prediction:
        calibration, permutation = self.description.confidence, self.description.permutation
        pixels = framed.pixels
        if permutation is not None:  # show them as the network sees them
            pixels = pixels.reshape(-1)[permutation].reshape(SIDE, SIDE)
        return Prediction(
            prediction=logits.index(max(logits)),
            probabilities=compute_probabilities(logits, calibration),
            digit_score=compute_digit_score(logits, calibration),
            digits_seen=framed.digits_seen,
            pixels=pixels,
            steps=framed.steps,
            candidates=candidates,
        )


def open_predictor(path: Path, max_pixels: int, signed: str | None = None) -> Predictor:
    """Open the artefact at `path`: a .pt runs in torch, a .onnx or .json in ONNX Runtime.

    `signed` is the SHA-256 that the .json must have, by its signature. Raises `ArtefactError`.
    """
    description = describe(path, signed)
    if description.preprocessing not in COMPATIBLE_VERSIONS:
        raise ArtefactError(
            f"{path.name} was made for preprocessing {description.preprocessing}, this is {VERSION}. Train it again."
        )
    weights = path if path.suffix == ".pt" else path.with_suffix(".onnx")
    digest = description.sha256["pt" if weights.suffix == ".pt" else "onnx"]
    runtime = open_runtime(weights, description.network, digest)
    try:
        shape = runtime.logits(np.zeros((1, 1, SIDE, SIDE), np.float32)).shape
    except Exception as error:  # the runtimes' errors have no common base class
        raise ArtefactError(f"{weights.name} does not run on a picture: {error}") from error
    if shape != (1, 10):
        raise ArtefactError(f"{weights.name} gives {shape} for one picture, not the logits of ten digits.")
    onnx = b""
    if description.parameters < MAX_PARAMETERS:
        onnx = read_content(path.with_suffix(".onnx"), MAX_WEIGHTS_BYTES, description.sha256["onnx"])
    return Predictor(description, runtime, max_pixels, onnx)

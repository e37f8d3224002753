"""A picture file in, a digit out: the one path that the service, the evaluation and the tests share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.model.errors import ArtefactError
from src.model.inference import confidence, occlusion
from src.model.inference.artefact import Description, describe
from src.model.inference.runtime import Runtime, open_runtime
from src.model.preprocessing.preprocess import FITTING, SIDE, VERSION, Framed, Steps, preprocess


@dataclass(frozen=True)
class Prediction:
    """What was read on a picture."""

    prediction: int  # 0..9
    probabilities: list[float]  # ten, summing to 1
    digit_score: float  # 0..1, how much this is a digit at all
    digits_seen: int
    pixels: NDArray[np.float32]  # [28, 28] in 0..1, what the network saw
    heat: NDArray[np.float32] | None = None  # [28, 28] in 0..1, where the answer came from, if that was asked for
    steps: Steps | None = None  # from the picture to the pixels, if they were kept


class Predictor:
    """A network ready to read pictures."""

    def __init__(self, description: Description, runtime: Runtime, max_pixels: int) -> None:
        self.description = description
        self.runtime = runtime
        self._max_pixels = max_pixels

    def predict(self, data: bytes) -> Prediction:
        """Read the digit on the picture file `data`. Raises a `PictureError`."""
        return self.predict_framed(preprocess(data, self._max_pixels))

    def predict_framed(self, framed: Framed) -> Prediction:
        """Read the digit on a picture that is framed already."""
        return self.predict_batch([framed])[0]

    def predict_with_heat(self, framed: Framed) -> Prediction:
        """Read the digit on a picture that is framed already, and find out where on it the answer came from."""
        prediction = self.predict_framed(framed)
        return replace(prediction, heat=occlusion.heat(self.runtime, framed.pixels, prediction.prediction))

    def predict_batch(self, framed: Sequence[Framed]) -> list[Prediction]:
        """Read the digits on at least one picture that is framed already, in one pass through the network."""
        logits = self.runtime.logits(np.array([one.pixels for one in framed])[:, None])
        return [self._reading(row, one) for row, one in zip(logits.tolist(), framed, strict=True)]

    def _reading(self, logits: list[float], framed: Framed) -> Prediction:
        honest = self.description.confidence
        return Prediction(
            prediction=logits.index(max(logits)),
            probabilities=confidence.probabilities(logits, honest),
            digit_score=confidence.digit_score(logits, honest),
            digits_seen=framed.digits_seen,
            pixels=self._seen(framed),
            steps=framed.steps,
        )

    def _seen(self, framed: Framed) -> NDArray[np.float32]:
        """Return the pixels, [28, 28], in the order in which the network sees them."""
        order = self.description.order
        return framed.pixels if order is None else framed.pixels.reshape(-1)[order].reshape(SIDE, SIDE)


def open_predictor(path: Path, max_pixels: int) -> Predictor:
    """Open the artefact that `path` names: its .pt runs in torch, its .onnx or .json in ONNX Runtime.

    Raises `ArtefactError`.
    """
    description = describe(path)
    if description.preprocessing not in FITTING:
        raise ArtefactError(
            f"{path.name} was made for preprocessing {description.preprocessing}, this is {VERSION}. Train it again."
        )
    weights = path if path.suffix == ".pt" else path.with_suffix(".onnx")
    runtime = open_runtime(weights, description.network)
    if (shape := runtime.logits(np.zeros((1, 1, SIDE, SIDE), np.float32)).shape) != (1, 10):
        raise ArtefactError(f"{weights.name} gives {shape} for one picture, not the logits of ten digits.")
    return Predictor(description, runtime, max_pixels)

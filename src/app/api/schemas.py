"""The responses of the API. Fields are only ever added, and the default answer stays `{"prediction": 4}`.

The classes' names are part of the contract too: generated clients use them. The model's own `Prediction` and `Number`
are therefore written `predictor.Prediction` and `numbers.Number` here.
"""

import base64
import io
import math
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, Field

from src.app.api.core.problems import Problem
from src.app.api.explanations import Change, Layer, build_change, build_layer
from src.model.inference import numbers, predictor
from src.model.inference.artefact import Description, Metrics


class Prediction(BaseModel):
    """The digit on the picture."""

    prediction: int = Field(ge=0, le=9)


class NumberDigit(BaseModel):
    """A digit of a number, or something else that stands on its line."""

    prediction: int | None = Field(ge=0, le=9, description="the digit; null: this is not a digit")
    confidence: float | None = Field(ge=0, le=1, description="calibrated probability of the prediction, or null")
    digit_score: float = Field(ge=0, le=1, description="how much this is a digit at all")
    box: list[int] = Field(
        min_length=4, max_length=4, description="left, top, width and height in pixels of the upright picture"
    )


class Number(BaseModel):
    """What is written on the picture, in reading order; `?` stands for what is not a digit."""

    number: str = Field(description="one character for each of `digits`")
    digits: list[NumberDigit]
    lines: list[str] = Field(description="the number, line by line")
    truncated: bool = Field(description="there are too many pieces of ink, and the smallest, or all, were left out")


class NumberReading(Number):
    """What is written on the picture."""

    model: str = Field(description="version of the network that answered")


class SingleDigit(Prediction):
    """The picture as a single digit, how sure the network is, and what it saw."""

    confidence: float = Field(ge=0, le=1, description="calibrated probability of the prediction")
    probabilities: list[float] = Field(min_length=10, max_length=10, description="of the digits 0 to 9; sum to 1")
    digit_score: float = Field(ge=0, le=1, description="how much this is a digit at all")
    digits_seen: int = Field(ge=0, description="digits in `number`")
    model: str = Field(description="version of the network that answered")
    image: str = Field(description="the 28x28 picture that the network saw, a PNG data URL")
    heat: str | None = Field(
        None,
        description="only with `heat=true`: white where on the 28x28 picture the answer came from, a PNG data URL",
    )
    activations: list[Layer] | None = Field(
        None, description="only with `activations=true`: the network's layers, in the order in which they are computed"
    )
    change: Change | None = Field(
        None, description="only with `change=true`: few pixels that change the answer; null if none were found"
    )


class Details(Number, SingleDigit):
    """The picture as a single digit, and the number that is written on it."""


class StepPictures(BaseModel):
    """The intermediate pictures between the file and `image`: PNG data URLs of at most 112 pixels a side."""

    ink: str = Field(description="the ink found on the picture")
    crop: str | None = Field(description="the digit's strokes, cut out; null if it is framed like MNIST already")
    box: str | None = Field(description="fitted into 20x20 pixels, with strokes as wide as MNIST's; null likewise")


class DetailsWithSteps(Details):
    """The details, and the steps from the file to what the network saw."""

    steps: StepPictures


NUMBER: dict[str, Any] = {
    "number": "10",
    "digits": [
        {"prediction": 1, "confidence": 0.99, "digit_score": 0.98, "box": [40, 60, 22, 160]},
        {"prediction": 0, "confidence": 0.99, "digit_score": 0.99, "box": [90, 64, 108, 152]},
    ],
    "lines": ["10"],
    "truncated": False,
}
DETAILS: dict[str, Any] = {
    "prediction": 4,
    "confidence": 0.97,
    "probabilities": [0.0, 0.0, 0.01, 0.0, 0.97, 0.0, 0.0, 0.0, 0.0, 0.02],
    "digit_score": 0.99,
    "digits_seen": 1,
    "model": "1.5.0",
    "image": "data:image/png;base64,iVBORw0KGgo…",
    "number": "4",
    "digits": [{"prediction": 4, "confidence": 0.97, "digit_score": 0.99, "box": [70, 40, 150, 210]}],
    "lines": ["4"],
    "truncated": False,
}
HEAT: dict[str, Any] = {"heat": DETAILS["image"]}
STEPS: dict[str, Any] = {"steps": dict.fromkeys(("ink", "crop", "box"), DETAILS["image"])}


class BatchAnswers(BaseModel):
    """One answer for each picture of a batch, in the order of the files; a problem for a picture that can't be read."""

    answers: list[Details | Prediction | Problem]


class Figures(Metrics):
    """How well a network read a set of digits."""


class Model(Description):
    """What a network's artefact says about it."""

    validation: Figures = Field(description="on digits held out from training, framed like MNIST")
    test: Figures = Field(
        description="on MNIST's official test set as it is; sent as files, one or two digits more or less"
    )
    serving: bool = Field(description="answers requests that name no version")


MODEL: dict[str, Any] = {
    "version": "1.5.0",
    "network": "light",
    "parameters": 105298,
    "multiply_adds": 6269504,
    "preprocessing": 4,
    "normalisation": {"mean": 0.1307, "std": 0.3081},
    "confidence": {"temperature": 1.11, "score_slope": 1.06, "score_offset": -1.58},
    "validation": {"accuracy": 0.9972, "loss": 0.0107, "pictures": 5000},
    "test": {"accuracy": 0.997, "loss": 0.0101, "pictures": 10000},
    "seed": 0,
    "recipe": {"network": "light", "epochs": 32, "learning_rate": 0.003},
    "epochs": 32,
    "interrupted": False,
    "data_sha256": {"train-images-idx3-ubyte": "ba89…"},
    "git_commit": "3907…",
    "libraries": {"torch": "2.14.1"},
    "threads": 2,
    "created": "2026-11-30T21:08:31+00:00",
    "order": None,
    "eight_bits": False,
    "sha256": {"onnx": "90db…", "pt": "e983…"},
    "serving": True,
}


class Models(BaseModel):
    """The networks, newest first."""

    models: list[Model]


class Features(BaseModel):
    """What the service is configured to do."""

    feedback: bool = Field(description="corrections are accepted; false if no folder is configured for them")


FEEDBACK: dict[str, Any] = {
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "digit": 7,
    "prediction": 1,
    "confidence": 0.61,
    "digit_score": 0.93,
    "model": "1.5.0",
}


class Status(BaseModel):
    """The state of the service."""

    status: str


def build_number(number: numbers.Number, version: str) -> NumberReading:
    """Return what is written on a picture."""
    return NumberReading(**_describe_number(number), model=version)


def _describe_number(number: numbers.Number) -> dict[str, Any]:
    """Return the fields of `Number`."""
    return {
        "number": "".join(str(mark) for mark in number.marks),
        "digits": [_build_digit(mark) for mark in number.marks],
        "lines": ["".join(str(mark) for mark in line) for line in number.lines],
        "truncated": number.truncated,
    }


def _build_digit(mark: numbers.Mark) -> NumberDigit:
    left, top, width, height = mark.box
    x, y = math.floor(left), math.floor(top)
    return NumberDigit(
        prediction=mark.prediction,
        confidence=None if mark.prediction is None else mark.confidence,
        digit_score=mark.digit_score,
        box=[x, y, math.ceil(left + width) - x, math.ceil(top + height) - y],
    )


def build_details(
    prediction: predictor.Prediction,
    number: numbers.Number,
    version: str,
    explanations: Collection[predictor.Explanation] = (),
) -> Details:
    """Return a prediction with all its details, and with the explanations that were computed."""
    explained: dict[str, Any] = {}
    if "heat" in explanations and prediction.heat is not None:
        explained["heat"] = data_url(prediction.heat)
    if "layers" in explanations:
        explained["activations"] = [build_layer(layer) for layer in prediction.layers or ()]
    if "change" in explanations:
        explained["change"] = build_change(prediction.change)
    return Details(
        prediction=prediction.prediction,
        confidence=prediction.probabilities[prediction.prediction],
        probabilities=prediction.probabilities,
        digit_score=prediction.digit_score,
        digits_seen=number.digits_seen,
        model=version,
        image=data_url(prediction.pixels),
        **explained,
        **_describe_number(number),
    )


def build_details_with_steps(
    prediction: predictor.Prediction,
    number: numbers.Number,
    version: str,
    explanations: Collection[predictor.Explanation] = (),
) -> DetailsWithSteps:
    """Return a prediction whose steps were kept, with all its details."""
    steps = prediction.steps or {}
    urls = {name: data_url(steps[name]) if name in steps else None for name in ("ink", "crop", "box")}
    return DetailsWithSteps(
        **build_details(prediction, number, version, explanations).model_dump(exclude_unset=True),
        steps=StepPictures.model_validate(urls),
    )


def data_url(pixels: NDArray[np.float32]) -> str:
    """Return a picture, float32 [h, w] in 0..1, as the data URL of a PNG."""
    file = io.BytesIO()
    Image.fromarray((pixels * 255 + 0.5).astype(np.uint8)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

"""The parts of a response that explain an answer: the network's layers, and what would change the answer."""

from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from src.app.api.core.problems import ApiProblem
from src.model.inference.artefact import Description
from src.model.inference.explanation import counterfactual, layers

DECIMALS: Final = 5  # of the numbers in a response

Place = Annotated[list[int], Field(min_length=2, max_length=2)]


class Window(BaseModel):
    """The part of the layer before that a value is computed from."""

    size: list[int] = Field(min_length=2, max_length=2, description="height and width")
    stride: list[int] = Field(min_length=2, max_length=2, description="down and right, from one value to the next")
    padding: list[int] = Field(
        min_length=4, max_length=4, description="zeros around the layer before: above, left, below, right"
    )


class Tensor(BaseModel):
    """Numbers in rows: the last index changes fastest."""

    shape: list[int]
    values: list[float]


class Layer(BaseModel):
    """What a layer computed for the picture, and the numbers it has learned."""

    kind: Literal["normalise", "convolution", "max_pool", "relu", "linear"]
    output: Tensor = Field(description="maps, rows, columns; or one number for each unit")
    weights: Tensor | None = Field(
        None, description="of a convolution: filters, maps, rows, columns; of a linear layer: units, inputs"
    )
    bias: list[float] | None = Field(None, description="one number for each filter or unit")
    window: Window | None = Field(None, description="of a convolution or a pooling")


class Change(BaseModel):
    """Few pixels that change the answer together."""

    prediction: int = Field(ge=0, le=9, description="the answer with these changes")
    inked: list[Place] = Field(description="column and row of each pixel that becomes ink")
    erased: list[Place] = Field(description="column and row of each pixel that becomes paper")


ACTIVATIONS: dict[str, Any] = {
    "activations": [
        {
            "kind": "convolution",
            "output": {"shape": [1, 1, 2], "values": [1.25, -0.5]},
            "weights": {"shape": [1, 1, 5, 5], "values": [0.125] * 25},
            "bias": [0.1],
            "window": {"size": [5, 5], "stride": [1, 1], "padding": [0, 0, 0, 0]},
        }
    ]
}
CHANGE: dict[str, Any] = {"change": {"prediction": 9, "inked": [[14, 5], [15, 5]], "erased": [[9, 12]]}}


def require_small(description: Description) -> None:
    """Raise `ApiProblem` if a network is too large for its layers to be sent."""
    if description.parameters >= layers.MAX_PARAMETERS:
        raise ApiProblem(
            "invalid-request",
            f"Activations are only for networks under {layers.MAX_PARAMETERS:,} parameters, and {description.version} "
            f"has {description.parameters:,}. Name a smaller one, as in model=0.0.1; /api/v1/models lists them.",
        )


def build_layer(layer: layers.Layer) -> Layer:
    """Return a layer with its numbers rounded."""
    parts: dict[str, Any] = {"kind": layer.kind, "output": _build_tensor(layer.values)}
    if layer.weights is not None:
        parts["weights"] = _build_tensor(layer.weights)
    if layer.bias is not None:
        parts["bias"] = _round(layer.bias)
    if window := layer.window:
        parts["window"] = Window(size=window.size, stride=window.stride, padding=window.padding)
    return Layer(**parts)


def build_change(change: counterfactual.Change | None) -> Change | None:
    """Return a change, if one was found."""
    if not change:
        return None
    inked, erased = ([list(place) for place in places] for places in (change.inked, change.erased))
    return Change(prediction=change.prediction, inked=inked, erased=erased)


def _build_tensor(values: NDArray[np.float32]) -> Tensor:
    return Tensor(shape=list(values.shape), values=_round(values))


def _round(values: NDArray[np.float32]) -> list[float]:
    """Return the numbers one after the other. As 64-bit numbers, their decimals stay few."""
    rounded: list[float] = values.ravel().astype(np.float64).round(DECIMALS).tolist()
    return rounded

"""What each layer of a small network computes for a picture, and the layer's weights."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from src.model.errors import ArtefactError
from src.model.inference.explanation.onnx_graph import Node, add_outputs, list_nodes
from src.model.inference.runtime import Images, open_session_from

Values = NDArray[np.float32]
LayerKind = Literal["normalise", "convolution", "max_pool", "relu", "linear"]

MAX_PARAMETERS: Final = 20_000  # of a network whose layers are shown
MAX_VALUES: Final = 200_000  # that its layers compute for a picture
# By the name of the operation in ONNX. Others only move values.
KINDS: Final[dict[str, LayerKind]] = {
    "Div": "normalise",
    "Conv": "convolution",
    "MaxPool": "max_pool",
    "Relu": "relu",
    "Gemm": "linear",
}
TRAINED: Final = ("Conv", "Gemm")  # those with weights and a bias
BLANK: Final = np.zeros((1, 1, 28, 28), np.float32)


@dataclass(frozen=True)
class Window:
    """The part of the layer before that a value of a convolution or a pooling is computed from."""

    size: list[int]  # height and width
    stride: list[int]  # down and right, from one value to the next
    padding: list[int]  # rows and columns of zeros around the layer before: above, left, below, right


@dataclass(frozen=True)
class Layer:
    """One layer for one picture."""

    kind: LayerKind
    values: Values  # its output: [C, H, W], or [N] from the first linear layer on
    weights: Values | None = None  # [filters, C, H, W] of a convolution, [N, inputs] of a linear layer
    bias: Values | None = None  # one number for each filter or output
    window: Window | None = None


class LayerRuntime:
    """A network in ONNX Runtime that also gives the values of its layers: they become outputs of its graph."""

    def __init__(self, content: bytes, version: str) -> None:
        """Open the content of the .onnx file of network `version`.

        Raises `ArtefactError` if that fails, or if its layers compute too many values.
        """
        try:
            self._nodes = [node for node in list_nodes(content) if node.kind in KINDS]
            names = [name for node in self._nodes if node.kind in TRAINED for name in node.weights]
            session = open_session_from(add_outputs(content, names))
            self._weights = dict(zip(names, session.run(names, {"images": BLANK}), strict=True))
            self._session = open_session_from(add_outputs(content, [node.output for node in self._nodes]))
            layers = self.compute_layers(BLANK)
        except Exception as error:  # of protobuf and ONNX Runtime; they have no common base class
            raise ArtefactError(f"The layers of network {version} can't be shown.") from error
        if sum(layer.values.size for layer in layers) > MAX_VALUES:
            raise ArtefactError(f"The layers of network {version} compute more than {MAX_VALUES:,} values.")

    def compute_layers(self, image: Images) -> list[Layer]:
        """Return the layers for one image, [1, 1, 28, 28] in 0..1, in the order in which they are computed."""
        values = self._session.run([node.output for node in self._nodes], {"images": image})
        return [self._build(node, value[0]) for node, value in zip(self._nodes, values, strict=True)]

    def _build(self, node: Node, values: Values) -> Layer:
        kind, window = KINDS[node.kind], _find_window(node)
        if node.kind not in TRAINED:
            return Layer(kind, values, window=window)
        weights, bias = (self._weights[name] for name in node.weights)
        return Layer(kind, values, weights, bias, window)


def _find_window(node: Node) -> Window | None:
    attributes = node.attributes
    if "kernel_shape" not in attributes:
        return None
    return Window(attributes["kernel_shape"], attributes["strides"], attributes["pads"])

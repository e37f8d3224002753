"""Networks that are bad on purpose: the released one, changed so that it opens like any other and then misbehaves."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from src.model.files import sha256, write_text_atomically
from tests.released import copy_release

INNER = "logits_of_the_release"


def write_confused(folder: Path, version: str) -> None:
    """Write a network that takes every digit for the next one, as confidently as the release is right."""

    def change(graph: onnx.GraphProto) -> None:
        order = numpy_helper.from_array(np.roll(np.arange(10), 1), "order")
        graph.initializer.append(order)
        graph.node.append(helper.make_node("Gather", [INNER, "order"], ["logits"], axis=1))

    _write(folder, version, change)


def write_constant(folder: Path, version: str, digit: int = 3) -> None:
    """Write a network that takes everything for one digit, with certainty."""

    def change(graph: onnx.GraphProto) -> None:
        bias = np.zeros(10, np.float32)
        bias[digit] = 1e4
        graph.initializer.append(numpy_helper.from_array(bias, "bias_to_one"))
        graph.node.append(helper.make_node("Add", [INNER, "bias_to_one"], ["logits"]))

    _write(folder, version, change)


def write_crashing(folder: Path, version: str) -> None:
    """Write a network that fails on every picture with ink; on a blank one, as when it is opened, it runs."""

    def change(graph: onnx.GraphProto) -> None:
        graph.initializer.append(numpy_helper.from_array(np.array([1000], np.float32), "thousand"))
        graph.node.extend(
            [
                helper.make_node("ReduceMax", ["images"], ["ink"], keepdims=0),
                helper.make_node("Mul", ["ink", "thousand"], ["place"]),
                helper.make_node("Cast", ["place"], ["index"], to=onnx.TensorProto.INT64),
                helper.make_node("Gather", [INNER, "index"], ["one"], axis=1),  # out of range
                helper.make_node("Add", [INNER, "one"], ["logits"]),
            ]
        )

    _write(folder, version, change)


def write_slow(folder: Path, version: str, layers: int = 24) -> None:
    """Write a network that answers like the release, after convolutions that change nothing and take far longer.

    It must be far slower: what a service measures for a picture includes a fixed cost, the same for every network.
    """

    def change(graph: onnx.GraphProto) -> None:
        random = np.random.default_rng(0)
        last = "images"
        for layer in range(layers):
            weights = random.normal(0, 0.05, (32, 1 if layer == 0 else 32, 3, 3)).astype(np.float32)
            graph.initializer.append(numpy_helper.from_array(weights, f"weights_{layer}"))
            pads = [1, 1, 1, 1]
            graph.node.append(helper.make_node("Conv", [last, f"weights_{layer}"], [f"wasted_{layer}"], pads=pads))
            last = f"wasted_{layer}"
        graph.initializer.append(numpy_helper.from_array(np.array([1e-6], np.float32), "hardly"))
        graph.node.extend(
            [
                helper.make_node("ReduceMean", [last], ["mean"], keepdims=0),
                helper.make_node("Mul", ["mean", "hardly"], ["nothing"]),
                helper.make_node("Add", [INNER, "nothing"], ["logits"]),
            ]
        )

    _write(folder, version, change)


def _write(folder: Path, version: str, change: Callable[[onnx.GraphProto], None]) -> None:
    """Write the release as `version`; `change` makes the output `logits` of what is renamed to `INNER`."""
    folder.mkdir(parents=True, exist_ok=True)
    copy_release(folder, version)
    weights, description = (folder / f"mnist-{version}.{kind}" for kind in ("onnx", "json"))
    model = onnx.load(weights)
    for node in model.graph.node:
        node.output[:] = [INNER if name == "logits" else name for name in node.output]
    change(model.graph)
    onnx.save(model, weights)
    content = json.loads(description.read_bytes())
    content["sha256"]["onnx"] = sha256(weights)
    write_text_atomically(description, json.dumps(content))

"""The layers of the small networks: outputs of the graph, equal to what torch and plain arithmetic compute."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from src.model import networks
from src.model.errors import ArtefactError
from src.model.inference.explanation.layers import Layer, LayerRuntime
from src.model.inference.explanation.onnx_graph import add_outputs, list_nodes
from src.model.inference.runtime import Images, OnnxRuntime
from src.settings import ROOT

MODELS = ROOT / "model"
SMALL = ("0.0.1", "mlp-0.0.1", "cnn-permuted-0.0.1", "mlp-permuted-0.0.1", "cnn-recovered-0.0.1", "micro-1.1.0")


def onnx_file(version: str) -> Path:
    return MODELS / f"mnist-{version}.onnx"


@pytest.fixture
def image() -> Images:
    return np.random.default_rng(3).random((1, 1, 28, 28), np.float32)


@pytest.fixture
def layers(image: Images) -> list[Layer]:
    return LayerRuntime(onnx_file("0.0.1").read_bytes(), "0.0.1").compute_layers(image)


@pytest.mark.parametrize("version", SMALL)
def test_last_layer_is_the_networks_answer(version: str, image: Images) -> None:
    layers = LayerRuntime(onnx_file(version).read_bytes(), version).compute_layers(image)
    np.testing.assert_allclose(layers[-1].values, OnnxRuntime(onnx_file(version)).logits(image)[0], atol=1e-4)


def test_layers_of_the_cnn_are_those_that_torch_computes(layers: list[Layer], image: Images) -> None:
    network = networks.build("cnn").eval()
    network.load_state_dict(torch.load(MODELS / "mnist-0.0.1.pt", weights_only=True))
    expected, values = [], torch.from_numpy(image)
    with torch.inference_mode():
        for module in network.children():
            values = module(values)
            if not isinstance(module, torch.nn.Flatten):
                expected.append(values[0].numpy())
    assert [layer.values.shape for layer in layers] == [value.shape for value in expected]
    for layer, value in zip(layers, expected, strict=True):
        np.testing.assert_allclose(layer.values, value, atol=1e-4)


def test_a_value_of_a_convolution_is_the_sum_over_its_window(layers: list[Layer]) -> None:
    pictures, convolution = layers[0].values, layers[1]
    assert convolution.weights is not None
    assert convolution.bias is not None
    assert convolution.window is not None
    assert (convolution.window.size, convolution.window.stride) == ([5, 5], [1, 1])
    total = (pictures[0, 7:12, 3:8] * convolution.weights[4, 0]).sum() + convolution.bias[4]
    assert convolution.values[4, 7, 3] == pytest.approx(total, abs=1e-4)


def test_weights_are_those_of_the_file(layers: list[Layer]) -> None:
    stored = {
        tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(onnx_file("0.0.1")).graph.initializer
    }
    names = [node.weights for node in list_nodes(onnx_file("0.0.1").read_bytes()) if node.kind in ("Conv", "Gemm")]
    trained = [layer for layer in layers if layer.weights is not None]
    assert len(trained) == len(names) == 4
    for layer, (weights, bias) in zip(trained, names, strict=True):
        assert layer.weights is not None
        assert layer.bias is not None
        assert np.array_equal(layer.weights, stored[weights])
        assert np.array_equal(layer.bias, stored[bias])


def test_added_outputs_leave_the_rest_of_the_file_as_it_is() -> None:
    content = onnx_file("cnn-permuted-0.0.1").read_bytes()
    extended = onnx.load_from_string(add_outputs(content, ["relu", "relu_1", "logits"]))
    assert [value.name for value in extended.graph.output] == ["logits", "relu", "relu_1"]
    del extended.graph.output[1:]
    assert extended == onnx.load_from_string(content)


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08"])
def test_what_is_no_network_is_refused(content: bytes) -> None:
    with pytest.raises(ArtefactError, match=r"The layers of network 9\.9\.9 can't be shown"):
        LayerRuntime(content, "9.9.9")


def test_a_network_that_computes_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.model.inference.explanation.layers.MAX_VALUES", 6_653)  # one less than it computes
    with pytest.raises(ArtefactError, match="more than 6,653 values"):
        LayerRuntime(onnx_file("0.0.1").read_bytes(), "0.0.1")

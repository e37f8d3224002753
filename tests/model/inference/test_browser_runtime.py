"""The released network in the runtime with which browsers run ONNX files: `make test-node` installs and runs it."""

import json
import subprocess

import numpy as np
import pytest

from src.model.inference.runtime import OnnxRuntime
from src.settings import ROOT
from tests import released
from tests.pictures import all_mnist

NODE = ROOT / "tests" / "node"


@pytest.mark.node
def test_network_reads_digits_in_the_runtime_of_browsers() -> None:
    pictures, labels = all_mnist()
    pixels = np.asarray(pictures[:, None] / 255, np.float32)
    network = ROOT / "model" / f"mnist-{released.VERSION}.onnx"
    command = ("node", "compute_logits.js", str(network))
    process = subprocess.run(command, cwd=NODE, input=pixels.tobytes(), capture_output=True, timeout=120, check=True)
    logits = np.array(json.loads(process.stdout))
    assert (logits.argmax(1) == labels).mean() >= 0.98
    np.testing.assert_allclose(logits, OnnxRuntime(network).logits(pixels), atol=1e-3)

"""Runtimes for saved networks: ONNX Runtime for .onnx files, torch for .pt files."""

import io
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from src.model.errors import ArtefactError
from src.model.inference.artefact import MAX_WEIGHTS_BYTES, read_content

Images = NDArray[np.float32]  # [N, 1, 28, 28] in 0..1, ink bright
Logits = NDArray[np.float32]  # [N, 10]


class Runtime(Protocol):
    """Computes logits from images."""

    def logits(self, images: Images) -> Logits:
        """Return the network's logits [N, 10] for images [N, 1, 28, 28]."""
        ...


def open_runtime(weights: Path, network: str, digest: str | None = None) -> Runtime:
    """Return a runtime for a .onnx or .pt file, with the SHA-256 `digest` if one is given.

    Raises `ArtefactError` for anything else.
    """
    match weights.suffix:
        case ".onnx":
            return OnnxRuntime(weights, digest)
        case ".pt":
            return TorchRuntime(weights, network, digest)
    raise ArtefactError(f"{weights} is neither a .onnx nor a .pt file.")


def open_session(weights: Path) -> onnxruntime.InferenceSession:
    """Open a .onnx file. Raises `ArtefactError` if it can't be read."""
    return open_session_from(read_content(weights, MAX_WEIGHTS_BYTES))


def open_session_from(content: bytes) -> onnxruntime.InferenceSession:
    """Open the content of a .onnx file on one thread: with networks of this size, a second costs more than it gains.

    From its path it could read weights from other files, without a digest or a limit.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class OnnxRuntime:
    """The network in ONNX Runtime."""

    def __init__(self, weights: Path, digest: str | None = None) -> None:
        content = read_content(weights, MAX_WEIGHTS_BYTES, digest)
        try:
            self._session = open_session_from(content)
        except Exception as error:  # its errors have no common base class
            raise ArtefactError(f"{weights.name} is not a network that ONNX Runtime can run.") from error

    def logits(self, images: Images) -> Logits:
        """Return logits [N, 10] for images [N, 1, 28, 28]."""
        return np.asarray(self._session.run(["logits"], {"images": images})[0], np.float32)


class TorchRuntime:
    """The network in torch, its weights from a state_dict."""

    def __init__(self, weights: Path, network: str, digest: str | None = None) -> None:
        try:
            import torch  # noqa: PLC0415 - the service runs without torch unless a .pt is named

            from src.model import networks  # noqa: PLC0415
        except ImportError as error:
            raise ArtefactError(
                f"Serving {weights.name} needs torch. Install it, or name the .onnx instead."
            ) from error
        self._torch = torch
        content = io.BytesIO(read_content(weights, MAX_WEIGHTS_BYTES, digest))
        try:
            self._network = networks.build(network).eval()
            self._network.load_state_dict(torch.load(content, map_location="cpu", weights_only=True))
        except Exception as error:  # of pickle, zipfile and torch
            raise ArtefactError(f"{weights.name} does not hold the weights of a network {network!r}.") from error

    def logits(self, images: Images) -> Logits:
        """Return logits [N, 10] for images [N, 1, 28, 28]."""
        with self._torch.inference_mode():
            return np.asarray(self._network(self._torch.from_numpy(images)).numpy(), np.float32)

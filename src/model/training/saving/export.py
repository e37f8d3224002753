"""Saves a trained network as an artefact: .pt, .onnx and .json, which appear together or not at all."""

import json
import tempfile
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import Tensor, nn

from src.model.errors import ArtefactError
from src.model.files import sha256
from src.model.inference.artefact import Description, WeightsKind, get_paths, require_free
from src.model.training.saving.quantization import quantise

PRODUCER: Final = "handwritten-digits"
LICENCE: Final = "Apache-2.0"
IMAGES: Final = (
    "Pictures of one digit each, framed as in MNIST: scaled into 20x20 pixels, the centre of mass in the middle of "
    "28x28. The ink is bright: 0 is paper, 1 is full ink. The network normalises them itself."
)
LOGITS: Final = (
    "One number for each digit from 0 to 9: the largest is the answer. For probabilities, divide by the temperature "
    "and take the softmax. The digit score, how much the picture is a digit at all, is the logistic function of "
    "slope * log(sum(exp(logits))) + offset."
)


def save(network: nn.Module, description: Description, folder: Path, sample: Tensor | None = None) -> Path:
    """Write the three files of `description.version` into `folder` and return the path of the .json.

    With a `sample` of pictures, float32 [N, 1, 28, 28] in 0..1, the .onnx is quantised to 8 bits. The files' digests
    are added to `description` here. Raises `ArtefactError` if the version exists.
    """
    targets = get_paths(folder, description.version)
    require_free(folder, description.version)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder) as scratch:
        drafts = get_paths(Path(scratch), description.version)
        torch.save(network.state_dict(), drafts["pt"])
        export_onnx(network, drafts["onnx"])
        if sample is not None:
            quantise(drafts["onnx"], sample)
        _document(drafts["onnx"], description)
        digests: dict[WeightsKind, str] = {"onnx": sha256(drafts["onnx"]), "pt": sha256(drafts["pt"])}
        completed = description.model_copy(update={"sha256": digests, "eight_bits": sample is not None})
        drafts["json"].write_text(completed.model_dump_json(indent=2) + "\n")
        for kind in ("pt", "onnx", "json"):  # the .json last: it marks the set as complete
            drafts[kind].replace(targets[kind])
    return targets["json"]


def export_onnx(
    network: nn.Module,
    path: Path,
    input_name: str = "images",
    output_name: str = "logits",
    shape: tuple[int, ...] = (1, 28, 28),
) -> None:
    """Write `network` as ONNX: by default `images` float32 [N, 1, 28, 28] → `logits` [N, 10], any N.

    `shape` is that of one input. Raises `ArtefactError` if torch cannot export the network.
    """
    program = torch.onnx.export(
        network.eval(),
        (torch.zeros(2, *shape),),
        input_names=[input_name],
        output_names=[output_name],
        dynamic_shapes=({0: torch.export.Dim("N")},),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise ArtefactError("torch could not export the network to ONNX.")
    onnx.save(_strip_metadata(program.model_proto), path)


def _strip_metadata(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove the exporter's stack traces: half of the file, with paths of this machine."""
    for node in model.graph.node:
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    return model


def _document(path: Path, description: Description) -> None:
    """Write into an ONNX file what it is, under which licence, and what its input and output mean."""
    model = onnx.load(path)
    model.producer_name, model.producer_version = PRODUCER, description.version
    model.doc_string = "Reads one handwritten digit."
    model.graph.input[0].doc_string, model.graph.output[0].doc_string = IMAGES, LOGITS
    confidence = description.confidence.model_dump()
    properties = {"version": description.version, "license": LICENCE, "git_commit": description.git_commit}
    properties |= {"images": IMAGES, "logits": LOGITS, "confidence": json.dumps(confidence)}
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, path)

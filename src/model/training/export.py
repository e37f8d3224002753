"""Saving a trained network as an artefact: three files that appear together or not at all."""

import tempfile
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from src.model.errors import ArtefactError
from src.model.files import sha256
from src.model.inference.artefact import Description, WeightsKind, get_paths, require_free
from src.model.training.quantization import quantise


def save(network: nn.Module, description: Description, folder: Path, sample: Tensor | None = None) -> Path:
    """Write the three files of `description.version` into `folder` and return the .json.

    With a `sample` of pictures, float32 [N, 1, 28, 28] in 0..1, the .onnx computes in 8 bits. The digests in
    `description` are filled in here. An existing version is never overwritten: raises `ArtefactError`.
    """
    targets = get_paths(folder, description.version)
    require_free(folder, description.version)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder) as scratch:
        made = get_paths(Path(scratch), description.version)
        torch.save(network.state_dict(), made["pt"])
        to_onnx(network, made["onnx"])
        if sample is not None:
            quantise(made["onnx"], sample)
        digests: dict[WeightsKind, str] = {"onnx": sha256(made["onnx"]), "pt": sha256(made["pt"])}
        known = {"sha256": digests, "eight_bits": sample is not None}
        made["json"].write_text(description.model_copy(update=known).model_dump_json(indent=2) + "\n")
        for kind in ("pt", "onnx", "json"):  # the .json last: with it the set is there
            made[kind].replace(targets[kind])
    return targets["json"]


def to_onnx(network: nn.Module, path: Path) -> None:
    """Write `network` as ONNX: `images` float32 [N, 1, 28, 28] → `logits` [N, 10], any N."""
    images = torch.zeros(2, 1, 28, 28)
    program = torch.onnx.export(
        network.eval(),
        (images,),
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("N")},),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise ArtefactError("torch could not export the network to ONNX.")
    onnx.save(_without_traces(program.model_proto), path)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's stack traces: half the file, and the paths of whoever's machine it was."""
    for node in model.graph.node:
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    return model

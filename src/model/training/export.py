"""Saves a trained network as an artefact: .pt, .onnx and .json, which appear together or not at all."""

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

"""The network that the service serves by default, and copies of it under other versions."""

import json
import shutil
from pathlib import Path

from src.model.inference.artefact import describe, find_newest
from src.settings import ROOT

PATH = find_newest(ROOT / "model")
DESCRIPTION = describe(PATH)
VERSION = DESCRIPTION.version


def copy_release(folder: Path, version: str, broken: bool = False) -> None:
    """Copy the release into `folder` under another version, its .json last, as a training run writes it."""
    for kind in ("pt", "onnx"):
        shutil.copy(PATH.with_suffix(f".{kind}"), folder / f"mnist-{version}.{kind}")
    if broken:
        (folder / f"mnist-{version}.onnx").write_bytes(b"not a network")
    part = folder / "part"
    part.write_text(json.dumps(json.loads(PATH.read_bytes()) | {"version": version}))
    part.rename(folder / f"mnist-{version}.json")

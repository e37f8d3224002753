"""A trained network on disk: the files `mnist-<version>.pt`, `.onnx` and `.json`.

The .json is written last and holds the digests of the other two: an artefact is complete if its .json is there and the
digests match. A fourth file, `.sig`, may hold a signature of the three (see `signature.py`). This module does not need
torch.
"""

import hashlib
import re
from pathlib import Path
from typing import Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from src.model.errors import ArtefactError
from src.model.files import read_file, require_regular_file, sha256

PREFIX: Final = "mnist-"
SIGNATURE: Final = ".sig"
MAX_WEIGHTS_BYTES: Final = 64_000_000
MAX_DESCRIPTION_BYTES: Final = 100_000  # parsing may take 600 times as much memory
# A bare version is a release. One with words before it ("mlp-0.1.0") is served only on request.
VERSION: Final = re.compile(r"(?P<line>([a-z][a-z0-9]*-)+)?(?P<numbers>\d+\.\d+\.\d+)")

WeightsKind = Literal["onnx", "pt"]


class Metrics(BaseModel):
    """How well a network recognises a set of digits."""

    model_config = ConfigDict(frozen=True)

    accuracy: float = Field(ge=0, le=1)
    loss: float = Field(ge=0, description="mean cross-entropy in nats, before calibration")
    pictures: int = Field(gt=0)


class Confidence(BaseModel):
    """Calibration, fitted on validation digits: turns logits into probabilities and a digit score."""

    model_config = ConfigDict(frozen=True)

    temperature: float = Field(gt=0, description="logits are divided by this before the softmax")
    score_slope: float = Field(description="digit score = sigmoid(slope * energy + offset)")
    score_offset: float


class Description(BaseModel):
    """The content of the .json: what the network is, how good it is, and how it was trained."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    version: str
    network: str
    parameters: int
    multiply_adds: int | None = Field(None, description="for one picture; null for releases before 1.3.0")
    preprocessing: int
    normalisation: dict[str, float]
    confidence: Confidence
    validation: Metrics
    test: Metrics
    seed: int
    recipe: dict[str, object]
    epochs: int
    interrupted: bool
    data_sha256: dict[str, str]
    git_commit: str
    libraries: dict[str, str]
    threads: int
    created: str
    permutation: list[int] | None = Field(  # the key stays `order`: artefacts and clients have it
        None,
        validation_alias=AliasChoices("order", "permutation"),
        serialization_alias="order",
        description="the network sees pixel i of a picture taken from place order[i]; null: as it is",
    )
    eight_bits: bool = Field(False, description="the .onnx computes in 8 bits; validation and test are of the .pt")
    sha256: dict[WeightsKind, str]


def get_paths(folder: Path, version: str) -> dict[str, Path]:
    """Return the paths of the three files of `version`, by ending."""
    return {kind: folder / f"{PREFIX}{version}.{kind}" for kind in ("pt", "onnx", "json")}


def list_files(path: Path) -> list[Path]:
    """Return the files of the artefact that `path` belongs to, in the order to copy them: the .json comes last."""
    files = [path.with_suffix(suffix) for suffix in (".pt", ".onnx", SIGNATURE, ".json")]
    return [file for file in files if file.suffix != SIGNATURE or file.exists()]


def require_free(folder: Path, version: str) -> None:
    """Raise `ArtefactError` if `version` exists in `folder`: versions are never overwritten."""
    if (path := get_paths(folder, version)["json"]).exists():
        raise ArtefactError(f"{path} exists. Versions are never overwritten: choose another.")


def list_versions(folder: Path) -> list[str]:
    """Return the versions in `folder`, oldest first, releases after all others."""
    names = [path.stem.removeprefix(PREFIX) for path in folder.glob(f"{PREFIX}*.json")]
    return sorted((name for name in names if VERSION.fullmatch(name)), key=_sort_key)


def list_newest_first(folder: Path) -> list[Path]:
    """Return the .json of each release in `folder`, newest first; without releases, those of all other versions.

    Raises `ArtefactError` if there are none.
    """
    present = list_versions(folder)
    if not present:
        raise ArtefactError(f"There is no trained network under {folder}. Train one with `make train`.")
    releases = [version for version in present if version[0].isdigit()]
    return [get_paths(folder, version)["json"] for version in reversed(releases or present)]


def find_newest(folder: Path) -> Path:
    """Return the first of `list_newest_first`. Raises `ArtefactError` if there is none."""
    return list_newest_first(folder)[0]


def describe(path: Path, signed: str | None = None) -> Description:
    """Verify the artefact that `path`, any of its three files, belongs to, and return its description.

    `signed` is the SHA-256 that the .json must have, by its signature. Raises `ArtefactError` if a file is missing, is
    no regular file or too large, or if they do not belong together.
    """
    stem = path.name.removesuffix(path.suffix)
    try:
        content = read_content(path.with_suffix(".json"), MAX_DESCRIPTION_BYTES, signed)
        description = Description.model_validate_json(content)
    except ValidationError as error:
        raise ArtefactError(f"{path.with_suffix('.json')} does not describe a network: {_first(error)}.") from error
    if stem != PREFIX + description.version:
        raise ArtefactError(f"{path} says that it is version {description.version}; its name says otherwise.")
    if set(description.sha256) != {"onnx", "pt"}:
        raise ArtefactError(f"{path.with_suffix('.json')} lacks the digests of its .onnx and .pt: train again.")
    for kind, expected in description.sha256.items():
        _verify(path.with_suffix(f".{kind}"), expected)
    return description


def read_content(path: Path, max_bytes: int, digest: str | None = None) -> bytes:
    """Return the content of an artefact's file, whose SHA-256 must be `digest`, if there is one.

    What is loaded are the bytes that were checked, whatever becomes of the file. Raises `ArtefactError`.
    """
    try:
        content = read_file(path, max_bytes)
    except OSError as error:
        raise explain(path, error) from error
    if digest and hashlib.sha256(content).hexdigest() != digest:
        raise ArtefactError(f"{path} has changed since its digest was taken: restore it or train again.")
    return content


def explain(path: Path, error: OSError) -> ArtefactError:
    """Return what to tell about an artefact's file that can't be read."""
    if isinstance(error, FileNotFoundError) and path.suffix != ".json":
        return ArtefactError(f"{path} is missing; its .json is there. Restore it or train again.")
    return ArtefactError(f"{path} can't be read: {error.strerror}.")


def _first(error: ValidationError) -> str:
    """Return the first of possibly thousands of complaints."""
    complaint = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in complaint['loc'])}: {complaint['msg']}".removeprefix(": ")


def _verify(path: Path, expected: str) -> None:
    try:
        require_regular_file(path, MAX_WEIGHTS_BYTES)
        digest = sha256(path)
    except OSError as error:
        raise explain(path, error) from error
    if digest != expected:
        raise ArtefactError(f"{path} is not the file that its .json describes: restore it or train again.")


def _sort_key(version: str) -> tuple[bool, list[int], str]:
    """Order versions by release or not, then by number."""
    match = VERSION.fullmatch(version)
    numbers = match["numbers"].split(".") if match else []
    return (bool(match and not match["line"]), [int(number) for number in numbers], version)

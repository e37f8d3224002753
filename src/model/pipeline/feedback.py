"""Pictures that people corrected, as the service kept them, framed to be learned from.

Their notes are held against a schema: what isn't of it stops the pipeline, since whoever wrote it is not the service
that this pipeline knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from src.model.data.mnist import Digits, as_png
from src.model.errors import DataError, PictureError
from src.model.files import sha256
from src.model.monitoring.feedback import Feedback
from src.model.preprocessing.preprocess import SIDE, preprocess

Picture = NDArray[np.uint8]  # [28, 28], ink bright


class SchemaSkew(DataError):  # noqa: N818 - the name of what happened, as it is known elsewhere
    """What was kept of a corrected picture is not what the service keeps."""


@dataclass(frozen=True)
class Corrected:
    """What was kept, less what can't be learned from."""

    pictures: dict[bytes, tuple[Picture, int]]  # by their pixels: each once, with its digit
    twice: int  # the same framed picture, sent again
    contradicted: int  # the same framed picture, corrected to different digits: none of them counts
    leaked: int  # pictures that the network is measured on

    def digits(self) -> Digits:
        """Return them to be learned from."""
        images = np.array([picture for picture, _ in self.pictures.values()], np.uint8).reshape(-1, SIDE, SIDE)
        labels = np.array([digit for _, digit in self.pictures.values()], np.int64)
        return Digits(torch.from_numpy(images), torch.from_numpy(labels))


def notes(folder: Path) -> list[Path]:
    """Return the notes in a folder of corrected pictures, in order of their names."""
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def read_kept(folder: Path, measured_on: set[bytes], max_pixels: int) -> Corrected:
    """Read a folder of corrected pictures, less those in `measured_on`, by their pixels. Raises `SchemaSkew`."""
    found: dict[bytes, tuple[Picture, int]] = {}
    contradicted: set[bytes] = set()
    twice = leaked = 0
    for picture, digit in _framed(folder, max_pixels):
        key = picture.tobytes()
        if key in measured_on:
            leaked += 1
        elif found.setdefault(key, (picture, digit))[0] is not picture:
            twice += 1
            if found[key][1] != digit:
                contradicted.add(key)
    kept = {key: each for key, each in found.items() if key not in contradicted}
    return Corrected(kept, twice, len(contradicted), leaked)


def as_they_come(digits: Digits, max_pixels: int) -> set[bytes]:
    """Return the pixels of `digits` as they would be if somebody sent them, to know them again."""
    found = {row.tobytes() for row in digits.images.numpy()}
    for image in digits.images.numpy():
        found.add(_levels(preprocess(as_png(image), max_pixels).pixels).tobytes())
    return found


def _levels(pixels: NDArray[np.float32]) -> Picture:
    return np.rint(pixels * 255).astype(np.uint8)


def _framed(folder: Path, max_pixels: int) -> Iterator[tuple[Picture, int]]:
    for path in notes(folder):
        note = _note(path)
        try:
            pixels = preprocess(_picture(path, note).read_bytes(), max_pixels).pixels
        except PictureError as error:
            raise SchemaSkew(f"{path.stem} can't be read: {error}") from error
        yield _levels(pixels), note.digit


def _note(path: Path) -> Feedback:
    try:
        note = Feedback.model_validate_json(path.read_bytes(), strict=True, extra="forbid")
    except ValidationError as error:
        raise SchemaSkew(f"{path.name} is no note that the service writes: {error}") from error
    if note.sha256 != path.stem:
        raise SchemaSkew(f"{path.name} is the note of another picture.")
    return note


def _picture(path: Path, note: Feedback) -> Path:
    beside = [each for each in path.parent.glob(f"{path.stem}.*") if each.suffix not in (".json", ".part")]
    if len(beside) != 1 or sha256(beside[0]) != note.sha256:
        raise SchemaSkew(f"{path.name} has no picture beside it, or another than it was written for.")
    return beside[0]

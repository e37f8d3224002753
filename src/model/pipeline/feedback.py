"""Loads the corrected pictures that the service stored, and frames them for training.

A note that does not have the service's form stops the pipeline: an unknown writer's labels must not be learned.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from src.model.data.mnist import Digits, encode_png
from src.model.errors import DataError, PictureError
from src.model.files import read_file, sha256
from src.model.inference.predictor import Predictor
from src.model.monitoring.feedback import MAX_NOTE_BYTES, Feedback
from src.model.preprocessing.preprocess import SIDE, preprocess

ENDINGS: Final = (".json", ".part")  # of notes and of unfinished files, not of pictures
Image = NDArray[np.uint8]  # [28, 28], ink bright


class FeedbackError(DataError):
    """A stored picture or its note is not what the service writes."""


@dataclass(frozen=True)
class CorrectedPictures:
    """The corrected pictures to train on, and the number of those that were left out."""

    digits: Digits
    duplicates: int  # pictures that equal an earlier one once framed
    contradictory: int  # framed pictures that were corrected to different digits; all their copies are left out
    leaked: int  # pictures of the validation or test set


def list_notes(folder: Path) -> list[Path]:
    """Return the notes in a folder of corrected pictures, sorted by name; entries that are no files are skipped."""
    return sorted(path for path in folder.glob("*.json") if path.is_file())


def list_pictures(note: Path) -> list[Path]:
    """Return the files that belong to a note: one, unless the folder was damaged."""
    return [path for path in note.parent.glob(f"{note.stem}.*") if path.suffix not in ENDINGS and path.is_file()]


def is_whole(note: Path) -> bool:
    """Return whether a note holds JSON, of whatever form, and has its picture."""
    try:
        json.loads(read_file(note, MAX_NOTE_BYTES))
    except (OSError, ValueError):
        return False
    return len(list_pictures(note)) == 1


def load_corrected(folder: Path, held_out: set[bytes], predictor: Predictor) -> CorrectedPictures:
    """Load the corrected pictures in `folder`, framed as `predictor` sees them, without those that are in `held_out`.

    Raises `FeedbackError`.
    """
    digits_of: dict[bytes, list[int]] = {}  # by the framed picture's pixels
    leaked = 0
    for image, digit in _frame_all(folder, predictor):
        if (pixels := image.tobytes()) in held_out:
            leaked += 1
        else:
            digits_of.setdefault(pixels, []).append(digit)
    kept = {pixels: digits[0] for pixels, digits in digits_of.items() if len(set(digits)) == 1}
    images = np.frombuffer(b"".join(kept), np.uint8).reshape(-1, SIDE, SIDE).copy()
    labels = np.array(list(kept.values()), np.int64)
    return CorrectedPictures(
        digits=Digits(torch.from_numpy(images), torch.from_numpy(labels)),
        duplicates=sum(len(digits) - 1 for digits in digits_of.values()),
        contradictory=len(digits_of) - len(kept),
        leaked=leaked,
    )


def collect_pixels(digits: Digits, max_pixels: int) -> set[bytes]:
    """Return the pixels of `digits` as they are and as framing leaves them, to recognise them among feedback."""
    images = digits.images.numpy()
    candidates = [framed for image in images for framed in preprocess(encode_png(image), max_pixels)]
    return {image.tobytes() for image in [*images, *(_to_levels(framed.pixels) for framed in candidates)]}


def _to_levels(pixels: NDArray[np.float32]) -> Image:
    return np.rint(pixels * 255).astype(np.uint8)


def _frame_all(folder: Path, predictor: Predictor) -> Iterator[tuple[Image, int]]:
    for path in list_notes(folder):
        note = _read_note(path)
        try:
            pixels = predictor.frame(_find_picture(path, note).read_bytes()).pixels
        except PictureError as error:
            raise FeedbackError(f"The picture of {path.name} can't be read: {error}") from error
        yield _to_levels(pixels), note.digit


def _read_note(path: Path) -> Feedback:
    try:
        note = Feedback.model_validate_json(read_file(path, MAX_NOTE_BYTES), strict=True, extra="forbid")
    except OSError as error:
        raise FeedbackError(f"{path.name} can't be read: {error.strerror}.") from error
    except ValidationError as error:
        raise FeedbackError(f"{path.name} is not a note of the service: {error}") from error
    if note.sha256 != path.stem:
        raise FeedbackError(f"{path.name} is the note of another picture.")
    return note


def _find_picture(path: Path, note: Feedback) -> Path:
    pictures = list_pictures(path)
    if len(pictures) != 1 or sha256(pictures[0]) != note.sha256:
        raise FeedbackError(f"The picture of {path.name} is missing or was changed.")
    return pictures[0]

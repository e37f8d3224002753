"""The evaluation of a network: what `evaluate.py` measures and saves, and the release gate compares.

The keys of the saved JSON are older than the names here: `right` is `correct`, `practice` is `synthetic`, and so on.
"""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from src.model.files import write_text_atomically
from src.settings import RESULTS_DIR


class DigitCounts(BaseModel):
    """How a network reads a set of pictures; counts are ten each, by digit."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    correct: list[int] = Field(alias="right", description="pictures read correctly")
    pictures: list[int]
    doubted: int | None = Field(None, description="pictures with a digit score below a half, without refused ones")
    refused: int = Field(0, description="unreadable or blank pictures; they count as errors")
    doubtful: int = Field(0, description="pictures of which the network saw several candidates")
    calibration_error: float = Field(description="expected calibration error over fifteen bins, 0..1")
    loss: float = Field(description="mean cross-entropy of the calibrated probabilities in nats, without refused ones")

    @property
    def accuracy(self) -> float:
        """The share of pictures that are read correctly, 0..1."""
        return sum(self.correct) / max(sum(self.pictures), 1)

    @property
    def errors(self) -> int:
        """The number of pictures that are misread or refused."""
        return sum(self.pictures) - sum(self.correct)

    def __str__(self) -> str:
        refused = f", {self.refused} refused" if self.refused else ""
        doubtful = f", {self.doubtful} with several candidates" if self.doubtful else ""
        share = f"{sum(self.correct)} of {sum(self.pictures)} right, {self.accuracy:.2%}"
        doubted = "" if self.doubted is None else f", {self.doubted} doubted"
        return f"{share}{refused}{doubtful}{doubted}, calibration error {self.calibration_error:.2%}"


class TakenCounts(BaseModel):
    """How many pictures that are no digits are taken for one: digit score at least a half, confidence at least 90 %."""

    model_config = ConfigDict(frozen=True)

    taken: int
    pictures: int

    def __str__(self) -> str:
        return f"{self.taken} of {self.pictures} taken for a digit, {self.taken / max(self.pictures, 1):.1%}"


class NumberCounts(BaseModel):
    """How a set of numbers is read."""

    model_config = ConfigDict(frozen=True)

    pictures: int
    exact: int = Field(description="pictures on which all is read as it was written")
    digits: int
    found: int = Field(description="digits that are read correctly, in order and on their line")

    def __str__(self) -> str:
        exact, found = self.exact / max(self.pictures, 1), self.found / max(self.digits, 1)
        return f"{self.exact} of {self.pictures} exact, {exact:.2%}; {found:.2%} of {self.digits} digits found"


class Evaluation(BaseModel):
    """All measurements of one network. `release_gate.py` says which of them decide; the test set never does."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    version: str
    sha256: str = Field(description="of the .onnx file")
    network: str
    parameters: int
    bytes: int = Field(description="size of the .onnx file")
    machine: str
    edition: str = Field("2.1", alias="pictures", description="edition of the preprocessing and the synthetic pictures")
    network_ms: float = Field(description="median time of the network for one picture, on one core")
    drawing_ms: float = Field(description="median time from a 280x280 file to the prediction, on one core")
    validation: DigitCounts = Field(description="MNIST's validation set, 5,000 digits as PNG files")
    synthetic: dict[str, DigitCounts] = Field(
        alias="practice", description="synthetic digits made from the validation set, by kind"
    )
    corrupted: dict[str, DigitCounts] = Field(description="validation digits with MNIST-C's corruptions, by name")
    crops: dict[str, DigitCounts] = Field({}, description="validation digits cut out to their edges, by kind")
    photos: dict[str, DigitCounts] = Field({}, description="validation digits on uneven papers, by paper")
    non_digit_auroc: dict[str, float] = Field(
        alias="others", description="area under the ROC curve of the digit score, digits against non-digits, by kind"
    )
    numbers: dict[str, NumberCounts] = Field({}, description="numbers composed of validation digits, by kind")
    non_digits: dict[str, TakenCounts] = Field({}, description="pictures of `rejection.py`, by kind")
    test: DigitCounts | None = Field(None, description="MNIST's official test set as PNG files")
    confusion: list[list[int]] = Field([], description="of the test set: rows are labels, columns are predictions")
    folders: dict[str, DigitCounts] = Field({}, description="the user's own files, by folder")

    @property
    def robustness(self) -> float:
        """The mean accuracy over the corruptions, 0..1."""
        return float(np.mean([counts.accuracy for counts in self.corrupted.values()]))


def evaluation_path(version: str, folder: Path = RESULTS_DIR) -> Path:
    """Return the path of the saved evaluation of `version`."""
    return folder / f"evaluation-{version}.json"


def save_evaluation(evaluation: Evaluation, folder: Path = RESULTS_DIR) -> Path:
    """Save an evaluation atomically and return its path."""
    path = evaluation_path(evaluation.version, folder)
    write_text_atomically(path, evaluation.model_dump_json(indent=1, exclude_unset=True) + "\n")
    return path


def load_evaluation(path: Path) -> Evaluation:
    """Load a saved evaluation."""
    return Evaluation.model_validate_json(path.read_bytes())

"""What is known of an artefact: counts and figures that `evaluate.py` measures and saves, and the gate compares."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from src.model.files import write_text_atomically
from src.settings import RESULTS_DIR


class DigitCounts(BaseModel):
    """How a set of pictures was read, digit by digit."""

    model_config = ConfigDict(frozen=True)

    right: list[int] = Field(description="of each digit, how many were read as it")
    pictures: list[int] = Field(description="of each digit")
    refused: int = Field(0, description="read as no picture or as blank; wrong like any other")
    calibration_error: float = Field(description="expected, over fifteen bins of confidence, 0..1")
    loss: float = Field(description="mean cross-entropy in nats of what was not refused, calibrated")

    @property
    def accuracy(self) -> float:
        """The share that was read, 0..1."""
        return sum(self.right) / max(sum(self.pictures), 1)

    def __str__(self) -> str:
        said = f"{sum(self.right)} of {sum(self.pictures)} right, {self.accuracy:.2%}"
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{said}{refused}, calibration error {self.calibration_error:.2%}"


class Evaluation(BaseModel):
    """All figures of one artefact. The gate looks at everything but the official test set."""

    model_config = ConfigDict(frozen=True)

    version: str
    sha256: str = Field(description="of the .onnx that was measured")
    network: str
    parameters: int
    bytes: int = Field(description="of the .onnx")
    machine: str
    pictures: str = Field("2.1", description="edition of the framing and of what is made up that it was measured on")
    network_ms: float = Field(description="one picture through the network, one core, median")
    drawing_ms: float = Field(description="a drawing of 280x280, from file to answer, one core, median")
    validation: DigitCounts = Field(description="MNIST's, 5,000 digits, as files")
    practice: dict[str, DigitCounts] = Field(
        description="validation digits as other pens, scanners and hands make them"
    )
    corrupted: dict[str, DigitCounts] = Field(description="validation digits as files with MNIST-C's corruptions")
    others: dict[str, float] = Field(description="area under the ROC curve of the digit score against what is no digit")
    test: DigitCounts | None = Field(None, description="MNIST's official test set, as files")
    confusion: list[list[int]] = Field([], description="of the test set: rows are digits, columns what was read")
    folders: dict[str, DigitCounts] = Field({}, description="of the user's own files")

    @property
    def robustness(self) -> float:
        """The mean accuracy over the corruptions, 0..1."""
        return float(np.mean([tally.accuracy for tally in self.corrupted.values()]))


def path_of(version: str, folder: Path = RESULTS_DIR) -> Path:
    """Return where the evaluation of `version` is kept."""
    return folder / f"evaluation-{version}.json"


def save(evaluation: Evaluation, folder: Path = RESULTS_DIR) -> Path:
    """Write an evaluation, whole or not at all, and return its path."""
    path = path_of(evaluation.version, folder)
    write_text_atomically(path, evaluation.model_dump_json(indent=1) + "\n")
    return path


def read(path: Path) -> Evaluation:
    """Read what `save` wrote."""
    return Evaluation.model_validate_json(path.read_bytes())


def counts(values: NDArray[np.int64]) -> list[int]:
    """Count how often each of 0..9 is among `values` [N]."""
    return [int(count) for count in np.bincount(values, minlength=10)]

"""The parameters of the pipeline: params.yaml, validated."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from src.model.errors import DigitError
from src.settings import ROOT


class ParamsError(DigitError):
    """params.yaml is missing or invalid."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Train(_Section):
    """How the network is trained."""

    network: str
    seed: int
    epochs: int | None = None
    quick: bool = False


class Data(_Section):
    """Limits that the data must keep."""

    least_share: float = Field(ge=0, le=1)
    most_share: float = Field(ge=0, le=1)
    psi: float = Field(gt=0)
    least_pictures: int = Field(gt=0)


class Serving(_Section):
    """Limits that a network must keep to be served."""

    least_right: int = Field(ge=0, le=10)
    most_ms: float = Field(gt=0)
    most_bytes: int = Field(gt=0)


class Triggers(_Section):
    """Conditions that start a retraining."""

    new_pictures: int = Field(gt=0)
    oldest_days: float = Field(gt=0)
    least_answers: int = Field(gt=0)
    psi: dict[str, float]


class Canary(_Section):
    """How a candidate is tried on live traffic, and what it has to keep."""

    percent: float = Field(gt=0, le=100)
    least_readings: int = Field(ge=0)
    least_answers: int = Field(gt=0)
    most_minutes: float = Field(gt=0)
    error_share: float = Field(ge=0, le=1)
    latency_ratio: float = Field(gt=0)
    psi: float = Field(gt=0)
    agreement: float = Field(ge=0, le=1)


class Params(_Section):
    """The whole of params.yaml."""

    train: Train
    data: Data
    serving: Serving
    triggers: Triggers
    canary: Canary


def read_params(path: Path = ROOT / "params.yaml") -> Params:
    """Return the parameters in the file at `path`. Raises `ParamsError`."""
    try:
        return Params.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ParamsError(f"{path} can't be used: {error}") from error

"""params.yaml, checked, and where the stages leave what they make."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from src.model.errors import DigitError
from src.settings import ROOT


class ParamsError(DigitError):
    """params.yaml makes no sense."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Train(_Part):
    """What decides the training."""

    network: str
    seed: int
    epochs: int | None = None
    quick: bool = False


class Data(_Part):
    """What the data must be like."""

    least_share: float = Field(ge=0, le=1)
    most_share: float = Field(ge=0, le=1)
    psi: float = Field(gt=0)
    least_pictures: int = Field(gt=0)


class Serving(_Part):
    """What the service needs of a network."""

    least_right: int = Field(ge=0, le=10)
    most_ms: float = Field(gt=0)
    most_bytes: int = Field(gt=0)


class Triggers(_Part):
    """What starts a run by itself."""

    new_pictures: int = Field(gt=0)
    oldest_days: float = Field(gt=0)
    least_answers: int = Field(gt=0)
    psi: dict[str, float]


class Params(_Part):
    """All of it."""

    train: Train
    data: Data
    serving: Serving
    triggers: Triggers


def read_params(path: Path = ROOT / "params.yaml") -> Params:
    """Return what `path` says. Raises `ParamsError`."""
    try:
        return Params.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ParamsError(f"{path} can't be used: {error}") from error

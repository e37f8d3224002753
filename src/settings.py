"""Every setting of the project; nothing else reads the environment.

Each field is set by an environment variable of the same name with `DIGITS_` before it, for example
`DIGITS_API_PORT=8080`. Lists are separated by commas.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


def _parts(value: object) -> object:
    """Split a text at its commas; anything else is left to be judged as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)]
Key = Annotated[SecretStr, Field(min_length=16)]
Keys = Annotated[tuple[Key, ...], NoDecode, BeforeValidator(_parts)]


class Settings(BaseSettings):
    """The settings with their defaults and ranges."""

    model_config = SettingsConfigDict(
        env_prefix="DIGITS_", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(ROOT / "data" / "raw", description="where MNIST lies, in torchvision's layout")
    corrected_file: Path | None = Field(
        None, description="framed corrected pictures, as the pipeline makes them, that are learned from beside MNIST"
    )
    retrain_reason: str = Field("demand", description="why the pipeline runs; goes into its record")
    model_dir: Path = Field(ROOT / "model", description="where the artefacts lie")
    model_file: Path | None = Field(
        None, description="the artefact to serve: its .json, .onnx or .pt; none means the newest release"
    )
    reload_s: float = Field(
        10.0, gt=0, description="how often `model_dir` is looked at for a newer release, in seconds"
    )
    open_models: int = Field(4, ge=1, description="networks asked for by `?model=` that are kept open")

    max_body_bytes: int = Field(10_000_000, gt=0, description="largest request body, in bytes")
    max_waiting_bytes: int = Field(24_000_000, gt=0, description="of all bodies that a worker holds at once")
    max_pixels: int = Field(25_000_000, gt=0, description="largest picture, in pixels, read from its header")
    small_pixels: int = Field(
        1_000_000, gt=0, description="larger pictures are decoded one at a time, which bounds the memory of a worker"
    )
    max_files: int = Field(64, gt=0, description="pictures in a batch")
    max_requests: int = Field(256, ge=1, description="requests that a worker has in hand at once; more are turned away")
    request_timeout_s: float = Field(30.0, gt=0, description="from a request's headers until its answer, in seconds")
    header_timeout_s: float = Field(10.0, gt=0, description="until a request's headers are complete, in seconds")
    grace_s: int = Field(8, ge=1, description="from SIGTERM until requests in hand are given up, in seconds")
    readers: int = Field(2, ge=1, description="small pictures decoded at once by a worker")
    workers: int = Field(1, ge=1, description="processes that serve")

    api_keys: Keys = Field((), description="any of them opens /api/v1; none means that no key is asked for")
    cors_origins: Words = Field((), description="web pages of these origins may call the service from a browser")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_dir: Path | None = Field(
        None,
        validation_alias=AliasChoices("DIGITS_METRICS_DIR", "PROMETHEUS_MULTIPROC_DIR"),
        description="where several workers share their counts; made by `python -m src.app.serve` if there are several",
    )

    feedback_dir: Path | None = Field(None, description="where corrected pictures are kept; none keeps none")
    feedback_max_files: int = Field(10_000, gt=0, description="pictures kept at the most")
    feedback_max_bytes: int = Field(1_000_000_000, gt=0, description="bytes kept at the most")

    host: str = Field("127.0.0.1", description="address to listen on")
    api_port: int = Field(8000, ge=1, le=65535)
    page_port: int = Field(8501, ge=1, le=65535)
    api_url: str = Field("http://127.0.0.1:8000", description="where the page finds the service")
    api_timeout_s: float = Field(5.0, gt=0, description="how long the page waits for an answer, in seconds")


@lru_cache
def get_settings() -> Settings:
    """Return the settings, read once."""
    return Settings()


def read_settings() -> Settings:
    """Return the settings; raise SystemExit with a sentence for each that makes no sense."""
    try:
        return get_settings()
    except ValidationError as error:
        wrong = [f"DIGITS_{str(problem['loc'][0]).upper()}: {problem['msg']}." for problem in error.errors()]
        raise SystemExit("\n".join(wrong)) from error


RESULTS_DIR = ROOT / "docs" / "results"
PLOTS_DIR = ROOT / "docs" / "figures"

"""All settings of the project. No other module reads the environment.

Each field is set by the environment variable of its name with the prefix `DIGITS_`, for example `DIGITS_API_PORT=8080`.
Lists are separated by commas.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


def _split(value: object) -> object:
    """Split a text at its commas; return any other value unchanged, for validation."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _parse_canary(value: object) -> object:
    """Split `<version>:<percent>`; an empty text is no canary. Raises ValueError."""
    if not isinstance(value, str):
        return value
    version, colon, percent = value.strip().rpartition(":")
    if value.strip() and not (version and colon):
        raise ValueError("write it as <version>:<percent>, for example 1.3.1:5")
    return {"version": version, "percent": percent} if version else None


class Canary(BaseModel):
    """A network that answers a share of the requests in place of the one in production."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(min_length=1, max_length=64)
    percent: float = Field(gt=0, le=100, description="of the requests that name no version")


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
OptionalFile = Annotated[FilePath | None, BeforeValidator(lambda path: path or None)]
OptionalText = Annotated[str | None, BeforeValidator(lambda text: text or None)]
Key = Annotated[SecretStr, Field(min_length=16)]
Keys = Annotated[tuple[Key, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """The settings, with defaults and ranges."""

    model_config = SettingsConfigDict(
        env_prefix="DIGITS_", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(ROOT / "data" / "raw", description="folder of MNIST, in torchvision's layout")
    corrected_file: Path | None = Field(
        None, description="framed corrected pictures from the pipeline, added to the training set"
    )
    retrain_reason: str = Field("demand", description="why the pipeline runs; recorded with the run")
    service: Words = Field((), description="addresses of the running service, where a canary is watched")
    model_dir: Path = Field(ROOT / "model", description="folder of the artefacts")
    model_file: Path | None = Field(
        None, description="the artefact to serve: its .json, .onnx or .pt; by default the newest release"
    )
    reload_s: float = Field(
        10.0, gt=0, description="interval between checks of `model_dir` for a newer release, in seconds"
    )
    open_models: int = Field(
        8,
        ge=1,
        description="networks requested by `?model=` that stay loaded: the five of the page's experiment, and more",
    )
    canary: Annotated[Canary | None, NoDecode, BeforeValidator(_parse_canary)] = Field(
        None, description="<version>:<percent>: a network that answers that share of the requests"
    )
    shadow: OptionalText = Field(
        None, max_length=64, description="version of a network that reads the same pictures but never answers"
    )

    trusted_key: OptionalFile = Field(
        None, description="public key of whoever signs networks, an elliptic curve's, as PEM"
    )
    trusted_identity: OptionalText = Field(
        None, description="who signs networks without a key: the address of a workflow, or an e-mail address"
    )
    trusted_issuer: OptionalText = Field(None, description="which OpenID provider vouches for `trusted_identity`")
    trusted_root: OptionalFile = Field(
        None, description="sigstore's ClientTrustConfig as a file; by default it is downloaded at the start"
    )
    require_signature: bool = Field(
        False, description="serve only networks that the trusted key or identity has signed"
    )
    signing_key: OptionalFile = Field(
        None, description="private key with which the pipeline signs its releases, as PEM"
    )

    max_body_bytes: int = Field(10_000_000, gt=0, description="largest request body, in bytes")
    max_waiting_bytes: int = Field(24_000_000, gt=0, description="total size of the bodies that a worker holds at once")
    max_pixels: int = Field(25_000_000, gt=0, description="largest picture, in pixels, read from its header")
    small_pixels: int = Field(
        1_000_000, gt=0, description="larger pictures are read one at a time, to limit the memory of a worker"
    )
    picture_cpu_s: float = Field(
        2.0,
        gt=0,
        description="processor time to read a picture, in seconds; small ones get a quarter, unless a number is read",
    )
    max_files: int = Field(64, gt=0, description="pictures in a batch")
    max_requests: int = Field(256, ge=1, description="concurrent requests of a worker; more are refused")
    request_timeout_s: float = Field(
        30.0,
        gt=0,
        description="time from headers to the start of the response, and between two reads of it, in seconds",
    )
    header_timeout_s: float = Field(10.0, gt=0, description="time to receive the headers, in seconds")
    grace_s: int = Field(8, ge=1, description="time from SIGTERM until open requests are dropped, in seconds")
    readers: int = Field(2, ge=1, description="processes that a worker starts to read pictures")
    workers: int = Field(1, ge=1, description="processes of the service")

    api_keys: Keys = Field((), description="keys that give access to /api/v1; without any, no key is required")
    cors_origins: Words = Field((), description="origins of web pages that may call the service from a browser")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_dir: Path | None = Field(
        None,
        validation_alias=AliasChoices("DIGITS_METRICS_DIR", "PROMETHEUS_MULTIPROC_DIR"),
        description="folder in which workers share metrics; `python -m src.app.serve` makes one if there are several",
    )

    feedback_dir: Path | None = Field(None, description="folder of corrected pictures; by default none are kept")
    feedback_max_files: int = Field(10_000, gt=0, description="maximum number of pictures kept")
    feedback_max_bytes: int = Field(1_000_000_000, gt=0, description="maximum number of bytes kept")

    score_share: int | None = Field(
        None,
        ge=0,
        validation_alias=AliasChoices("DIGITS_SCORE_SHARE", "JOB_COMPLETION_INDEX"),
        description="offline scoring in Kubernetes: the index of the pod, set by an Indexed Job",
    )
    score_shares: int | None = Field(
        None,
        ge=1,
        validation_alias=AliasChoices("DIGITS_SCORE_SHARES", "SCORE_SHARES"),
        description="offline scoring in Kubernetes: the number of pods",
    )

    host: str = Field("127.0.0.1", description="address to listen on")
    api_port: int = Field(8000, ge=1, le=65535)
    page_port: int = Field(8501, ge=1, le=65535)
    api_url: str = Field("http://127.0.0.1:8000", description="address at which the page finds the service")
    api_timeout_s: float = Field(5.0, gt=0, description="seconds the page waits; four times as long for a prediction")

    @field_validator("require_signature")
    @classmethod
    def _require_identity(cls, required: bool, info: ValidationInfo) -> bool:
        """Raise ValueError unless it is clear whose signatures are required."""
        names = ("trusted_key", "trusted_identity", "trusted_issuer")
        if not required or not info.data.keys() >= set(names):  # an invalid one has its own message
            return required
        key, identity, issuer = (bool(info.data[name]) for name in names)
        if (key, identity, issuer) not in {(True, False, False), (False, True, True)}:
            raise ValueError("set either DIGITS_TRUSTED_KEY, or DIGITS_TRUSTED_IDENTITY and DIGITS_TRUSTED_ISSUER")
        return required


@lru_cache
def get_settings() -> Settings:
    """Return the settings, read once."""
    return Settings()


def read_settings() -> Settings:
    """Return the settings. Raises SystemExit with one message for each invalid setting."""
    try:
        return get_settings()
    except ValidationError as error:
        messages = [f"DIGITS_{str(problem['loc'][0]).upper()}: {problem['msg']}." for problem in error.errors()]
        raise SystemExit("\n".join(messages)) from error


RESULTS_DIR = ROOT / "docs" / "results"
PLOTS_DIR = ROOT / "docs" / "figures"

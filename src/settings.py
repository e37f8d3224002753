"""Every setting of the project; nothing else reads the environment.

Each field is set by an environment variable of the same name with `DIGITS_` before it, for example
`DIGITS_API_PORT=8080`.
"""

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """The settings with their defaults and ranges."""

    model_config = SettingsConfigDict(env_prefix="DIGITS_", frozen=True)

    data_dir: Path = Field(ROOT / "data" / "raw", description="where MNIST lies, in torchvision's layout")
    model_dir: Path = Field(ROOT / "model", description="where the artefacts lie")
    model_file: Path | None = Field(
        None, description="the artefact to serve: its .json, .onnx or .pt; none means the newest release"
    )

    max_body_bytes: int = Field(10_000_000, gt=0, description="largest request body, in bytes")
    max_pixels: int = Field(25_000_000, gt=0, description="largest picture, in pixels, read from its header")
    readers: int = Field(2, ge=1, description="pictures decoded at once; bounds the memory of a worker")

    host: str = Field("127.0.0.1", description="address that `make run` listens on")
    api_port: int = Field(8000, ge=1, le=65535)
    page_port: int = Field(8501, ge=1, le=65535)
    api_url: str = Field("http://127.0.0.1:8000", description="where the page finds the service")
    api_timeout_s: float = Field(5.0, gt=0, description="how long the page waits for an answer, in seconds")


@lru_cache
def get_settings() -> Settings:
    """Return the settings, read once."""
    return Settings()

"""Serves a candidate with the real service and asks it: does it load, is it right about known digits, is it fast?"""

import json
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from src.launcher import Program, clean_environment, free_port
from src.model.errors import DigitError
from src.model.params import Serving
from src.settings import ROOT

SAMPLES: Final = ROOT / "data" / "samples"
START_LIMIT_S: Final = 60
ROUNDS: Final = 20  # of all samples


class ServingResult(BaseModel):
    """What a candidate did in the service. The key `right` of the saved JSON is older than the name `correct`."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    correct: int = Field(alias="right", description="of the ten samples")
    median_ms: float = Field(description="of a request, one at a time")
    bytes: int = Field(description="size of the .onnx file")

    def find_problems(self, limits: Serving) -> list[str]:
        """Return the reasons why the candidate must not be served, a sentence each; none if it may."""
        problems = []
        if self.correct < limits.least_right:
            problems.append(f"The service reads {self.correct} of the samples with it, not {limits.least_right}.")
        if self.median_ms > limits.most_ms:
            problems.append(f"A request takes {self.median_ms:.1f} ms with it, more than {limits.most_ms:g}.")
        if self.bytes > limits.most_bytes:
            problems.append(f"It has {self.bytes:,} bytes, more than {limits.most_bytes:,}.")
        return problems


def check_serving(artefact: Path) -> ServingResult:
    """Serve an artefact and measure it. Raises `DigitError` if the service doesn't start with it."""
    with _service(artefact) as url:
        correct, median_ms = measure_service(url)
    return ServingResult(correct=correct, median_ms=median_ms, bytes=artefact.with_suffix(".onnx").stat().st_size)


def measure_service(url: str) -> tuple[int, float]:
    """Return how many samples the service at `url` reads correctly, and the median time of a request in ms."""
    samples = [(path.read_bytes(), int(path.name[0])) for path in sorted(SAMPLES.glob("[0-9]_*"))]
    correct = sum(_predict(url, picture) == digit for picture, digit in samples)
    times = []
    for picture, _ in samples * ROUNDS:
        start = time.perf_counter()
        _predict(url, picture)
        times.append(time.perf_counter() - start)
    return correct, round(1000 * statistics.median(times), 2)


def _predict(url: str, picture: bytes) -> int | None:
    """Return the service's prediction, or None if it refuses the picture."""
    request = urllib.request.Request(f"{url}/api/v1/predict", picture, {"Content-Type": "image/png"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - this machine's own service
            return int(json.load(response)["prediction"])
    except urllib.error.HTTPError:
        return None


@contextmanager
def _service(artefact: Path) -> Iterator[str]:
    """Serve one artefact on a free port and yield the address. Raises `DigitError` if the service does not start."""
    port = free_port()
    settings = {"DIGITS_MODEL_FILE": str(artefact), "DIGITS_API_PORT": str(port), "DIGITS_HOST": "127.0.0.1"}
    arguments = ("-m", "src.app.serve")
    service = Program(name="API", arguments=arguments, port=port, environment=clean_environment(**settings))
    service.start()
    try:
        if not service.wait_until_healthy(START_LIMIT_S):
            raise DigitError("The service does not get ready with it.")
        yield service.url
    finally:
        service.stop()

"""A candidate in the real service: does it load, does it read digits that are known, and how fast?"""

import json
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from src.launcher import Program, clean_environment, free_port
from src.model.errors import DigitError
from src.model.params import Serving
from src.settings import ROOT

SAMPLES: Final = ROOT / "data" / "samples"
START_LIMIT_S: Final = 60
ROUNDS: Final = 20  # of all samples


@dataclass(frozen=True)
class Trial:
    """What came of it."""

    right: int  # of the samples
    median_ms: float  # of a request, one at a time
    bytes: int  # of the .onnx

    def faults(self, limits: Serving) -> list[str]:
        """Return a sentence for each thing that keeps it from being served."""
        found = []
        if self.right < limits.least_right:
            found.append(f"The service reads {self.right} of the known digits with it, not {limits.least_right}.")
        if self.median_ms > limits.most_ms:
            found.append(f"An answer takes {self.median_ms:.1f} ms, more than {limits.most_ms:g}.")
        if self.bytes > limits.most_bytes:
            found.append(f"It has {self.bytes:,} bytes, more than {limits.most_bytes:,}.")
        return found


def attempt(artefact: Path) -> Trial:
    """Serve an artefact and ask it. Raises `DigitError` if the service doesn't start with it."""
    pictures = [(path.read_bytes(), int(path.name[0])) for path in sorted(SAMPLES.glob("[0-9]_*"))]
    with _service(artefact) as url:
        right = sum(_read(url, picture) == digit for picture, digit in pictures)
        times = [_timed(url, picture) for _ in range(ROUNDS) for picture, _ in pictures]
    size = artefact.with_suffix(".onnx").stat().st_size
    return Trial(right, round(1000 * statistics.median(times), 2), size)


def _timed(url: str, picture: bytes) -> float:
    start = time.perf_counter()
    _read(url, picture)
    return time.perf_counter() - start


def _read(url: str, picture: bytes) -> int | None:
    """Return the digit that is read, None if the service refuses the picture."""
    request = urllib.request.Request(f"{url}/api/v1/predict", picture, {"Content-Type": "image/png"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - this machine's own service
            return int(json.load(answer)["prediction"])
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

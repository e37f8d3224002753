"""What tests of trials share: a registry with a candidate for a service's folder, and clients that send digits."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import pytest
import requests

from src.model.inference.artefact import get_paths
from src.model.params import Canary as Limits
from src.model.params import read_params
from src.model.pipeline import promote, registry
from src.model.pipeline.canary import trial
from src.model.pipeline.registry import CANDIDATE, PRODUCTION
from src.model.pipeline.tracking import track
from src.settings import Settings
from tests.pictures import drawn, encoded
from tests.released import copy_release
from tests.servers import Server

OLD: Final = "1.0.0"
NEW: Final = "1.0.1"
LIMITS: Final[Limits] = read_params().canary.model_copy(
    update={"percent": 25.0, "least_readings": 0, "least_answers": 200, "most_minutes": 5.0}
)
CLIENTS: Final = 4
PAUSE_S: Final = 0.01  # between the requests of a client
DRAWINGS: Final = [(digit, encoded(drawn(digit, pen=pen))) for pen in (14, 18, 22) for digit in range(10)]


def prepare(folder: Path, write_candidate: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Register `OLD` as production and `NEW` as the candidate; return the folder of a service with `OLD`."""
    model_dir, made = folder / "model", folder / "made"
    for place in (model_dir, made):
        place.mkdir()
        copy_release(place, OLD)
    write_candidate(made, NEW)
    settings = Settings(model_dir=model_dir)
    for module in (trial, promote):
        monkeypatch.setattr(module, "get_settings", lambda: settings)
    monkeypatch.setattr(promote, "RESULTS_DIR", folder / "results")
    with track("register") as run:
        registry.register(get_paths(made, OLD)["json"], run.run_id, "", PRODUCTION)
        registry.register(get_paths(made, NEW)["json"], run.run_id, OLD, CANDIDATE)
    return model_dir


@dataclass(frozen=True)
class Answer:
    """The answer to a request, with the digit that was sent."""

    request_id: str
    sent: int
    status: int
    digit: int | None
    model: str | None  # None: the client did not ask for details


@contextmanager
def constant_load(server: Server) -> Iterator[list[Answer]]:
    """Send digits from several clients during the block; yield the list that collects all answers."""
    answers: list[Answer] = []
    done = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as clients:
        futures = [clients.submit(_send, server.url, f"client-{name}", done, answers) for name in range(CLIENTS)]
        try:
            yield answers
        finally:
            done.set()
            for future in futures:
                future.result()


def _send(url: str, name: str, done: threading.Event, answers: list[Answer]) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for number in count():
            if done.wait(PAUSE_S):
                return
            digit, picture = DRAWINGS[number % len(DRAWINGS)]
            headers = {"Content-Type": "image/png", "X-Request-ID": f"{name}-{number}"}
            query = {"details": "true"} if number % 2 else {}
            response = session.post(f"{url}/api/v1/predict", picture, headers=headers, params=query, timeout=60)
            body = response.json()
            answers.append(
                Answer(headers["X-Request-ID"], digit, response.status_code, body.get("prediction"), body.get("model"))
            )

"""A copy of the project with its own pipeline, record and running service, and clients that use the service."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests
import yaml

from src.settings import ROOT, get_settings
from tests import servers
from tests.pictures import drawn, encoded
from tests.signing import make_key

FOUR: Final = encoded(drawn(4))
QUICK: Final[dict[str, dict[str, Any]]] = {  # changes of params.yaml
    "train": {"network": "cnn", "quick": True, "epochs": 24},
    "serving": {"least_right": 5, "most_ms": 1000},  # a network trained on 2,000 digits, a busy machine
    "triggers": {"new_pictures": 100},
}


class Workshop:
    """The copy, in one folder; its commands see neither the developer's settings nor their record."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.model_dir, feedback_dir = folder / "model", folder / "kept"
        _copy_project(self.root)
        self.git("init", "-q")
        self.git("add", "--all")
        self.git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "copy")
        settings = {"DIGITS_MODEL_DIR": self.model_dir, "DIGITS_FEEDBACK_DIR": feedback_dir, "DIGITS_RELOAD_S": 0.2}
        self.key = make_key(folder)
        settings |= {"DIGITS_SIGNING_KEY": self.key.private}  # and the service takes nothing else
        settings |= {"DIGITS_REQUIRE_SIGNATURE": True, "DIGITS_TRUSTED_KEY": self.key.public}
        settings |= {"OMP_NUM_THREADS": 1}  # on a busy machine, more threads only wait for each other
        self.settings = {name: str(value) for name, value in settings.items()}
        self.server = servers.service(servers.free_port(), **self.settings)

    def git(self, *arguments: str) -> None:
        """Run git in the copy."""
        subprocess.run(["git", *arguments], cwd=self.root, check=True)

    def python(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a module in the copy; return its exit status and output."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIGITS_", "MLFLOW_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), clean["PATH"]])
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.root,
            env=clean | self.settings | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def serving_version(self) -> str:
        """Return the version that the service serves."""
        models = requests.get(f"{self.server.url}/api/v1/models", timeout=10).json()["models"]
        return next(str(model["version"]) for model in models if model["serving"])

    def read_report(self, name: str) -> dict[str, Any]:
        """Return the report of a stage."""
        report: dict[str, Any] = json.loads((self.root / "build" / "pipeline" / f"{name}.json").read_bytes())
        return report

    def correct(self, pictures: Iterable[tuple[bytes, int]]) -> None:
        """Send pictures with their digits to the service as corrections."""
        with ThreadPoolExecutor(8) as clients:
            statuses = set(clients.map(lambda labelled: self._correct(*labelled), pictures))
        assert statuses == {201}

    def _correct(self, picture: bytes, digit: int) -> int:
        headers = {"Content-Type": "image/png"}
        address = f"{self.server.url}/api/v1/feedback"
        return requests.post(address, picture, params={"digit": digit}, headers=headers, timeout=60).status_code

    @contextmanager
    def constant_requests(self) -> Iterator[list[int]]:
        """Send requests during the block; yield a list that holds the statuses of all responses after it."""
        statuses: list[int] = []
        done = threading.Event()
        client = threading.Thread(target=self._send_requests, args=(done, statuses))
        client.start()
        try:
            yield statuses
        finally:
            done.set()
            client.join()

    def _send_requests(self, done: threading.Event, statuses: list[int]) -> None:
        headers = {"Content-Type": "image/png"}
        with requests.Session() as session:
            while not done.wait(0.02):
                response = session.post(f"{self.server.url}/api/v1/predict", FOUR, headers=headers, timeout=60)
                statuses.append(response.status_code)


def _copy_project(target: Path) -> None:
    """Copy MNIST and all files that git does not ignore, and shorten the training."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    shutil.copytree(get_settings().data_dir / "MNIST", target / "data" / "raw" / "MNIST")
    params = yaml.safe_load((target / "params.yaml").read_text())
    for part, changes in QUICK.items():
        params[part] |= changes
    (target / "params.yaml").write_text(yaml.safe_dump(params))

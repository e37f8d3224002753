"""A copy of the project with a pipeline, a record and a service of its own, and people who use the service."""

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

FOUR: Final = encoded(drawn(4))
QUICK: Final[dict[str, dict[str, Any]]] = {
    "train": {"network": "cnn", "quick": True, "epochs": 24},
    "serving": {"least_right": 5, "most_ms": 1000},  # of a network that learned from 2,000 digits, on a busy machine
    "triggers": {"new_pictures": 100},
}


class Workshop:
    """Everything under one folder; commands run as on a machine of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.models, self.kept = folder / "model", folder / "kept"
        _copy_project(self.root)
        self.git("init", "-q")
        self.git("add", "--all")
        self.git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "as it is")
        settings = {"DIGITS_MODEL_DIR": self.models, "DIGITS_FEEDBACK_DIR": self.kept, "DIGITS_RELOAD_S": 0.2}
        settings |= {"OMP_NUM_THREADS": 1}  # on a busy machine two threads wait for each other
        self.settings = {name: str(value) for name, value in settings.items()}
        self.server = servers.service(servers.free_port(), **self.settings)

    def git(self, *words: str) -> None:
        """Run git in the copy."""
        subprocess.run(["git", *words], cwd=self.root, check=True)

    def python(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a module of the copy."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(("DIGITS_", "MLFLOW_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), others["PATH"]])
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.root,
            env=others | self.settings | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def serves(self) -> str:
        """Return the version that the service serves."""
        found = requests.get(f"{self.server.url}/api/v1/models", timeout=10).json()["models"]
        return next(str(each["version"]) for each in found if each["serving"])

    def found(self, stage: str) -> dict[str, Any]:
        """Return what a stage reported."""
        report: dict[str, Any] = json.loads((self.root / "build" / "pipeline" / f"{stage}.json").read_bytes())
        return report

    def correct(self, pictures: Iterable[tuple[bytes, int]]) -> None:
        """Have people tell the service what pictures were."""
        with ThreadPoolExecutor(8) as people:
            done = list(people.map(lambda each: self._correct(*each), pictures))
        assert set(done) == {201}

    def _correct(self, picture: bytes, digit: int) -> int:
        headers = {"Content-Type": "image/png"}
        address = f"{self.server.url}/api/v1/feedback"
        return requests.post(address, picture, params={"digit": digit}, headers=headers, timeout=60).status_code

    @contextmanager
    def used(self) -> Iterator[list[int]]:
        """Ask the service without a pause, and give the statuses of all answers at the end of the block."""
        answers: list[int] = []
        done = threading.Event()
        user = threading.Thread(target=self._use, args=(done, answers))
        user.start()
        try:
            yield answers
        finally:
            done.set()
            user.join()

    def _use(self, done: threading.Event, answers: list[int]) -> None:
        headers = {"Content-Type": "image/png"}
        with requests.Session() as session:
            while not done.wait(0.02):
                answer = session.post(f"{self.server.url}/api/v1/predict", FOUR, headers=headers, timeout=60)
                answers.append(answer.status_code)


def _copy_project(target: Path) -> None:
    """Copy what git knows or would know of the project, and MNIST; shorten the training."""
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

"""The images: what they contain, what stays out, and how their health checks answer."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import PurePosixPath
from threading import Thread

import pytest

from src.settings import ROOT
from tests.imports import imported_files

IMAGES = ("api", "front", "jobs/score", "jobs/retrain")  # a Dockerfile, and its stage unless it is the last


def instructions(image: str) -> list[str]:
    """Return the instructions of the stage that makes an image."""
    file, _, stage = image.partition("/")
    text = (ROOT / f"Dockerfile.{file}").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    stages = [part for part in re.split(r"^(?=FROM )", text, flags=re.MULTILINE) if part.startswith("FROM ")]
    (chosen,) = [part for part in stages if part.splitlines()[0].endswith(f" AS {stage}")] if stage else stages[-1:]
    return [line for line in chosen.splitlines() if line]


def argument(image: str, keyword: str) -> str:
    """Return the argument of the only instruction of a kind."""
    (value,) = [line.removeprefix(keyword).strip() for line in instructions(image) if line.startswith(f"{keyword} ")]
    return value


def copied_paths(image: str) -> set[str]:
    """Return the files and folders that an image copies from the repository."""
    lines = [line.split() for line in instructions(image) if line.startswith("COPY ") and "--from=" not in line]
    patterns = {word for line in lines for word in line[1:-1] if not word.startswith("--")}
    return {str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)}


def is_in_build_context(path: str) -> bool:
    """Return whether .dockerignore keeps a path: the last pattern that matches it, or a folder above it, decides."""
    candidates = [str(parent) for parent in (PurePosixPath(path), *PurePosixPath(path).parents)][:-1]
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if (
            line
            and not line.startswith("#")
            and any(fnmatch(f"/{candidate}", f"/{pattern}") for candidate in candidates)
        ):
            kept = line.startswith("!")
    return kept


@pytest.mark.parametrize(
    ("image", "start"),
    [
        ("api", "src/app/main.py"),
        ("api", "src/app/serve.py"),
        ("api", "src/app/api/core/protocol.py"),
        ("front", "src/app/front.py"),
        ("jobs/score", "src/model/score.py"),
        ("jobs/retrain", "src/model/pipeline/retrain.py"),
        ("jobs/retrain", "src/model/pipeline/stages/validate_model.py"),
        ("jobs/retrain", "src/app/serve.py"),
    ],
)
def test_image_contains_every_imported_file(image: str, start: str) -> None:
    copies, needed = copied_paths(image), imported_files(start)
    assert start in needed
    for file in needed:
        assert not copies.isdisjoint({file, *map(str, PurePosixPath(file).parents)}), file
        assert is_in_build_context(file)


def test_page_and_its_image_have_no_model_code() -> None:
    assert not [
        file
        for file in imported_files("src/app/front.py") | copied_paths("front")
        if file.startswith(("src/model", "model"))
    ]


def test_service_needs_neither_torch_nor_the_page() -> None:
    requirements = (ROOT / "requirements/api.txt").read_text()
    assert not re.search(r"^(torch|streamlit)", requirements, flags=re.MULTILINE)
    assert copied_paths("api").isdisjoint(
        {"src/app", "src/app/front.py", "src/app/page", "src/model", "src/model/training"}
    )


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("src/settings.py", True),
        ("src/model/preprocessing/preprocess.py", True),
        ("model/mnist-1.0.0.onnx", True),
        ("model/.saving-x1/mnist-1.0.0.onnx", False),
        ("data/raw/MNIST/raw/train-images-idx3-ubyte", False),
        (".venv/bin/python", False),
        (".git/config", False),
        (".env", False),
        ("src/app/__pycache__/main.cpython-312.pyc", False),
    ],
)
def test_build_context_has_only_what_images_need(path: str, kept: bool) -> None:
    assert is_in_build_context(path) == kept


@pytest.mark.parametrize("image", IMAGES)
def test_container_runs_without_shell_and_not_as_root(image: str) -> None:
    assert json.loads(argument(image, "CMD"))[:2] == ["python", "-m"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", argument(image, "USER"))


class FixedServer:
    """A server that answers every request with the same status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.port = self._server.server_port

    def __enter__(self) -> "FixedServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.mark.parametrize(
    ("image", "status", "body", "healthy"),
    [
        ("api", 200, b"{}", True),
        ("api", 503, b"{}", False),
        ("front", 200, b"ok", True),
        ("front", 200, b"<!DOCTYPE html>", False),
    ],
)
def test_container_is_healthy_only_if_its_program_answers_so(
    image: str, status: int, body: bytes, healthy: bool
) -> None:
    _, options, code = json.loads(argument(image, "HEALTHCHECK").partition("CMD")[2])
    with FixedServer(status, body) as server:
        command = re.sub(r"\b(8000|8501)\b", str(server.port), code)
        check = subprocess.run([sys.executable, options, command], check=False)
    assert (check.returncode == 0) == healthy

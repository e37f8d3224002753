"""The images: what goes in, what stays out, and that they say truly whether they work."""

import ast
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

IMAGES = ("api", "front")


def instructions(image: str) -> list[str]:
    """Return a Dockerfile's last stage, an instruction each, without comments."""
    text = (ROOT / f"Dockerfile.{image}").read_text()
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return [line for line in lines[last:] if line]


def only(image: str, keyword: str) -> str:
    """Return what follows the one instruction of that kind."""
    (found,) = [line.removeprefix(keyword).strip() for line in instructions(image) if line.startswith(f"{keyword} ")]
    return found


def copied(image: str) -> set[str]:
    """Return the files and folders that go from the project into an image."""
    lines = [line.split() for line in instructions(image) if line.startswith("COPY ") and "--from=" not in line]
    patterns = {word for line in lines for word in line[1:-1] if not word.startswith("--")}
    return {str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)}


def goes_into_the_build(path: str) -> bool:
    """Return what .dockerignore says of a path: the last pattern that matches it, or a folder above it, decides."""
    above = [str(parent) for parent in (PurePosixPath(path), *PurePosixPath(path).parents)][:-1]
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and any(fnmatch(f"/{each}", f"/{pattern}") for each in above):
            kept = line.startswith("!")
    return kept


def imports(start: str) -> set[str]:
    """Return the files of this project that importing `start` reads, itself among them."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file in found or not (ROOT / file).is_file():
            continue
        found.add(file)
        waiting += [str(folder / "__init__.py") for folder in PurePosixPath(file).parents]
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            prefix = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in prefix + [".".join([*prefix, name]) for name in names]:
                waiting.append(f"{name.replace('.', '/')}.py")
    return found


@pytest.mark.parametrize(
    ("image", "start"),
    [
        ("api", "src/app/main.py"),
        ("api", "src/app/serve.py"),
        ("api", "src/app/api/core/protocol.py"),
        ("front", "src/app/front.py"),
    ],
)
def test_an_image_holds_every_file_that_its_program_imports(image: str, start: str) -> None:
    there, needed = copied(image), imports(start)
    assert start in needed
    for file in needed:
        assert not there.isdisjoint({file, *map(str, PurePosixPath(file).parents)}), file
        assert goes_into_the_build(file)


def test_the_page_imports_nothing_of_the_model_and_its_image_holds_none() -> None:
    assert not [
        file for file in imports("src/app/front.py") | copied("front") if file.startswith(("src/model", "model"))
    ]


def test_the_service_needs_neither_torch_nor_the_page() -> None:
    wanted = (ROOT / "requirements/api.txt").read_text()
    assert not re.search(r"^(torch|streamlit)", wanted, flags=re.MULTILINE)
    assert copied("api").isdisjoint({"src/app", "src/app/front.py", "src/app/page", "src/model", "src/model/training"})


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
def test_only_what_an_image_is_made_of_goes_into_its_build(path: str, kept: bool) -> None:
    assert goes_into_the_build(path) == kept


@pytest.mark.parametrize("image", IMAGES)
def test_a_container_runs_its_program_without_a_shell_as_a_user_who_is_not_root(image: str) -> None:
    assert json.loads(only(image, "CMD"))[:2] == ["python", "-m"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only(image, "USER"))


class Answering:
    """A server whose every answer has the given status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.port = self._server.server_port

    def __enter__(self) -> "Answering":
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
def test_a_container_is_healthy_only_when_its_program_says_so(
    image: str, status: int, body: bytes, healthy: bool
) -> None:
    _, options, code = json.loads(only(image, "HEALTHCHECK").partition("CMD")[2])
    with Answering(status, body) as server:
        asked = re.sub(r"\b(8000|8501)\b", str(server.port), code)
        check = subprocess.run([sys.executable, options, asked], check=False)
    assert (check.returncode == 0) == healthy

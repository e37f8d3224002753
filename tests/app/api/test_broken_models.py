"""Broken networks: no answer shows a path of the server or a file's content; the log holds the reason, once."""

import json
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import onnx
import psutil
import pytest
from httpx import Response
from onnx import TensorProto, helper

from src.settings import ROOT
from tests.app.api.api_client import (
    FEEDBACK,
    PREDICT,
    LocalService,
    another_server,
    assert_problem,
    connect,
    log_lines,
    send,
    send_batch,
    until,
)
from tests.bad_networks import write_slow
from tests.pictures import encoded, mnist
from tests.released import copy_release

FOUR = encoded(mnist(4))
MODELS = "/api/v1/models"
BROKEN, GOOD = "0.10.0", "0.9.0"  # the newer one would serve if it could


def rewrite(folder: Path, **changes: object) -> None:
    """Change entries of the broken network's .json."""
    path = folder / f"mnist-{BROKEN}.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))


def replace_onnx(folder: Path, content: bytes) -> None:
    """Replace the broken network's .onnx, and its digest, so that only opening it can fail."""
    path = folder / f"mnist-{BROKEN}.onnx"
    path.write_bytes(content)
    digests = json.loads(path.with_suffix(".json").read_bytes())["sha256"]
    rewrite(folder, sha256=digests | {"onnx": sha256(content).hexdigest()})


def identity_network() -> bytes:
    """Return an ONNX file that runs, but does not take images."""
    value = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")}
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value["x"]], [value["y"]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def make_unreadable(folder: Path) -> None:
    """Put a folder where the broken network's .onnx should be."""
    (folder / f"mnist-{BROKEN}.onnx").unlink()
    (folder / f"mnist-{BROKEN}.onnx").mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "wrong .onnx": lambda folder: (folder / f"mnist-{BROKEN}.onnx").write_bytes(b"not a network"),
    "no .pt": lambda folder: (folder / f"mnist-{BROKEN}.pt").unlink(),
    "a folder as .onnx": make_unreadable,
    "no description": lambda folder: (folder / f"mnist-{BROKEN}.json").write_text('{"secret": "of the server"}'),
    "another version": lambda folder: rewrite(folder, version="7.7.7"),
    "no digests": lambda folder: rewrite(folder, sha256={}),
    "other preprocessing": lambda folder: rewrite(folder, preprocessing=99),
    "not ONNX": lambda folder: replace_onnx(folder, b"not a network"),
    "another network": lambda folder: replace_onnx(folder, identity_network()),
}


@pytest.fixture(params=DAMAGES)
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a folder that holds only a broken release."""
    folder = tmp_path / "secret-place"
    folder.mkdir()
    copy_release(folder, BROKEN)
    DAMAGES[request.param](folder)
    return folder


def ask_everywhere(client: LocalService, version: str | None = None) -> Iterator[Response]:
    """Yield the answer of every address that needs a network."""
    query = {"model": version} if version else {}
    yield send(client, FOUR, PREDICT, **query)
    yield send_batch(client, FOUR, **query)
    yield send(client, FOUR, FEEDBACK, digit=4, **query)
    yield client.get(f"{MODELS}/{version}" if version else "/health/ready")


def assert_reveals_nothing(answer: Response, folder: Path) -> None:
    for private in (str(folder), folder.name, "mnist-", ".onnx", ".json", "of the server"):
        assert private not in answer.text


def test_no_answer_shows_where_the_files_lie(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = LocalService(model_dir=folder, feedback_dir=tmp_path / "kept")
    for answer in ask_everywhere(client):
        assert answer.status_code == 503
        assert_problem(answer, "not-ready")
        assert_reveals_nothing(answer, folder)
    assert f"mnist-{BROKEN}" in caplog.text


def test_a_broken_network_that_is_requested_is_named_and_logged_once(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy_release(folder, GOOD)
    client = LocalService(model_dir=folder, feedback_dir=tmp_path / "kept")
    answers = [answer for answer in ask_everywhere(client, BROKEN) if answer.status_code != 200]
    assert len(answers) >= 3  # the description of a network that does not run can still be read
    for answer in answers:
        assert_problem(answer, "not-ready")
        assert BROKEN in answer.json()["detail"]
        assert_reveals_nothing(answer, folder)
    client.state.repository.refresh()
    assert send(client, FOUR, details=True).json()["model"] == GOOD
    assert_reveals_nothing(client.get(MODELS), folder)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_an_older_network_that_is_broken_is_logged_when_it_is_listed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy_release(tmp_path, BROKEN)
    copy_release(tmp_path, GOOD, broken=True)
    client = LocalService(model_dir=tmp_path)
    listed = [client.get(MODELS).json()["models"] for _ in range(2)]
    assert [[model["version"] for model in models] for models in listed] == [[BROKEN], [BROKEN]]
    assert caplog.text.count(f"mnist-{GOOD}.onnx is not the file") == 1


def test_an_empty_folder_is_not_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for answer in ask_everywhere(LocalService(model_dir=tmp_path / "secret-place", feedback_dir=tmp_path / "kept")):
        assert_problem(answer, "not-ready")
        assert_reveals_nothing(answer, tmp_path / "secret-place")
    assert "secret-place" in caplog.text


def test_a_network_that_breaks_again_is_logged_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = LocalService(model_dir=tmp_path)
    for _ in range(2):
        copy_release(tmp_path, BROKEN)
        client.state.repository.refresh()
        copy_release(tmp_path, BROKEN, broken=True)
        for _ in range(2):
            client.state.repository.refresh()
    assert caplog.text.count(f"mnist-{BROKEN}.onnx is not the file") == 2


def test_the_layers_of_an_open_network_are_shown_whatever_becomes_of_its_file(tmp_path: Path) -> None:
    for kind in ("pt", "onnx", "json"):
        shutil.copy(ROOT / "model" / f"mnist-0.0.1.{kind}", tmp_path)
    client = LocalService(model_dir=tmp_path)
    send(client, FOUR)
    (tmp_path / "mnist-0.0.1.onnx").write_bytes(b"another network")
    assert len(send(client, FOUR, activations=True).json()["activations"]) == 10


def test_a_network_whose_layers_can_not_be_shown_says_so(tmp_path: Path) -> None:
    write_slow(tmp_path, BROKEN)
    rewrite(tmp_path, parameters=100)
    answer = send(LocalService(model_dir=tmp_path), FOUR, activations=True)
    assert_problem(answer, "invalid-request")
    assert answer.json()["detail"].startswith(f"The layers of network {BROKEN} c")


@pytest.mark.parametrize("kind", ["json", "onnx", "pt"])
def test_a_link_to_an_endless_device_changes_nothing_for_clients(tmp_path: Path, kind: str) -> None:
    copy_release(tmp_path, GOOD)
    with another_server(DIGITS_MODEL_DIR=tmp_path, DIGITS_RELOAD_S=0.05) as server, connect(server) as client:
        send(client, FOUR)
        process = psutil.Process(server.pid)
        before = process.memory_info()
        process.rlimit(psutil.RLIMIT_AS, (before.vms + 1_000_000_000, psutil.RLIM_INFINITY))
        (tmp_path / "new").mkdir()
        copy_release(tmp_path / "new", BROKEN)
        (tmp_path / "new" / f"mnist-{BROKEN}.{kind}").unlink()
        (tmp_path / "new" / f"mnist-{BROKEN}.{kind}").symlink_to("/dev/zero")
        for ending in ("pt", "onnx", "json"):
            (tmp_path / "new" / f"mnist-{BROKEN}.{ending}").rename(tmp_path / f"mnist-{BROKEN}.{ending}")
        until(lambda: f"mnist-{BROKEN}.{kind}" in server.log)
        assert send(client, FOUR, details=True).json()["model"] == GOOD
        assert_problem(send(client, FOUR, model=BROKEN), "not-ready")
        assert process.memory_info().rss - before.rss < 20_000_000
        copy_release(tmp_path, "0.11.0")
        until(lambda: bool(send(client, FOUR, details=True).json()["model"] == "0.11.0"))
        assert [line["level"] for line in log_lines(server)].count("error") == 1

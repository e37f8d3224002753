"""The service behaves as its OpenAPI says: for requests generated from it, and for a client generated from it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from httpx import Client

from src.app.api.core.problem_types import PROBLEM_TYPES
from tests.app.api.api_client import another_server
from tests.pictures import drawn, encoded
from tests.servers import Server

CONFIG = Path(__file__).with_name("schemathesis.toml")
GENERATED = """
import io, sys
from digits_client import Client
from digits_client.api.digits import predict, predict_batch
from digits_client.api.networks import models
from digits_client.models import Details, PredictFilesBody, PredictBatchBody, Prediction, Problem
from digits_client.types import File

def file(data):
    return File(payload=io.BytesIO(data), file_name="four.png", mime_type="image/png")

four = open(sys.argv[2], "rb").read()
client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)
answer = predict.sync(client=client, body=PredictFilesBody(file=file(four)))
assert isinstance(answer, Prediction) and answer.prediction == 4, answer
details = predict.sync(client=client, body=file(four), details=True, model="mlp-0.0.1")
assert isinstance(details, Details) and details.model == "mlp-0.0.1", details
problem = predict.sync(client=client, body=file(b"no picture"))
assert isinstance(problem, Problem) and problem.type_ == "/problems/unsupported-format", problem
batch = predict_batch.sync(client=client, body=PredictBatchBody(files=[file(four), file(b"no picture")]))
assert [type(answer) for answer in batch.answers] == [Prediction, Problem], batch
assert any(model.serving for model in models.sync(client=client).models)
"""


def assert_conforms(server: Server, folder: Path, examples: int) -> None:
    """Send requests generated from the service's OpenAPI and check every response against it."""
    options = ["--checks", "all", "--max-examples", str(examples), "--seed", "1", "--no-color"]
    start = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
    run = subprocess.run(
        [*start, *options, f"{server.url}/openapi.json"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    assert "Tested: 10" in run.stdout


def test_responses_conform_to_openapi(tmp_path: Path) -> None:
    with another_server(DIGITS_FEEDBACK_DIR=tmp_path / "kept") as server:
        assert_conforms(server, tmp_path, examples=15)


@pytest.mark.load
@pytest.mark.parametrize("keys", [{}, {"DIGITS_API_KEYS": "a-key-nobody-sends"}])
def test_thousands_of_responses_conform_to_openapi(tmp_path: Path, keys: dict[str, str]) -> None:
    with another_server(DIGITS_FEEDBACK_DIR=tmp_path / "kept", **keys) as server:
        assert_conforms(server, tmp_path, examples=1000)
        assert '"level": "error"' not in server.log


def test_a_generated_client_works(running_service: Server, client: Client, tmp_path: Path) -> None:
    schema = tmp_path / "openapi.json"
    schema.write_text(client.get("/openapi.json").text)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"post_hooks": []}))
    options = ["--path", schema, "--config", config, "--meta", "none", "--output-path", tmp_path / "digits_client"]
    generator = [sys.executable, "-m", "openapi_python_client", "generate", *map(str, options)]
    subprocess.run(generator, check=True, capture_output=True)
    (tmp_path / "four.png").write_bytes(encoded(drawn(4)))
    command = [sys.executable, "-c", GENERATED, running_service.url, str(tmp_path / "four.png")]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_every_response_has_an_example_and_every_problem_is_documented(client: Client) -> None:
    operations = [
        operation for path in client.get("/openapi.json").json()["paths"].values() for operation in path.values()
    ]
    documented = {
        example["value"]["type"].removeprefix("/problems/")
        for operation in operations
        for answer in operation["responses"].values()
        for example in answer["content"].get("application/problem+json", {}).get("examples", {}).values()
    }
    for operation in operations:
        for answer in operation["responses"].values():
            for content in answer["content"].values():
                assert content.get("examples") or content.get("example")
    outside = {"not-found", "method-not-allowed", "headers-too-large"}  # answered before an operation is found
    assert documented == set(PROBLEM_TYPES) - outside

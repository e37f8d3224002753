"""`/api/v1/predict` as clients use it: over HTTP, with picture files."""

import base64
import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx import Client
from numpy.typing import NDArray
from PIL import Image, ImageOps

from src.app.api.routes.query import describe_unknown
from src.model.inference.artefact import find_newest
from src.model.preprocessing.decode import FORMATS
from src.settings import ROOT
from tests import servers
from tests.app.api.api_client import PREDICT, LocalService, assert_problem, connect, send
from tests.pictures import all_mnist, bomb, dot, drawn, encoded, mnist

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"  # how a photo of an iPhone begins
MNIST_CORRECT = 97  # of the hundred pictures in tests/data; even a network of 6,422 parameters reads as many


def test_the_default_answer_is_the_digit_alone(client: Client) -> None:
    answer = send(client, encoded(mnist(4)))
    assert answer.status_code == 200
    assert answer.text == '{"prediction":4}'


@pytest.mark.parametrize("kind", ["image/png", "image/x-whatever", "application/octet-stream", "IMAGE/PNG; q=1"])
def test_a_picture_can_be_the_raw_body(client: Client, kind: str) -> None:
    answer = client.post(PREDICT, content=encoded(mnist(4)), headers={"Content-Type": kind})
    assert answer.text == '{"prediction":4}'


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/x-www-form-urlencoded"}])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_picture_without_a_content_type_is_read_by_its_bytes(
    client: Client, headers: dict[str, str], format_: str
) -> None:
    answer = client.post(PREDICT, content=encoded(drawn(4).convert("RGB"), format_), headers=headers)
    assert answer.text == '{"prediction":4}'


@pytest.mark.parametrize("kind", FORMATS)
def test_every_accepted_format_is_read(client: Client, kind: str) -> None:
    assert send(client, encoded(drawn(4).convert("RGB"), kind)).json() == {"prediction": 4}


def test_the_first_frame_of_an_animation_is_read(client: Client) -> None:
    moving = encoded(drawn(4), "GIF", save_all=True, append_images=[drawn(7)])
    assert send(client, moving).json() == {"prediction": 4}


@pytest.mark.uvicorn
def test_plain_uvicorn_serves_the_app() -> None:
    plain = servers.plain_service(servers.free_port())
    with servers.running(plain), connect(plain) as client:
        assert send(client, encoded(mnist(4))).json() == {"prediction": 4}


def test_real_mnist_digits_are_read(client: Client) -> None:
    images, labels = all_mnist()
    answers = [send(client, encoded(Image.fromarray(image))).json()["prediction"] for image in images]
    assert (np.array(answers) == labels).sum() >= MNIST_CORRECT


@pytest.mark.parametrize("digit", range(10))
def test_the_samples_are_read_as_their_names_say(client: Client, digit: int) -> None:
    for sample in (ROOT / "data" / "samples").glob(f"{digit}_*"):
        assert send(client, sample.read_bytes()).json() == {"prediction": digit}, sample.name


def test_details_contain_probabilities_scores_and_the_model(client: Client) -> None:
    body = send(client, encoded(drawn(4)), details=True).json()
    assert body["prediction"] == 4
    assert body["confidence"] == max(body["probabilities"]) == body["probabilities"][4]
    assert sum(body["probabilities"]) == pytest.approx(1)
    assert 0 <= body["digit_score"] <= 1
    assert body["digits_seen"] == 1
    assert body["model"] in find_newest(ROOT / "model").name


def test_the_image_in_the_details_is_what_the_network_saw(client: Client) -> None:
    body = send(client, encoded(ImageOps.invert(mnist(4))), details=True).json()
    seen = decode_url(body["image"]).astype(float)
    assert np.abs(seen - np.asarray(mnist(4), float)).max() < 13


def decode_url(url: str) -> NDArray[np.uint8]:
    """Return the picture in a data URL, uint8 [h, w]."""
    start, _, content = url.partition(",")
    assert start == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_the_steps_lead_from_the_file_to_what_the_network_saw(client: Client) -> None:
    body = send(client, encoded(drawn(4, size=(600, 300))), steps=True).json()
    steps = {name: decode_url(url) for name, url in body["steps"].items()}
    assert list(steps) == ["ink", "crop", "box"]
    assert steps["ink"].shape == (56, 112)
    assert steps["ink"][0, 0] == 0
    assert max(steps["crop"].shape) == 112
    assert max(steps["box"].shape) == 20
    rows, columns = np.nonzero(decode_url(body["image"]))
    height, width = steps["box"].shape
    assert (decode_url(body["image"])[rows.min() :, columns.min() :][:height, :width] == steps["box"]).all()


def test_steps_include_the_details_and_come_only_on_request(client: Client) -> None:
    answer = send(client, encoded(drawn(4)), steps=True)
    assert len(answer.content) < 30_000
    body = answer.json()
    del body["steps"]
    assert body == send(client, encoded(drawn(4)), details=True).json()


def test_a_picture_framed_like_mnist_is_neither_cropped_nor_fitted(client: Client) -> None:
    steps = send(client, encoded(mnist(4)), steps=True).json()["steps"]
    assert decode_url(steps["ink"]).shape == (28, 28)
    assert steps["crop"] is steps["box"] is None


def test_heat_lies_on_the_ink_and_includes_the_details(client: Client) -> None:
    network = {"model": "0.0.1"}  # the network that the threshold below was measured with
    body = send(client, encoded(drawn(7)), heat=True, **network).json()
    heat, ink = decode_url(body.pop("heat")) / 255, decode_url(body["image"]) > 0
    assert heat.shape == (28, 28)
    assert heat.max() == 1
    assert heat[ink].mean() > 3 * heat[~ink].mean()
    assert body == send(client, encoded(drawn(7)), details=True, **network).json()


def test_heat_and_steps_can_be_combined(client: Client) -> None:
    body = send(client, encoded(drawn(7)), heat=True, steps=True).json()
    assert {"heat", "steps"} < set(body)


def test_every_listed_network_reads_a_seven(client: Client) -> None:
    for version in [model["version"] for model in client.get("/api/v1/models").json()["models"]]:
        assert send(client, encoded(mnist(7)), model=version).json() == {"prediction": 7}, version


def test_a_network_with_permuted_input_returns_the_permuted_image(client: Client) -> None:
    permutation = client.get("/api/v1/models/mlp-permuted-0.0.1").json()["order"]
    plain, permuted = (
        decode_url(send(client, encoded(mnist(4)), details=True, model=version).json()["image"])
        for version in ("mlp-0.0.1", "mlp-permuted-0.0.1")
    )
    assert (plain.reshape(-1)[permutation] == permuted.reshape(-1)).all()


def test_a_scribble_scores_lower_than_a_digit(client: Client) -> None:
    generator = np.random.default_rng(0)
    scribble = Image.fromarray(generator.integers(0, 2, (12, 12), np.uint8) * 255).resize((280, 280))
    scores = [send(client, encoded(picture), details=True).json()["digit_score"] for picture in (drawn(3), scribble)]
    assert scores[0] > 0.8 > scores[1]


@pytest.mark.parametrize(
    ("data", "status", "name"),
    [
        (b"", 400, "empty-file"),
        (b"a four", 415, "unsupported-format"),
        (encoded(drawn(4))[:400], 400, "damaged-picture"),
        (encoded(Image.new("L", (280, 280), 255)), 422, "blank-picture"),
        (encoded(dot()), 422, "too-little-ink"),
        (bomb(30_000), 413, "too-many-pixels"),
        (bytes(20_000_000), 413, "file-too-large"),
    ],
)
def test_a_bad_picture_is_refused_with_a_problem(client: Client, data: bytes, status: int, name: str) -> None:
    answer = send(client, data)
    assert answer.status_code == status
    assert_problem(answer, name)


def test_a_chunked_body_over_the_limit_is_refused(client: Client) -> None:
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="digit.png"\r\n\r\n'
    chunks = itertools.chain([start], itertools.repeat(bytes(1_000_000), 20), [b"\r\n--x--\r\n"])
    answer = client.post(PREDICT, content=chunks, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 413
    assert_problem(answer, "file-too-large")


def test_a_request_without_a_file_is_refused_with_a_hint(client: Client) -> None:
    for answer in (client.post(PREDICT), client.post(PREDICT, files={"picture": b"x"})):
        assert answer.status_code == 422
        assert_problem(answer, "invalid-request")
        assert "curl -F file=@" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "name"),
    [
        (b"{}", "application/json", 415, "unsupported-media-type"),
        (encoded(mnist(4)), "text/plain", 415, "unsupported-media-type"),
        (b"file=@four.png", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"\0" + b"file=four", "application/x-www-form-urlencoded", 415, "unsupported-format"),
        (b"nothing of the kind", "multipart/form-data; boundary=x", 400, "bad-request"),
        (b"--x--", "multipart/form-data", 400, "bad-request"),
        (b"", "image/png", 400, "empty-file"),
    ],
)
def test_an_unsupported_body_is_refused(client: Client, content: bytes, kind: str, status: int, name: str) -> None:
    answer = client.post(PREDICT, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert_problem(answer, name)


def test_two_pictures_are_refused_and_referred_to_the_batch(client: Client) -> None:
    answer = client.post(PREDICT, files=[("file", encoded(mnist(4))), ("file", encoded(mnist(7)))])
    assert answer.status_code == 413
    assert_problem(answer, "too-many-files")
    assert "/api/v1/predict/batch" in answer.json()["detail"]


def test_a_text_field_is_not_a_picture(client: Client) -> None:
    assert_problem(client.post(PREDICT, data={"file": "four"}, files={"other": b"x"}), "invalid-request")


@pytest.mark.parametrize("value", ["perhaps", "1", "yes", ""])
def test_an_invalid_query_is_named(client: Client, value: str) -> None:
    answer = client.post(PREDICT, files={"file": encoded(mnist(4))}, params={"details": value})
    assert answer.status_code == 422
    assert_problem(answer, "invalid-request")
    assert "details" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "parameters"),
    [
        ("POST", PREDICT, "`details`, `steps`, `heat`, `activations`, `change` and `model`"),
        ("POST", "/api/v1/predict/batch", "`details` and `model`"),
        ("POST", "/api/v1/read", "`model`"),
        ("POST", "/api/v1/feedback", "`digit` and `model`"),
        ("GET", "/api/v1/models", "no parameters"),
        ("GET", "/api/v1/models/0.0.1", "no parameters"),
        ("GET", "/api/v1/features", "no parameters"),
    ],
)
def test_an_unknown_query_parameter_is_named_beside_the_known(
    client: Client, method: str, path: str, parameters: str
) -> None:
    answer = client.request(method, path, params={"detail": "true"})
    assert answer.status_code == 422
    assert_problem(answer, "invalid-request")
    sentences = f"There is no query parameter `detail` here. This address takes {parameters}."
    assert answer.json()["detail"] == sentences


def test_an_unknown_query_parameter_is_refused_before_the_picture_is_read(client: Client) -> None:
    answer = client.post(PREDICT, params={"x" * 100: ""}, files={"file": b"no picture"})
    assert_problem(answer, "invalid-request")
    assert f"`{'x' * 64}`" in answer.json()["detail"]


def test_a_heic_photo_is_refused_by_its_name(client: Client) -> None:
    answer = send(client, HEIC)
    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("This is a HEIC photo, which the service can't read. Send one of: PNG,")


def test_unknown_addresses_and_methods_are_answered_with_problems(client: Client) -> None:
    assert_problem(client.get("/api/v2/predict"), "not-found")
    assert_problem(client.get(PREDICT), "method-not-allowed")
    assert client.get(PREDICT).headers["allow"] == "POST"
    assert_problem(client.get("/docs/assets/nothing.js"), "not-found")
    assert_problem(client.post("/docs/assets/swagger-ui.css"), "method-not-allowed")
    assert_problem(client.post(PREDICT + "/"), "not-found")


def test_a_service_with_a_network_is_live_and_ready(client: Client) -> None:
    assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("setting", ["model_file", "model_dir"])
def test_a_service_without_a_network_is_live_but_not_ready(
    tmp_path: Path, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = LocalService(**{setting: tmp_path / "nothing.json"})
    assert client.get("/health/live").status_code == 200
    for answer in (client.get("/health/ready"), send(client, encoded(mnist(4)))):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert_problem(answer, "not-ready")
        assert str(tmp_path) not in answer.text
    assert str(tmp_path) in caplog.text


def test_a_pt_file_gives_the_same_answers(client: Client) -> None:
    torch_client = LocalService(model_file=find_newest(ROOT / "model").with_suffix(".pt"))
    for digit in range(10):
        onnx, torch = (send(service, encoded(mnist(digit)), details=True).json() for service in (client, torch_client))
        assert onnx["probabilities"] == pytest.approx(torch["probabilities"], abs=0.05)  # the .onnx computes in 8 bits


def test_swagger_loads_nothing_from_other_hosts(client: Client) -> None:
    page = client.get("/docs").text
    assert "/docs/assets/swagger-ui-bundle.js" in page
    assert "//" not in page.replace("<!--", "").replace("// ", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert client.get(f"/docs/assets/{name}").status_code == 200


def test_openapi_documents_the_file_and_the_problems(client: Client) -> None:
    schema = client.get("/openapi.json").json()
    operation = schema["paths"][PREDICT]["post"]
    assert {"multipart/form-data", "image/png"} <= set(operation["requestBody"]["content"])
    assert {"200", "400", "413", "415", "422", "503"} <= set(operation["responses"])
    assert "application/problem+json" in operation["responses"]["415"]["content"]


def test_the_examples_name_networks_and_parameters_that_exist(client: Client) -> None:
    schema = client.get("/openapi.json").json()
    versions = {model["version"] for model in client.get("/api/v1/models").json()["models"]}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if not path.startswith("/api"):
                continue
            names = [parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
            examples = problem_examples(operation)
            assert examples["invalid-request"] == describe_unknown("detail", names)
            if "unknown-model" in examples:
                assert set(examples["unknown-model"].partition("There are: ")[2].rstrip(".").split(", ")) <= versions
    assert set(re.findall(r'"(?:model|version)": "(.*?)"', json.dumps(schema["paths"]))) <= versions


def problem_examples(operation: dict[str, Any]) -> dict[str, str]:
    """Return the sentence of each problem that OpenAPI documents for an operation, by name."""
    return {
        name: example["value"]["detail"]
        for response in operation["responses"].values()
        for name, example in response["content"].get("application/problem+json", {}).get("examples", {}).items()
    }


def test_the_introduction_names_files_that_exist(client: Client) -> None:
    files = re.findall(r"file=@(\S+)", client.get("/openapi.json").json()["info"]["description"])
    assert files
    assert all((ROOT / file).is_file() for file in files)

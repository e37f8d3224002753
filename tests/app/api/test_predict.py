"""The service as its users meet it: over HTTP, with picture files."""

import base64
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from httpx import Client
from numpy.typing import NDArray
from PIL import Image, ImageOps

from src.model.inference.artefact import newest
from src.settings import ROOT
from tests import servers
from tests.app.api.api_client import PREDICT, another_service, assert_problem, send
from tests.pictures import all_mnist, bomb, drawn, encoded, mnist

MNIST_RIGHT = 97  # of the hundred beside the tests: what a network of 6,422 parameters must read at the least


def test_a_four_is_a_four_and_the_answer_is_that_alone(client: Client) -> None:
    answer = send(client, encoded(mnist(4)))
    assert answer.status_code == 200
    assert answer.text == '{"prediction":4}'


@pytest.mark.parametrize("kind", ["image/png", "image/x-whatever", "application/octet-stream", "IMAGE/PNG; q=1"])
def test_a_picture_may_be_the_body_itself(client: Client, kind: str) -> None:
    answer = client.post(PREDICT, content=encoded(mnist(4)), headers={"Content-Type": kind})
    assert answer.text == '{"prediction":4}'


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_accepted_format_is_read(client: Client, kind: str) -> None:
    assert send(client, encoded(drawn(4).convert("RGB"), kind)).json() == {"prediction": 4}


def test_of_a_moving_picture_the_first_frame_is_read(client: Client) -> None:
    moving = encoded(drawn(4), "GIF", save_all=True, append_images=[drawn(7)])
    assert send(client, moving).json() == {"prediction": 4}


def test_plain_uvicorn_serves_it_too() -> None:
    plain = servers.plain_service(servers.free_port())
    with servers.running(plain), Client(base_url=plain.url, trust_env=False) as client:
        assert send(client, encoded(mnist(4))).json() == {"prediction": 4}


def test_real_mnist_digits_are_read(client: Client) -> None:
    images, labels = all_mnist()
    answers = [send(client, encoded(Image.fromarray(image))).json()["prediction"] for image in images]
    assert (np.array(answers) == labels).sum() >= MNIST_RIGHT


@pytest.mark.parametrize("digit", range(10))
def test_the_samples_are_read_as_what_their_names_say(client: Client, digit: int) -> None:
    for sample in (ROOT / "data" / "samples").glob(f"{digit}_*"):
        assert send(client, sample.read_bytes()).json() == {"prediction": digit}, sample.name


def test_details_say_how_sure_and_what_was_seen(client: Client) -> None:
    body = send(client, encoded(drawn(4)), details=True).json()
    assert body["prediction"] == 4
    assert body["confidence"] == max(body["probabilities"]) == body["probabilities"][4]
    assert sum(body["probabilities"]) == pytest.approx(1)
    assert 0 <= body["digit_score"] <= 1
    assert body["digits_seen"] == 1
    assert body["model"] in newest(ROOT / "model").name


def test_the_image_in_the_details_is_what_the_network_saw(client: Client) -> None:
    body = send(client, encoded(ImageOps.invert(mnist(4))), details=True).json()
    seen = pixels(body["image"]).astype(float)
    assert np.abs(seen - np.asarray(mnist(4), float)).max() < 13


def pixels(url: str) -> NDArray[np.uint8]:
    """Return the picture in a data URL, [h, w]."""
    start, _, content = url.partition(",")
    assert start == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_the_steps_lead_from_the_picture_to_what_the_network_saw(client: Client) -> None:
    body = send(client, encoded(drawn(4, size=(600, 300))), steps=True).json()
    shown = {name: pixels(url) for name, url in body["steps"].items()}
    assert list(shown) == ["ink", "crop", "box"]
    assert shown["ink"].shape == (56, 112)
    assert shown["ink"][0, 0] == 0
    assert max(shown["crop"].shape) == 112
    assert max(shown["box"].shape) == 20
    rows, columns = np.nonzero(pixels(body["image"]))
    height, width = shown["box"].shape
    assert (pixels(body["image"])[rows.min() :, columns.min() :][:height, :width] == shown["box"]).all()


def test_steps_come_with_the_details_and_only_when_asked_for(client: Client) -> None:
    answer = send(client, encoded(drawn(4)), steps=True)
    assert len(answer.content) < 30_000
    body = answer.json()
    del body["steps"]
    assert body == send(client, encoded(drawn(4)), details=True).json()


def test_a_picture_of_mnist_is_neither_cut_nor_fitted(client: Client) -> None:
    steps = send(client, encoded(mnist(4)), steps=True).json()["steps"]
    assert pixels(steps["ink"]).shape == (28, 28)
    assert steps["crop"] is steps["box"] is None


def test_the_heat_lies_on_the_ink_and_comes_with_the_details(client: Client) -> None:
    asked = {"model": "0.0.1"}  # the network whose heat was first looked at
    body = send(client, encoded(drawn(7)), heat=True, **asked).json()
    heat, ink = pixels(body.pop("heat")) / 255, pixels(body["image"]) > 0
    assert heat.shape == (28, 28)
    assert heat.max() == 1
    assert heat[ink].mean() > 3 * heat[~ink].mean()
    assert body == send(client, encoded(drawn(7)), details=True, **asked).json()


def test_heat_and_steps_come_together(client: Client) -> None:
    body = send(client, encoded(drawn(7)), heat=True, steps=True).json()
    assert {"heat", "steps"} < set(body)


def test_every_network_that_is_listed_reads(client: Client) -> None:
    for version in [model["version"] for model in client.get("/api/v1/models").json()["models"]]:
        assert send(client, encoded(mnist(7)), model=version).json() == {"prediction": 7}, version


def test_a_network_that_sees_another_order_shows_that_order(client: Client) -> None:
    order = client.get("/api/v1/models/mlp-permuted-0.0.1").json()["order"]
    given, permuted = (
        pixels(send(client, encoded(mnist(4)), details=True, model=version).json()["image"])
        for version in ("mlp-0.0.1", "mlp-permuted-0.0.1")
    )
    assert (given.reshape(-1)[order] == permuted.reshape(-1)).all()


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
        (bomb(30_000), 413, "too-many-pixels"),
        (bytes(20_000_000), 413, "file-too-large"),
    ],
)
def test_a_bad_picture_gets_a_problem_that_says_what_to_do(client: Client, data: bytes, status: int, name: str) -> None:
    answer = send(client, data)
    assert answer.status_code == status
    assert_problem(answer, name)


def test_a_large_body_without_a_length_is_cut_off_too(client: Client) -> None:
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="digit.png"\r\n\r\n'
    chunks = itertools.chain([start], itertools.repeat(bytes(1_000_000), 20), [b"\r\n--x--\r\n"])
    answer = client.post(PREDICT, content=chunks, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 413
    assert_problem(answer, "file-too-large")


def test_a_request_without_a_file_is_told_how_to_send_one(client: Client) -> None:
    for answer in (client.post(PREDICT), client.post(PREDICT, files={"picture": b"x"})):
        assert answer.status_code == 422
        assert_problem(answer, "invalid-request")
        assert "curl -F file=@" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "name"),
    [
        (b"{}", "application/json", 415, "unsupported-media-type"),
        (encoded(mnist(4)), "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"nothing of the kind", "multipart/form-data; boundary=x", 400, "bad-request"),
        (b"--x--", "multipart/form-data", 400, "bad-request"),
        (b"", "image/png", 400, "empty-file"),
    ],
)
def test_a_body_in_another_form_is_told_which_it_should_have(
    client: Client, content: bytes, kind: str, status: int, name: str
) -> None:
    answer = client.post(PREDICT, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert_problem(answer, name)


def test_two_pictures_at_once_are_sent_to_the_batch(client: Client) -> None:
    answer = client.post(PREDICT, files=[("file", encoded(mnist(4))), ("file", encoded(mnist(7)))])
    assert answer.status_code == 413
    assert_problem(answer, "too-many-files")
    assert "/api/v1/predict/batch" in answer.json()["detail"]


def test_a_field_without_a_file_is_no_picture(client: Client) -> None:
    assert_problem(client.post(PREDICT, data={"file": "four"}, files={"other": b"x"}), "invalid-request")


@pytest.mark.parametrize("value", ["perhaps", "1", "yes", ""])
def test_a_wrong_query_is_named(client: Client, value: str) -> None:
    answer = client.post(PREDICT, files={"file": encoded(mnist(4))}, params={"details": value})
    assert answer.status_code == 422
    assert_problem(answer, "invalid-request")
    assert "details" in answer.json()["detail"]


def test_unknown_addresses_and_methods_are_problems_too(client: Client) -> None:
    assert_problem(client.get("/api/v2/predict"), "not-found")
    assert_problem(client.get(PREDICT), "method-not-allowed")
    assert client.get(PREDICT).headers["allow"] == "POST"
    assert_problem(client.get("/docs/assets/nothing.js"), "not-found")
    assert_problem(client.post("/docs/assets/swagger-ui.css"), "method-not-allowed")
    assert_problem(client.post(PREDICT + "/"), "not-found")


def test_health(client: Client) -> None:
    assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("setting", ["DIGITS_MODEL_FILE", "DIGITS_MODEL_DIR"])
def test_without_a_network_the_service_lives_but_is_not_ready(tmp_path: Path, setting: str) -> None:
    with another_service(**{setting: tmp_path / "nothing.json"}) as client:
        assert client.get("/health/live").status_code == 200
        for answer in (client.get("/health/ready"), send(client, encoded(mnist(4)))):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert_problem(answer, "not-ready")
            assert str(tmp_path) in answer.json()["detail"]


def test_a_pt_can_be_named_and_answers_alike(client: Client) -> None:
    with another_service(DIGITS_MODEL_FILE=newest(ROOT / "model").with_suffix(".pt")) as torch_client:
        for digit in range(10):
            pair = [send(each, encoded(mnist(digit)), details=True).json() for each in (client, torch_client)]
            assert pair[0]["probabilities"] == pytest.approx(pair[1]["probabilities"], abs=0.02)  # 8 bits


def test_swagger_comes_from_this_host_alone(client: Client) -> None:
    page = client.get("/docs").text
    assert "/docs/assets/swagger-ui-bundle.js" in page
    assert "//" not in page.replace("<!--", "").replace("// ", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert client.get(f"/docs/assets/{name}").status_code == 200


def test_openapi_offers_a_file_and_documents_the_problems(client: Client) -> None:
    schema = client.get("/openapi.json").json()
    operation = schema["paths"][PREDICT]["post"]
    assert {"multipart/form-data", "image/png"} <= set(operation["requestBody"]["content"])
    assert {"200", "400", "413", "415", "422", "503"} <= set(operation["responses"])
    assert "application/problem+json" in operation["responses"]["415"]["content"]

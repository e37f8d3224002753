"""Several pictures in one request."""

import numpy as np
import pytest
from httpx import Client
from PIL import Image

from tests.app.api.api_client import BATCH, assert_problem, assert_problem_body, send, send_batch
from tests.pictures import all_mnist, drawn, encoded, mnist


def test_answers_are_in_the_order_of_the_files_with_a_problem_for_each_bad_one(client: Client) -> None:
    blank = encoded(Image.new("L", (280, 280), 255))
    answer = send_batch(client, encoded(mnist(4)), b"a four", encoded(drawn(7)), blank, b"", encoded(drawn(0)))
    assert answer.status_code == 200
    four, not_a_picture, seven, nothing, empty, zero = answer.json()["answers"]
    assert [four, seven, zero] == [{"prediction": 4}, {"prediction": 7}, {"prediction": 0}]
    assert_problem_body(not_a_picture, "unsupported-format", 415)
    assert_problem_body(nothing, "blank-picture", 422)
    assert_problem_body(empty, "empty-file", 400)


def test_a_picture_gets_the_same_answer_in_a_batch_as_alone(client: Client) -> None:
    pictures = [encoded(Image.fromarray(image)) for image in all_mnist()[0][::2]]
    together = send_batch(client, *pictures, details=True).json()["answers"]
    for picture, answer in zip(pictures, together, strict=True):
        alone = send(client, picture, details=True).json()
        assert answer["probabilities"] == pytest.approx(alone.pop("probabilities"), abs=1e-6)
        assert {name: answer[name] for name in ("prediction", "digits_seen", "model", "image")}.items() <= alone.items()


def test_sixty_four_pictures_are_accepted_and_one_more_is_refused(client: Client) -> None:
    four = encoded(mnist(4))
    assert send_batch(client, *[four] * 64).json() == {"answers": [{"prediction": 4}] * 64}
    answer = send_batch(client, *[four] * 65)
    assert answer.status_code == 413
    assert_problem(answer, "too-many-files")


def test_a_batch_of_only_bad_files_is_answered(client: Client) -> None:
    answer = send_batch(client, b"one", b"two")
    assert answer.status_code == 200
    assert [problem["status"] for problem in answer.json()["answers"]] == [415, 415]


def test_a_batch_can_request_any_network(client: Client) -> None:
    answers = send_batch(client, encoded(mnist(4)), details=True, model="mlp-0.0.1").json()["answers"]
    assert [answer["model"] for answer in answers] == ["mlp-0.0.1"]


def test_a_batch_without_files_is_refused_with_a_hint(client: Client) -> None:
    for answer in (client.post(BATCH), client.post(BATCH, files={"file": encoded(mnist(4))})):
        assert answer.status_code == 422
        assert_problem(answer, "invalid-request")
        assert "-F files=@" in answer.json()["detail"]
    raw = client.post(BATCH, content=encoded(mnist(4)), headers={"Content-Type": "image/png"})
    assert raw.status_code == 415
    assert_problem(raw, "unsupported-media-type")


def test_details_in_a_batch_are_those_of_a_single_picture(client: Client) -> None:
    [answer] = send_batch(client, encoded(drawn(3)), details=True).json()["answers"]
    assert answer["confidence"] == max(answer["probabilities"])
    assert np.argmax(answer["probabilities"]) == answer["prediction"] == 3
    assert answer["image"].startswith("data:image/png;base64,")

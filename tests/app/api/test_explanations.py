"""`predict?activations=true` and `?change=true`: what they return, and for which networks."""

import numpy as np
import pytest
from httpx import Client
from PIL import Image

from tests.app.api.api_client import PREDICT, assert_problem, send
from tests.pictures import drawn, encoded, mnist

SMALL = {"0.0.1": 10, "mlp-0.0.1": 6, "cnn-permuted-0.0.1": 10, "mlp-permuted-0.0.1": 6, "micro-1.1.0": 22}


def values(tensor: dict[str, list[float]]) -> np.typing.NDArray[np.float64]:
    return np.reshape(tensor["values"], [int(size) for size in tensor["shape"]])


@pytest.mark.parametrize(("version", "count"), SMALL.items())
def test_layers_lead_to_the_answer(client: Client, version: str, count: int) -> None:
    body = send(client, encoded(mnist(7)), activations=True, model=version).json()
    assert len(body["activations"]) == count
    logits = values(body["activations"][-1]["output"])
    temperature = client.get(f"/api/v1/models/{version}").json()["confidence"]["temperature"]
    shares = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
    np.testing.assert_allclose(shares, body["probabilities"], atol=1e-3)


def test_activations_include_the_details_and_the_weights(client: Client) -> None:
    body = send(client, encoded(drawn(4)), activations=True, model="mlp-0.0.1").json()
    layers = body.pop("activations")
    assert body == send(client, encoded(drawn(4)), details=True, model="mlp-0.0.1").json()
    assert [layer["kind"] for layer in layers] == ["normalise", "linear", "relu", "linear", "relu", "linear"]
    inputs, hidden = values(layers[0]["output"]).ravel(), layers[1]
    assert hidden["weights"]["shape"] == [8, 784]
    sums = values(hidden["weights"]) @ inputs + hidden["bias"]
    np.testing.assert_allclose(values(hidden["output"]), sums, atol=0.02)  # of 784 rounded products
    assert "window" not in hidden


def test_the_first_layer_of_a_permuted_network_has_its_own_pixel_order(client: Client) -> None:
    order = client.get("/api/v1/models/mlp-permuted-0.0.1").json()["order"]
    plain, permuted = (
        values(send(client, encoded(mnist(4)), activations=True, model=version).json()["activations"][0]["output"])
        for version in ("mlp-0.0.1", "mlp-permuted-0.0.1")
    )
    np.testing.assert_allclose(plain.ravel()[order], permuted.ravel(), atol=1e-4)


def test_a_convolution_says_which_window_it_looks_at(client: Client) -> None:
    layers = send(client, encoded(mnist(4)), activations=True, model="0.0.1").json()["activations"]
    assert layers[1]["window"] == {"size": [5, 5], "stride": [1, 1], "padding": [0, 0, 0, 0]}
    assert layers[2]["window"] == {"size": [2, 2], "stride": [2, 2], "padding": [0, 0, 0, 0]}


def test_a_large_network_is_refused_before_the_picture_is_read(client: Client) -> None:
    answer = client.post(PREDICT, params={"activations": "true"}, files={"file": b"no picture"})
    assert answer.status_code == 422
    assert_problem(answer, "invalid-request")
    assert "under 20,000 parameters" in answer.json()["detail"]
    assert "model=0.0.1" in answer.json()["detail"]


def test_a_change_gives_another_answer(client: Client) -> None:
    body = send(client, encoded(mnist(4)), change=True).json()
    change = body.pop("change")
    assert body == send(client, encoded(mnist(4)), details=True).json()
    assert change["prediction"] != body["prediction"]
    assert 1 <= len(change["inked"]) + len(change["erased"]) <= 20
    pixels = np.asarray(mnist(4)).copy()
    for ink, places in ((255, change["inked"]), (0, change["erased"])):
        for column, row in places:
            pixels[row, column] = ink
    assert send(client, encoded(Image.fromarray(pixels))).json() == {"prediction": change["prediction"]}


def test_explanations_can_be_combined(client: Client) -> None:
    body = send(client, encoded(drawn(7)), heat=True, steps=True, activations=True, change=True, model="0.0.1").json()
    assert {"heat", "steps", "activations", "change"} < set(body)


def test_answers_without_explanations_do_not_mention_them(client: Client) -> None:
    body = send(client, encoded(drawn(7)), details=True).json()
    assert not {"heat", "activations", "change"} & set(body)

"""The look inside the networks: asked for only while it is open, and once for each picture."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import captions, draw, open_panel
from tests.app.page.responses import NETWORKS, prediction, problem
from tests.servers import FakeService

LAYER: dict[str, Any] = {
    "kind": "linear",
    "output": {"shape": [2], "values": [0.5, -1.0]},
    "weights": {"shape": [2, 1], "values": [1.0, 2.0]},
    "bias": [0.0, 0.25],
}


def asked(fake: FakeService) -> list[str]:
    return [path.partition("model=")[2] for path in fake.paths if "activations=true" in path]


@pytest.fixture(autouse=True)
def _networks(page: AppTest, fake_service: FakeService) -> None:  # noqa: ARG001 - after the page's own answers
    models = [{"version": f"{kind}-0.0.1", "network": kind, "parameters": 1} for kind in NETWORKS]
    fake_service.others["/api/v1/models"] = json.dumps({"models": models}).encode()
    fake_service.body = prediction(activations=[LAYER])


def test_nothing_is_computed_while_it_is_closed(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    assert asked(fake_service) == []
    assert "/api/v1/models" not in fake_service.asked


def test_cnn_and_mlp_are_asked_once_for_a_picture(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    open_panel(page, "inside")
    page.run()
    assert asked(fake_service) == ["cnn-0.0.1", "mlp-0.0.1"]
    assert any("multilayer perceptron" in text.value for text in page.markdown)


def test_the_switch_shows_the_networks_on_scrambled_pixels_in_both_panels(
    page: AppTest, fake_service: FakeService
) -> None:
    draw(page)
    open_panel(page, "inside")
    [switch] = [toggle for toggle in page.toggle if toggle.label == "Scramble the pixels"]
    switch.set_value(True).run()
    assert asked(fake_service)[2:] == ["cnn-permuted-0.0.1", "mlp-permuted-0.0.1"]
    assert page.session_state["scrambled"] is True


def test_without_a_digit_it_invites(page: AppTest, fake_service: FakeService) -> None:
    open_panel(page, "inside")
    assert "Draw a single digit to see what each layer makes of it." in captions(page)
    assert fake_service.paths == []


def test_missing_networks_are_reported(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models"] = b'{"models": []}'
    draw(page)
    open_panel(page, "inside")
    assert "does not have the networks" in captions(page)


def test_a_failure_is_reported(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    open_panel(page, "inside")
    assert "The service is busy." in captions(page)


def test_a_service_of_an_earlier_version_leaves_it_empty(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = prediction()
    draw(page)
    open_panel(page, "inside")
    assert not page.exception
    assert not page.markdown

"""The experiment and the heat map: the service is asked for them only while they are open."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import captions, draw, html_with, open_panel
from tests.app.page.responses import NETWORKS, PREDICTION, prediction, problem
from tests.servers import FakeService

MODELS = [
    {"version": f"{kind}-0.0.{number}", "network": kind, "parameters": 1, "test": {"accuracy": 0.9, "pictures": 5}}
    for number in (2, 1)
    for kind in NETWORKS
]
FIRST = "/api/v1/predict?steps=true&details=true"


def asked_of(fake: FakeService) -> list[str]:
    """Return which networks were asked, in order."""
    return [path.partition("model=")[2] for path in fake.paths if "model=" in path]


@pytest.fixture
def _networks(fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models"] = json.dumps({"models": MODELS}).encode()


def test_a_closed_panel_sends_no_request(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    assert fake_service.paths == [FIRST]
    assert "/api/v1/models" not in fake_service.asked


@pytest.mark.usefixtures("_networks")
def test_cnn_and_mlp_are_shown_side_by_side(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    open_panel(page, "experiment")
    assert asked_of(fake_service) == ["cnn-0.0.2", "mlp-0.0.2"]
    [cards] = html_with(page, 'class="cards"')
    assert cards.index("<h2>CNN</h2>") < cards.index("<h2>MLP</h2>")
    assert cards.count("--share") == 20
    assert cards.count("90.00% of 5 test digits correct") == 2
    assert "weighs each pixel by itself" in captions(page)


@pytest.mark.usefixtures("_networks")
def test_the_switch_asks_the_networks_trained_on_scrambled_pixels(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    open_panel(page, "experiment", scrambled=True)
    assert asked_of(fake_service) == ["cnn-permuted-0.0.2", "mlp-permuted-0.0.2", "cnn-recovered-0.0.2"]
    assert "no information is lost" in captions(page)


@pytest.mark.usefixtures("_networks")
def test_switching_back_and_forth_asks_each_network_once(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    for scrambled in (False, True, False, True):
        open_panel(page, "experiment", scrambled=scrambled)
    assert len(asked_of(fake_service)) == 5


@pytest.mark.usefixtures("_networks")
def test_without_a_drawing_the_experiment_invites(page: AppTest, fake_service: FakeService) -> None:
    open_panel(page, "experiment")
    assert "Draw a single digit to see" in captions(page)
    assert fake_service.paths == []


def test_missing_networks_are_reported(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models"] = b'{"models": []}'
    draw(page)
    open_panel(page, "experiment")
    assert "does not have the networks" in captions(page)
    assert asked_of(fake_service) == []


def test_a_missing_list_of_networks_is_reported(page: AppTest) -> None:
    draw(page)
    open_panel(page, "experiment")
    assert "an answer that this page does not understand" in captions(page)
    assert not html_with(page, 'class="cards"')


def test_the_heat_map_is_requested_when_opened_and_lies_over_the_picture(
    page: AppTest, fake_service: FakeService
) -> None:
    draw(page)
    heat = "data:image/png;base64,heat"
    fake_service.body = prediction(heat=heat)
    open_panel(page, "heat")
    assert fake_service.paths == [FIRST, "/api/v1/predict?heat=true&details=true"]
    [figure] = html_with(page, 'class="heat"')
    assert figure.index(PREDICTION["image"]) < figure.index(heat)


def test_the_heat_map_stays_open_for_the_next_drawing(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = prediction(heat=PREDICTION["image"])
    draw(page, b"one")
    open_panel(page, "heat")
    draw(page, strokes=0)
    draw(page, b"two")
    assert html_with(page, 'class="heat"')


def test_a_failed_heat_map_is_reported(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    open_panel(page, "heat")
    assert "The service is busy." in captions(page)
    assert not html_with(page, 'class="heat"')

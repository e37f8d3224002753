"""The experiment on one's own digit, and where an answer came from: both asked for only while they are open."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Html

from tests.app.page.app_page import draw
from tests.app.page.test_client import ANSWER, problem
from tests.servers import FakeService

NETWORKS = ("cnn", "mlp", "cnn-permuted", "mlp-permuted", "cnn-recovered")
MODELS = [
    {"version": f"{kind}-0.0.{number}", "network": kind, "parameters": 1, "test": {"accuracy": 0.9, "pictures": 5}}
    for number in (2, 1)
    for kind in NETWORKS
]
FIRST = "/api/v1/predict?steps=true&details=true"


def asked_of(fake: FakeService) -> list[str]:
    """Return which networks were asked, in order."""
    return [path.partition("model=")[2] for path in fake.paths if "model=" in path]


def pieces(page: AppTest, mark: str) -> list[str]:
    assert not page.exception
    return [each.body for each in page.get("html") if isinstance(each, Html) and mark in each.body]


@pytest.fixture
def _networks(fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models"] = json.dumps({"models": MODELS}).encode()


def unfold(page: AppTest, key: str, **state: Any) -> None:
    for name, value in {key: True, **state}.items():
        page.session_state[name] = value
    page.run()


def test_what_is_folded_costs_no_request(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    assert fake_service.paths == [FIRST]
    assert "/api/v1/models" not in fake_service.asked


@pytest.mark.usefixtures("_networks")
def test_cnn_and_mlp_answer_side_by_side(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    unfold(page, "experiment")
    assert asked_of(fake_service) == ["cnn-0.0.2", "mlp-0.0.2"]
    [cards] = pieces(page, 'class="cards"')
    assert cards.index("<h2>CNN</h2>") < cards.index("<h2>MLP</h2>")
    assert cards.count("--share") == 20
    assert cards.count("90.00% of 5 test digits right") == 2
    assert any("weighs each pixel by itself" in each.value for each in page.caption)


@pytest.mark.usefixtures("_networks")
def test_the_switch_asks_the_networks_that_learned_from_scrambled_pixels(
    page: AppTest, fake_service: FakeService
) -> None:
    draw(page)
    unfold(page, "experiment", scrambled=True)
    assert asked_of(fake_service) == ["cnn-permuted-0.0.2", "mlp-permuted-0.0.2", "cnn-recovered-0.0.2"]
    assert any("nothing is lost" in each.value for each in page.caption)


@pytest.mark.usefixtures("_networks")
def test_there_and_back_asks_no_network_twice(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    for scrambled in (False, True, False, True):
        unfold(page, "experiment", scrambled=scrambled)
    assert len(asked_of(fake_service)) == 5


@pytest.mark.usefixtures("_networks")
def test_without_a_drawing_the_experiment_invites(page: AppTest, fake_service: FakeService) -> None:
    unfold(page, "experiment")
    assert any("each network answers here" in each.value for each in page.caption)
    assert fake_service.paths == []


def test_a_service_without_the_networks_is_said(page: AppTest, fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models"] = b'{"models": []}'
    draw(page)
    unfold(page, "experiment")
    assert [each.value for each in page.caption if "lacks the networks" in each.value]
    assert asked_of(fake_service) == []


def test_a_service_without_a_list_of_networks_is_said(page: AppTest) -> None:
    draw(page)
    unfold(page, "experiment")
    assert any("Something answered, but not the way the reader does" in each.value for each in page.caption)
    assert not pieces(page, 'class="cards"')


def test_the_heat_is_asked_for_once_it_is_open_and_lies_over_the_picture(
    page: AppTest, fake_service: FakeService
) -> None:
    draw(page)
    heat = "data:image/png;base64,heat"
    fake_service.body = json.dumps(ANSWER | {"heat": heat}).encode()
    unfold(page, "heat")
    assert fake_service.paths == [FIRST, "/api/v1/predict?heat=true&details=true"]
    [figure] = pieces(page, 'class="heat"')
    assert figure.index(ANSWER["image"]) < figure.index(heat)


def test_the_heat_stays_open_for_the_next_drawing(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = json.dumps(ANSWER | {"heat": ANSWER["image"]}).encode()
    draw(page, b"one")
    unfold(page, "heat")
    draw(page, strokes=0)
    draw(page, b"two")
    assert pieces(page, 'class="heat"')


def test_a_heat_that_does_not_come_is_said(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    unfold(page, "heat")
    assert any("hands full" in each.value for each in page.caption)
    assert not pieces(page, 'class="heat"')

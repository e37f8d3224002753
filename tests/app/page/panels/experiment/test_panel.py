"""The experiment: the service is asked only while it is open, and each network once for each picture."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import captions, draw, html_with, open_panel
from tests.app.page.responses import MODELS, NETWORKS, prediction
from tests.servers import FakeService

FIRST = "/api/v1/predict?steps=true&details=true"
BATCH = "/api/v1/predict/batch?model="


def asked_of(fake: FakeService) -> list[str]:
    """Return which networks were asked for details, in order."""
    return [path.partition("model=")[2] for path in fake.paths if "details" in path and "model=" in path]


def answer_batches(fake: FakeService, answers: list[int]) -> None:
    """Let every network give these answers for a batch."""
    body = json.dumps({"answers": [{"prediction": answer} for answer in answers]}).encode()
    fake.others |= {f"{BATCH}{kind}-0.0.2": body for kind in NETWORKS}


@pytest.fixture
def _networks(fake_service: FakeService) -> None:
    fake_service.others["/api/v1/models"] = json.dumps({"models": MODELS}).encode()
    answer_batches(fake_service, [4])  # of a single digit of the visitor's


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
    assert cards.index("<h2>CNN <small>convolutional") < cards.index("<h2>MLP <small>multilayer perceptron")
    assert cards.count("--share") == 20
    assert cards.count("<b>90.0%</b> <span>of 5 test digits</span>") == 2
    assert "weighs each pixel by itself" in captions(page)


@pytest.mark.usefixtures("_networks")
def test_the_switch_asks_the_networks_trained_on_scrambled_pixels(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    open_panel(page, "experiment", scrambled=True)
    kinds = ["cnn", "cnn-permuted", "mlp", "mlp-permuted", "cnn-recovered"]
    assert asked_of(fake_service) == [f"{kind}-0.0.2" for kind in kinds]
    assert "no information is lost" in captions(page)
    [cards] = html_with(page, 'class="cards"')
    assert cards.count('class="reading"') == 6  # before and after, three times
    assert "turned back here" in cards


@pytest.mark.usefixtures("_networks")
def test_the_picture_of_the_recovered_layout_is_turned_upright(page: AppTest, fake_service: FakeService) -> None:
    upside_down = [{**model, "order": list(range(783, -1, -1))} for model in MODELS]
    fake_service.others["/api/v1/models"] = json.dumps({"models": upside_down}).encode()
    draw(page)
    open_panel(page, "experiment", scrambled=True)
    [cards] = html_with(page, 'class="cards"')
    assert cards.count('style="transform: matrix(-1, 0, 0, -1, 0, 0)"') == 1


@pytest.mark.usefixtures("_networks")
def test_the_score_counts_what_the_page_reads_or_the_visitor_says(page: AppTest) -> None:
    draw(page)
    open_panel(page, "experiment")
    [score] = html_with(page, 'class="score"')
    assert score.count("1 of 1") == len(NETWORKS)
    [label] = [pills for pills in page.button_group if "which digit" in pills.label]
    label.select(9).run()
    [score] = html_with(page, 'class="score"')
    assert score.count("0 of 1") == len(NETWORKS)


@pytest.mark.usefixtures("_networks")
def test_a_doubtful_digit_is_not_scored_until_it_is_named(page: AppTest, fake_service: FakeService) -> None:
    fake_service.body = prediction(digit_score=0.1)
    draw(page)
    open_panel(page, "experiment")
    assert not html_with(page, 'class="score"')
    [label] = [pills for pills in page.button_group if "which digit" in pills.label]
    label.select(4).run()
    [score] = html_with(page, 'class="score"')
    assert score.count("1 of 1") == len(NETWORKS)


@pytest.mark.usefixtures("_networks")
def test_the_trial_shows_every_mistake_of_every_network_and_runs_once(page: AppTest, fake_service: FakeService) -> None:
    answer_batches(fake_service, [3] * 25)
    open_panel(page, "experiment")
    assert fake_service.paths == []
    [button] = [button for button in page.button if "200 test digits" in button.label]
    button.click().run()
    [chart] = html_with(page, 'class="trial"')
    assert chart.count("180 wrong, 20 right") == len(NETWORKS)
    assert chart.count("<img") == 180 * len(NETWORKS)
    assert 'title="7 read as 3"' in chart
    assert len(fake_service.paths) == 8 * len(NETWORKS)
    page.run()
    assert len(fake_service.paths) == 8 * len(NETWORKS)


@pytest.mark.usefixtures("_networks")
def test_a_trial_that_failed_goes_on_where_it_stopped(page: AppTest, fake_service: FakeService) -> None:
    answer_batches(fake_service, [3] * 25)
    body = fake_service.others.pop(f"{BATCH}cnn-recovered-0.0.2")
    open_panel(page, "experiment", trial=0)
    assert "an answer that this page does not understand" in captions(page)
    fake_service.others[f"{BATCH}cnn-recovered-0.0.2"] = body
    page.run()
    assert html_with(page, 'class="trial"')
    assert len(fake_service.paths) == 8 * len(NETWORKS) + 1


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

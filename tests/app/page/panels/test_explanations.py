"""The heat map and the change: the service is asked for them only while they are open."""

from streamlit.testing.v1 import AppTest

from tests.app.page.app_page import captions, draw, html_with, open_panel
from tests.app.page.responses import PREDICTION, prediction, problem
from tests.servers import FakeService

FIRST = "/api/v1/predict?steps=true&details=true"


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


def test_the_change_is_requested_when_opened_and_marks_its_pixels(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.body = prediction(change={"prediction": 9, "inked": [[14, 7]], "erased": [[0, 0], [27, 27]]})
    open_panel(page, "change")
    assert fake_service.paths == [FIRST, "/api/v1/predict?change=true&details=true"]
    [figure] = html_with(page, 'class="heat change"')
    assert '<i class="inked" style="left: 50.000%; top: 25.000%"></i>' in figure
    assert figure.count('class="erased"') == 2
    assert "These 3 pixels are enough: with 1 inked (orange) and 2 erased (blue), it would read 9." in figure


def test_an_answer_without_a_change_is_said_to_stay(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.body = prediction(change=None)
    open_panel(page, "change")
    assert "it stays with its answer" in captions(page)


def test_the_change_is_offered_under_an_answer_that_is_not_sure(page: AppTest, fake_service: FakeService) -> None:
    draw(page, b"sure")
    assert not [button for button in page.button if button.key == "doubt"]
    fake_service.body = prediction(confidence=0.5, change={"prediction": 9, "inked": [[1, 1]], "erased": []})
    draw(page, b"not sure")
    [button] = [button for button in page.button if button.key == "doubt"]
    button.click().run()
    assert html_with(page, 'class="heat change"')


def test_a_failed_change_is_reported(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    open_panel(page, "change")
    assert "The service is busy." in captions(page)


def test_a_failed_heat_map_is_reported(page: AppTest, fake_service: FakeService) -> None:
    draw(page)
    fake_service.status, fake_service.body = 503, problem("Busy.", "too-busy")
    open_panel(page, "heat")
    assert "The service is busy." in captions(page)
    assert not html_with(page, 'class="heat"')

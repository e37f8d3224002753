"""The client of the service: what it sends, and what it makes of every kind of response."""

import json
from typing import Any

import pytest

from src.app.page.client import Prediction, ServiceClient
from src.app.page.errors import (
    ProblemError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnreachableError,
    UnexpectedResponseError,
)
from tests.app.page.responses import PREDICTION, number, prediction, problem
from tests.servers import FakeService


def predict(fake: FakeService, timeout_s: float = 5) -> Prediction:
    return ServiceClient(fake.url, timeout_s).predict(b"a picture")


def failure(fake: FakeService, timeout_s: float = 5) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        predict(fake, timeout_s)
    return caught.value


@pytest.fixture(autouse=True)
def _stand_in_predicts(fake_service: FakeService) -> None:
    fake_service.body = prediction()


def test_a_prediction_is_parsed(fake_service: FakeService) -> None:
    assert predict(fake_service).model_dump(mode="json", exclude_unset=True) == PREDICTION


def test_unknown_fields_of_a_prediction_are_ignored(fake_service: FakeService) -> None:
    fake_service.body = prediction(new="thing")
    assert predict(fake_service).prediction == 4


def test_the_picture_is_sent_unchanged_in_the_field_file(fake_service: FakeService) -> None:
    predict(fake_service)
    assert fake_service.paths == ["/api/v1/predict?steps=true&details=true"]
    head, _, body = fake_service.received[0].partition(b"\r\n\r\n")
    assert b'name="file"' in head
    assert body.startswith(b"a picture\r\n--")


def test_a_trailing_slash_in_the_address_is_ignored(fake_service: FakeService) -> None:
    assert ServiceClient(fake_service.url + "/", 5).predict(b"a picture").prediction == 4
    assert fake_service.paths == ["/api/v1/predict?steps=true&details=true"]


def test_requests_share_a_connection(fake_service: FakeService) -> None:
    client = ServiceClient(fake_service.url, 5)
    for _ in range(3):
        client.predict(b"a picture")
    assert fake_service.connections == 1


def test_a_proxy_in_the_environment_is_ignored(
    fake_service: FakeService, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert predict(fake_service).prediction == 4


def test_a_refused_connection_is_reported(free_port: int) -> None:
    with pytest.raises(ServiceUnreachableError, match=r"can't be reached right now\."):
        ServiceClient(f"http://127.0.0.1:{free_port}", 5).predict(b"a picture")


def test_an_invalid_address_is_reported() -> None:
    with pytest.raises(ServiceUnreachableError, match="can't be reached"):
        ServiceClient("127.0.0.1", 5).predict(b"a picture")


def test_a_broken_connection_is_reported(fake_service: FakeService) -> None:
    fake_service.hangs_up = True
    error = failure(fake_service)
    assert isinstance(error, ServiceUnreachableError)
    assert "can't be reached" in str(error)


def test_a_timeout_is_reported(fake_service: FakeService) -> None:
    fake_service.may_answer.clear()
    error = failure(fake_service, timeout_s=0.1)
    assert isinstance(error, ServiceTimeoutError)
    assert str(error) == "The service is taking too long to answer."


@pytest.mark.parametrize("status", [413, 415, 422, 503])
def test_an_unknown_problem_is_reported_with_its_detail(fake_service: FakeService, status: int) -> None:
    fake_service.status = status
    fake_service.content_type = "application/problem+json"
    fake_service.body = problem("There is no ink on the picture. Draw a digit first.")
    error = failure(fake_service)
    assert isinstance(error, ProblemError)
    assert str(error) == "There is no ink on the picture. Draw a digit first."


def test_a_known_problem_is_reported_in_the_pages_words(fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 401, problem("Send a key.", "unauthorized")
    assert "Ask the administrator to set it." in str(failure(fake_service))


@pytest.mark.parametrize(
    ("header", "wait_s"), [("3", 3), ("0", 0), ("86400", 60), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
def test_retry_after_is_limited(fake_service: FakeService, header: str, wait_s: int | None) -> None:
    fake_service.status, fake_service.body = 503, problem("Too much.", "too-busy")
    fake_service.headers["Retry-After"] = header
    assert failure(fake_service).wait_s == wait_s


def test_a_prediction_without_steps_is_accepted(fake_service: FakeService) -> None:
    fake_service.body = json.dumps({name: value for name, value in PREDICTION.items() if name != "steps"}).encode()
    assert predict(fake_service).steps is None


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[]", b"null", problem(""), problem([{"loc": 1}])])
def test_a_problem_without_detail_is_reported(fake_service: FakeService, body: bytes) -> None:
    fake_service.status = 502
    fake_service.body = body
    error = failure(fake_service)
    assert isinstance(error, UnexpectedResponseError)
    assert "an answer that this page does not understand (status 502). Try again" in str(error)


@pytest.mark.parametrize(
    "change",
    [
        {"prediction": 10},
        {"prediction": None},
        {"confidence": 1.2},
        {"probabilities": [0.1] * 9},
        {"image": 'data:image/png;base64,AA" onload="alert(1)'},
        {"steps": {"ink": "javascript:alert(1)", "crop": None, "box": None}},
        {"image": "https://elsewhere.example/picture.png"},
    ],
)
def test_a_prediction_outside_the_contract_is_reported(fake_service: FakeService, change: dict[str, object]) -> None:
    fake_service.body = prediction(**change)
    error = failure(fake_service)
    assert isinstance(error, UnexpectedResponseError)
    assert "(status 200)" in str(error)


@pytest.mark.parametrize(("status", "body"), [(200, b"hello"), (200, b"{}"), (302, b"")])
def test_another_server_at_the_address_is_reported(fake_service: FakeService, status: int, body: bytes) -> None:
    fake_service.status, fake_service.body = status, body
    assert isinstance(failure(fake_service), UnexpectedResponseError)


def test_a_batch_returns_a_prediction_or_an_error_for_each_picture(fake_service: FakeService) -> None:
    refused = json.loads(problem("No picture.", "unsupported-format"))
    fake_service.body = json.dumps({"answers": [PREDICTION, refused]}).encode()
    answer, error = ServiceClient(fake_service.url, 5).predict_batch([b"one picture", b"another"])
    assert fake_service.paths == ["/api/v1/predict/batch?details=true"]
    assert fake_service.received[0].count(b'name="files"') == 2
    assert isinstance(answer, Prediction)
    assert isinstance(error, ProblemError)
    assert error.problem == "unsupported-format"


def test_a_batch_with_too_few_answers_is_reported(fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"answers": [PREDICTION]}).encode()
    with pytest.raises(UnexpectedResponseError):
        ServiceClient(fake_service.url, 5).predict_batch([b"one picture", b"another"])


def test_a_number_is_read_with_its_marks(fake_service: FakeService) -> None:
    fake_service.body = prediction(**number("0?", "7"))
    answer = ServiceClient(fake_service.url, 5).predict(b"a picture")
    assert answer.lines == ("0?", "7")
    assert [mark.prediction for mark in answer.digits] == [0, None, 7]
    assert answer.digits[2].box == (0, 100, 40, 80)


@pytest.mark.parametrize("change", [{"lines": ["<b>4"]}, {"digits": [{"prediction": 10}]}, {"truncated": None}])
def test_a_number_outside_the_contract_is_reported(fake_service: FakeService, change: dict[str, Any]) -> None:
    fake_service.body = prediction(**number("42", **change))
    with pytest.raises(UnexpectedResponseError):
        ServiceClient(fake_service.url, 5).predict(b"a picture")


def test_the_digits_of_several_pictures_are_read_by_a_named_network(fake_service: FakeService) -> None:
    answers = [{"prediction": 4}, json.loads(problem("It is blank.")), {"prediction": 0}]
    fake_service.body = json.dumps({"answers": answers}).encode()
    assert ServiceClient(fake_service.url, 5).read_digits([b"1", b"2", b"3"], "mlp-0.0.1") == [4, None, 0]
    assert fake_service.paths == ["/api/v1/predict/batch?model=mlp-0.0.1"]


def test_a_missing_digit_of_several_is_an_unexpected_response(fake_service: FakeService) -> None:
    fake_service.body = b'{"answers": [{"prediction": 4}]}'
    with pytest.raises(UnexpectedResponseError):
        ServiceClient(fake_service.url, 5).read_digits([b"1", b"2"], "mlp-0.0.1")


@pytest.mark.parametrize("place", [[28, 0], [0, -1], [1], ["1; left: 0", 0]])
def test_a_change_outside_the_picture_is_refused(fake_service: FakeService, place: list[Any]) -> None:
    fake_service.body = prediction(change={"prediction": 9, "inked": [place], "erased": []})
    assert isinstance(failure(fake_service), UnexpectedResponseError)

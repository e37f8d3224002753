import json
from typing import Any

import pytest

from src.app.page.client import Answer, ServiceClient
from src.app.page.errors import AnswerNotUnderstood, PictureRefused, ServiceError, ServiceSlow, ServiceUnreachable
from tests.servers import FakeService

ANSWER: dict[str, Any] = {
    "prediction": 4,
    "confidence": 0.91,
    "probabilities": [0.01] * 4 + [0.91] + [0.01] * 5,
    "digit_score": 0.97,
    "digits_seen": 1,
    "model": "0.0.1",
    "image": "data:image/png;base64,iVBORw0KGgo=",
    "steps": dict.fromkeys(("ink", "crop", "box"), "data:image/png;base64,iVBORw0KGgo="),
}


def problem(detail: object, name: str = "of-a-later-version") -> bytes:
    return json.dumps({"type": f"/problems/{name}", "title": "A problem", "status": 422, "detail": detail}).encode()


def read(fake: FakeService, timeout_s: float = 5) -> Answer:
    return ServiceClient(fake.url, timeout_s).read_digit(b"a picture")


def failure(fake: FakeService, timeout_s: float = 5) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        read(fake, timeout_s)
    return caught.value


@pytest.fixture(autouse=True)
def _answers(fake_service: FakeService) -> None:
    fake_service.body = json.dumps(ANSWER).encode()


def test_an_answer_is_read_whole(fake_service: FakeService) -> None:
    assert read(fake_service).model_dump(mode="json", exclude_unset=True) == ANSWER


def test_what_an_answer_holds_beyond_the_contract_does_no_harm(fake_service: FakeService) -> None:
    fake_service.body = json.dumps(ANSWER | {"new": "thing"}).encode()
    assert read(fake_service).prediction == 4


def test_the_picture_goes_out_as_it_is_in_the_field_named_file(fake_service: FakeService) -> None:
    read(fake_service)
    assert fake_service.paths == ["/api/v1/predict?steps=true&details=true"]
    head, _, body = fake_service.received[0].partition(b"\r\n\r\n")
    assert b'name="file"' in head
    assert body.startswith(b"a picture\r\n--")


def test_a_slash_at_the_end_of_the_address_does_no_harm(fake_service: FakeService) -> None:
    assert ServiceClient(fake_service.url + "/", 5).read_digit(b"a picture").prediction == 4
    assert fake_service.paths == ["/api/v1/predict?steps=true&details=true"]


def test_pictures_share_a_connection(fake_service: FakeService) -> None:
    client = ServiceClient(fake_service.url, 5)
    for _ in range(3):
        client.read_digit(b"a picture")
    assert fake_service.connections == 1


def test_a_proxy_in_the_environment_is_not_asked(
    fake_service: FakeService, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert read(fake_service).prediction == 4


def test_nobody_at_the_address_is_said(free_port: int) -> None:
    with pytest.raises(ServiceUnreachable, match=r"can't be reached right now\. Try again in a moment\."):
        ServiceClient(f"http://127.0.0.1:{free_port}", 5).read_digit(b"a picture")


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(ServiceUnreachable, match="can't be reached"):
        ServiceClient("127.0.0.1", 5).read_digit(b"a picture")


def test_a_connection_that_breaks_is_said(fake_service: FakeService) -> None:
    fake_service.hangs_up = True
    error = failure(fake_service)
    assert isinstance(error, ServiceUnreachable)
    assert "can't be reached" in str(error)


def test_an_answer_that_takes_too_long_is_said(fake_service: FakeService) -> None:
    fake_service.may_answer.clear()
    error = failure(fake_service, timeout_s=0.1)
    assert isinstance(error, ServiceSlow)
    assert str(error) == "The reader is taking too long to answer. Give it a moment and try again."


@pytest.mark.parametrize("status", [413, 415, 422, 503])
def test_a_refusal_that_the_page_does_not_know_is_said_in_the_words_of_the_service(
    fake_service: FakeService, status: int
) -> None:
    fake_service.status = status
    fake_service.content_type = "application/problem+json"
    fake_service.body = problem("There is no ink on the picture. Draw a digit first.")
    error = failure(fake_service)
    assert isinstance(error, PictureRefused)
    assert str(error) == "There is no ink on the picture. Draw a digit first."


def test_a_refusal_that_the_page_knows_is_said_in_its_own_words(fake_service: FakeService) -> None:
    fake_service.status, fake_service.body = 401, problem("Send a key.", "unauthorized")
    assert "Whoever runs them can set it." in str(failure(fake_service))


@pytest.mark.parametrize(
    ("said", "wait_s"), [("3", 3), ("0", 0), ("86400", 60), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
def test_a_wait_that_the_service_asks_for_is_kept_in_bounds(
    fake_service: FakeService, said: str, wait_s: int | None
) -> None:
    fake_service.status, fake_service.body = 503, problem("Too much.", "too-busy")
    fake_service.headers["Retry-After"] = said
    assert failure(fake_service).wait_s == wait_s


def test_a_service_without_steps_is_understood(fake_service: FakeService) -> None:
    fake_service.body = json.dumps({name: value for name, value in ANSWER.items() if name != "steps"}).encode()
    assert read(fake_service).steps is None


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[]", b"null", problem(""), problem([{"loc": 1}])])
def test_a_refusal_without_a_sentence_is_said(fake_service: FakeService, body: bytes) -> None:
    fake_service.status = 502
    fake_service.body = body
    error = failure(fake_service)
    assert isinstance(error, AnswerNotUnderstood)
    assert "Something answered, but not the way the reader does (status 502). Try again" in str(error)


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
def test_an_answer_outside_the_contract_is_said(fake_service: FakeService, change: dict[str, object]) -> None:
    fake_service.body = json.dumps(ANSWER | change).encode()
    error = failure(fake_service)
    assert isinstance(error, AnswerNotUnderstood)
    assert "(status 200)" in str(error)


@pytest.mark.parametrize(("status", "body"), [(200, b"hello"), (200, b"{}"), (302, b"")])
def test_something_else_at_the_address_is_said(fake_service: FakeService, status: int, body: bytes) -> None:
    fake_service.status, fake_service.body = status, body
    assert isinstance(failure(fake_service), AnswerNotUnderstood)


def test_pictures_go_out_together_and_each_has_its_answer_or_its_problem(fake_service: FakeService) -> None:
    refused = json.loads(problem("No picture.", "unsupported-format"))
    fake_service.body = json.dumps({"answers": [ANSWER, refused]}).encode()
    answer, error = ServiceClient(fake_service.url, 5).read_digits([b"one picture", b"another"])
    assert fake_service.paths == ["/api/v1/predict/batch?details=true"]
    assert fake_service.received[0].count(b'name="files"') == 2
    assert isinstance(answer, Answer)
    assert isinstance(error, PictureRefused)
    assert error.problem == "unsupported-format"


def test_answers_that_are_not_as_many_as_the_pictures_are_not_understood(fake_service: FakeService) -> None:
    fake_service.body = json.dumps({"answers": [ANSWER]}).encode()
    with pytest.raises(AnswerNotUnderstood):
        ServiceClient(fake_service.url, 5).read_digits([b"one picture", b"another"])

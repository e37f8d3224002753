"""Keys, origins and headers: who may call the service, and what its responses reveal."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from httpx import Client, Response

from src.app.page.client import ServiceClient
from src.app.page.errors import ServiceError
from tests.app.api.api_client import (
    PREDICT,
    another_server,
    assert_common_headers,
    assert_problem,
    connect,
    read_metrics,
    send,
    until,
)
from tests.pictures import encoded, mnist
from tests.servers import Server

FOUR = encoded(mnist(4))
KEYS = ("the-first-key-of-two", "the-second-key-of-two")
PAGE = "https://page.example"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    with another_server(DIGITS_API_KEYS=", ".join(KEYS), DIGITS_CORS_ORIGINS=PAGE) as server:
        yield server


@pytest.fixture
def stranger(guarded: Server) -> Iterator[Client]:
    """Yield a client without a key."""
    with connect(guarded) as client:
        yield client


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_accepted(guarded: Server, key: str) -> None:
    with connect(guarded) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        assert send(client, FOUR).json() == {"prediction": 4}
        assert client.get("/api/v1/models").status_code == 200


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer another-key-of-them", f"Basic {KEYS[0]}", KEYS[0], "Bearer ä"])
def test_requests_without_a_valid_key_are_refused(stranger: Client, given: str) -> None:
    headers = [(b"Authorization", given.encode())]
    for answer in (
        stranger.post(PREDICT, files={"file": FOUR}, headers=headers),
        stranger.get("/api/v1/models", headers=headers),
        stranger.get("/api/v1/nothing", headers=headers),
    ):
        assert answer.status_code == 401
        assert_problem(answer, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_health_and_documentation_need_no_key(stranger: Client) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"):
        assert stranger.get(path).status_code == 200


def test_openapi_asks_for_a_key_only_if_one_is_configured(stranger: Client, client: Client) -> None:
    assert stranger.get("/openapi.json").json()["paths"][PREDICT]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in client.get("/openapi.json").json()["paths"][PREDICT]["post"]


def test_the_page_uses_the_key_that_it_is_given(guarded: Server) -> None:
    assert ServiceClient(guarded.url, 5, KEYS[0]).predict(FOUR).prediction == 4
    with pytest.raises(ServiceError, match="requires an API key"):
        ServiceClient(guarded.url, 5).predict(FOUR)


def allowed_origin(client: Client, origin: str) -> str | None:
    """Return the origin whose pages may read the response, as the service tells the browser."""
    allowed: str | None = client.get("/health/live", headers={"Origin": origin}).headers.get(
        "access-control-allow-origin"
    )
    return allowed


def test_only_pages_of_configured_origins_may_call_the_service(client: Client, stranger: Client) -> None:
    assert allowed_origin(client, PAGE) is None
    assert allowed_origin(stranger, PAGE) == PAGE
    assert allowed_origin(stranger, "https://other.example") is None


def ask_in_advance(client: Client, **changes: str) -> Response:
    """Send the preflight request of a browser, with some headers changed."""
    headers = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    return client.options(PREDICT, headers=headers | {name.replace("_", "-"): value for name, value in changes.items()})


def test_preflight_requests_need_no_key(stranger: Client) -> None:
    answer = ask_in_advance(stranger)
    assert answer.status_code == 200
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert_common_headers(answer)


@pytest.mark.uvicorn
@pytest.mark.parametrize(
    "change",
    [
        {"Origin": "https://other.example"},
        {"Access_Control_Request_Method": "DELETE"},
        {"Access_Control_Request_Headers": "x-anything"},
    ],
)
def test_a_refused_preflight_is_answered_with_a_problem_and_recorded(
    guarded: Server, stranger: Client, change: dict[str, str]
) -> None:
    before = read_metrics(stranger).get(("digits_problems_total", "bad-request"), 0)
    answer = ask_in_advance(stranger, **change)
    assert answer.status_code == 400
    assert_problem(answer, "bad-request")
    assert_common_headers(answer)
    assert "access-control-allow-methods" in answer.headers
    assert read_metrics(stranger)[("digits_problems_total", "bad-request")] == before + 1
    until(lambda: answer.headers["x-request-id"] in guarded.log)


def test_a_page_may_read_a_refusal(stranger: Client) -> None:
    answer = stranger.post(PREDICT, files={"file": FOUR}, headers={"Origin": PAGE})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/api/v1/nothing", "/docs/assets/swagger-ui.css", PREDICT])
def test_every_response_has_security_headers_and_names_no_server(client: Client, path: str) -> None:
    answer = client.get(path)
    assert_common_headers(answer)
    assert "uvicorn" not in str(answer.headers).lower()


def test_the_documentation_may_run_only_its_own_script(client: Client) -> None:
    page = client.get("/docs")
    [script] = re.findall(r"<script>(.*?)</script>", page.text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in page.headers["content-security-policy"]


@pytest.mark.parametrize("short", ["short", "a-key-that-is-long-enough,short"])
def test_a_short_key_stops_the_start_and_is_not_shown(short: str) -> None:
    with pytest.raises(RuntimeError, match="DIGITS_API_KEYS") as caught, another_server(DIGITS_API_KEYS=short):
        pass
    assert short not in str(caught.value)

"""Keys, origins and headers: who may call the service, and what its responses reveal."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from httpx import Client

from src.app.page.client import ServiceClient
from src.app.page.errors import ServiceError
from tests.app.api.api_client import PREDICT, another_server, assert_problem, connect, send
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


def test_preflight_requests_need_no_key(stranger: Client) -> None:
    preflight = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = stranger.options(PREDICT, headers=preflight)
    assert answer.status_code == 200
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/api/v1/nothing", "/docs/assets/swagger-ui.css", PREDICT])
def test_every_response_has_security_headers_and_names_no_server(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers
    assert "uvicorn" not in str(headers).lower()


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

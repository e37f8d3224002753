"""Keys, origins, headers: what the service gives away, and to whom."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from httpx import Client

from src.app.page.client import ServiceClient
from src.app.page.errors import ServiceError
from tests.app.api.api_client import PREDICT, another_server, assert_problem, send
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
    with Client(base_url=guarded.url) as client:
        yield client


@pytest.mark.parametrize("key", KEYS)
def test_any_of_the_keys_opens_the_service_so_that_they_can_be_exchanged(guarded: Server, key: str) -> None:
    with Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key}"}) as client:
        assert send(client, FOUR).json() == {"prediction": 4}
        assert client.get("/api/v1/models").status_code == 200


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer another-key-of-them", f"Basic {KEYS[0]}", KEYS[0], "Bearer ä"])
def test_without_a_key_nothing_is_read(stranger: Client, given: str) -> None:
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


def test_the_documentation_says_that_a_key_is_needed_only_where_it_is(stranger: Client, client: Client) -> None:
    assert stranger.get("/openapi.json").json()["paths"][PREDICT]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in client.get("/openapi.json").json()["paths"][PREDICT]["post"]


def test_the_page_uses_the_key_that_it_is_given(guarded: Server) -> None:
    assert ServiceClient(guarded.url, 5, KEYS[0]).predict(FOUR).prediction == 4
    with pytest.raises(ServiceError, match="requires an API key"):
        ServiceClient(guarded.url, 5).predict(FOUR)


def asked_from(client: Client, origin: str) -> str | None:
    """Return which origin a browser is told may read the answer."""
    allowed: str | None = client.get("/health/live", headers={"Origin": origin}).headers.get(
        "access-control-allow-origin"
    )
    return allowed


def test_a_web_page_may_ask_only_where_its_origin_is_allowed(client: Client, stranger: Client) -> None:
    assert asked_from(client, PAGE) is None
    assert asked_from(stranger, PAGE) == PAGE
    assert asked_from(stranger, "https://other.example") is None


def test_a_browser_may_ask_beforehand_without_a_key(stranger: Client) -> None:
    wish = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = stranger.options(PREDICT, headers=wish)
    assert answer.status_code == 200
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/api/v1/nothing", "/docs/assets/swagger-ui.css", PREDICT])
def test_every_answer_has_the_headers_that_browsers_heed_and_no_name_of_a_program(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers
    assert "uvicorn" not in str(headers).lower()


def test_the_documentation_may_run_its_own_script_and_no_other(client: Client) -> None:
    page = client.get("/docs")
    [script] = re.findall(r"<script>(.*?)</script>", page.text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in page.headers["content-security-policy"]


@pytest.mark.parametrize("short", ["short", "a-key-that-is-long-enough,short"])
def test_a_key_that_can_be_guessed_is_refused_and_not_shown(short: str) -> None:
    with pytest.raises(RuntimeError, match="DIGITS_API_KEYS") as caught, another_server(DIGITS_API_KEYS=short):
        pass
    assert short not in str(caught.value)

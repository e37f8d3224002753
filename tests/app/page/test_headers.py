"""The page's server tells browsers what the page may load, and that no other site may show it in a frame."""

import pytest
from httpx import Client

from tests.servers import Server


@pytest.mark.parametrize(
    "path", ["/", "/_stcore/health", "/favicon.png", "/any/other/page", "/_stcore/agent/none", "//example.com"]
)
def test_every_response_of_the_page_has_security_headers(running_page: Server, path: str) -> None:
    with Client(trust_env=False) as client:
        headers = client.get(running_page.url + path).headers
    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert not any("*" in sources or "http" in sources for sources in policy.values())
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"

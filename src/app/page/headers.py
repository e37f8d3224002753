"""The security headers of the page: what it may load, and that no other site may show it in a frame."""

import base64
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import streamlit
from starlette.types import ASGIApp, Message, Receive, Scope, Send

INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class SecurityHeaders:
    """ASGI middleware that adds the headers to every response of Streamlit's server."""

    def __init__(self, app: ASGIApp, scripts: Sequence[str] = ()) -> None:
        """Let browsers also run these inline scripts of documents that are not Streamlit's."""
        self._app = app
        self._headers = [
            (b"content-security-policy", content_security_policy(scripts).encode()),
            (b"x-frame-options", b"DENY"),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        names = {name for name, _ in self._headers}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [header for header in message["headers"] if header[0].lower() not in names]
                message["headers"] = others + self._headers
            await send(message)

        await self._app(scope, receive, send_with_headers)


def content_security_policy(scripts: Sequence[str] = ()) -> str:
    """Return what a browser may load for the page: only what this server sends, and what the page itself makes.

    It may run the inline scripts of Streamlit's page, and `scripts`.
    """
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text()
    inline = [
        base64.b64encode(sha256(script.encode()).digest()).decode()
        for script in [*INLINE_SCRIPT.findall(page), *scripts]
    ]
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'", "blob:", *(f"'sha256-{digest}'" for digest in inline)],  # blob: the buttons
        "style-src": ["'self'", "'unsafe-inline'"],  # Streamlit styles its elements at run time
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'", "data:"],  # Streamlit turns a photo into a file with `fetch`
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())

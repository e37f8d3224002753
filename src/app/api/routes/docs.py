"""Swagger UI at /docs, with its files from this host: FastAPI's own page loads them from a CDN."""

import base64
import hashlib
import re
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

# Swagger UI sets inline styles, draws its icons from data URLs, and calls the service.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self' '{script}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


# Swagger UI names what a button adds by its JSON type, and the only arrays that the service takes hold pictures.
ADD_PICTURE: Final = """<style>
.json-schema-form-item-add { font-size: 0 !important; }
.json-schema-form-item-add::after { content: "Add a picture"; font-size: 12px; }
</style>
</head>"""


def add_routes(app: FastAPI) -> None:
    """Serve Swagger UI at /docs, and redirect / to it."""
    app.mount("/docs/assets", StaticFiles(packages=[("fastapi_swagger", "resources")]))
    page = get_swagger_ui_html(
        openapi_url=str(app.openapi_url),
        title=app.title,
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon-32x32.png",
        swagger_ui_parameters={"tryItOutEnabled": True},
    )
    html = bytes(page.body).decode().replace("</head>", ADD_PICTURE)
    policy = CONTENT_SECURITY_POLICY.format(script=_script_source(html))

    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def _script_source(html: str) -> str:
    """Return the source expression, a hash, that allows the page's one inline script."""
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

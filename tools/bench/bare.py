"""uvicorn alone, as a lower bound for everything that a framework adds. Run by `make bench`."""

from typing import Any

import uvicorn

from src.settings import read_settings

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"16")]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body and give the same answer to everything."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"prediction":4}'})


if __name__ == "__main__":
    uvicorn.run(app, port=read_settings().api_port, http="httptools", access_log=False, log_level="warning")

"""Load from wrk, a real generator: requests with one body over and over, and how soon they were answered."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

BOUNDARY: Final = "digits-bench"
# what wrk runs: one body for all requests, and a line of JSON at the end
SCRIPT: Final = """
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
wrk.headers["Content-Type"] = os.getenv("BENCH_TYPE")
done = function(summary, latency)
  local errors = summary.errors
  print(string.format('{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Body:
    """What is sent."""

    media_type: str
    content: bytes


@dataclass(frozen=True)
class Answered:
    """What one run came to."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def form(picture: bytes) -> Body:
    """Return a picture as a browser's form sends it."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="digit.png"\r\n'
    content = head.encode() + b"Content-Type: image/png\r\n\r\n" + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
    return Body(f"multipart/form-data; boundary={BOUNDARY}", content)


def raw(picture: bytes) -> Body:
    """Return a picture as the body itself."""
    return Body("image/png", picture)


def load(url: str, body: Body, connections: int, seconds: int) -> Answered:
    """Send `body` over so many connections at once for so long."""
    with TemporaryDirectory() as folder:
        script, content = Path(folder, "post.lua"), Path(folder, "body")
        script.write_text(SCRIPT)
        content.write_bytes(body.content)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script), url]
        environment = os.environ | {"BENCH_BODY": str(content), "BENCH_TYPE": body.media_type}
        printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    found = json.loads(next(line for line in printed.splitlines() if line.startswith("{")))
    return Answered(found["requests"] / found["seconds"], found["p50_ms"], found["p99_ms"], found["failed"])

"""Check a running stack: `python3 -m tools.ask_stack API_URL PAGE_URL`.

Sends every sample digit to the service and asks the page whether it is healthy. Exits with 1 and a line for each
fault. Needs only Python's standard library, since the workflows run it where nothing is installed.
"""

import json
import sys
import urllib.request
from pathlib import Path
from typing import Final

SAMPLES: Final = sorted((Path(__file__).parent.parent / "data" / "samples").glob("[0-9]_*.png"))


def predict(api: str, picture: bytes) -> int:
    """Return the service's prediction."""
    request = urllib.request.Request(f"{api}/api/v1/predict", picture, {"Content-Type": "image/png"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the caller's own address
        return int(json.load(answer)["prediction"])


def find_mistakes(api: str) -> list[str]:
    """Return a line for each sample with a wrong prediction."""
    predictions = {path.name: predict(api, path.read_bytes()) for path in SAMPLES}
    return [f"{name} is read as {digit}" for name, digit in predictions.items() if name[0] != str(digit)]


def main(api: str, page: str) -> int:
    """Check the service and the page, print the outcome, and return the exit status."""
    with urllib.request.urlopen(f"{page}/_stcore/health", timeout=10) as answer:  # noqa: S310
        faults = [] if answer.read() == b"ok" else ["the page is not healthy"]
    faults += find_mistakes(api)
    sys.stdout.write("\n".join(faults or [f"{len(SAMPLES)} digits read, the page is healthy"]) + "\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

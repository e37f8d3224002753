"""`python3 -m tools.ask_stack API PAGE`: have every sample read by a running stack, with nothing but Python installed.

Ends with 1 and a line for each digit that was read as another.
"""

import json
import sys
import urllib.request
from pathlib import Path
from typing import Final

SAMPLES: Final = sorted((Path(__file__).parent.parent / "data" / "samples").glob("[0-9]_*.png"))


def read(api: str, picture: bytes) -> int:
    """Return the digit that the service reads."""
    request = urllib.request.Request(f"{api}/api/v1/predict", picture, {"Content-Type": "image/png"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the address is the caller's own
        return int(json.load(answer)["prediction"])


def mistakes(api: str) -> list[str]:
    """Return a line for each sample that is read as another digit."""
    answers = {path.name: read(api, path.read_bytes()) for path in SAMPLES}
    return [f"{name} is read as {digit}" for name, digit in answers.items() if name[0] != str(digit)]


def main(api: str, page: str) -> int:
    """Ask the service and the page; return the exit status."""
    with urllib.request.urlopen(f"{page}/_stcore/health", timeout=10) as answer:  # noqa: S310
        wrong = [] if answer.read() == b"ok" else ["the page is not healthy"]
    wrong += mistakes(api)
    sys.stdout.write("\n".join(wrong or [f"{len(SAMPLES)} digits read, the page is healthy"]) + "\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

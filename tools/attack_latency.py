"""Measure how long others wait while four clients send hostile pictures: `make bench-attack`.

One worker. The clients and the measurement run on the same machine, with which they share the processors. Writes the
milliseconds to `docs/results/attack.json`, and prints them.
"""

import json
import sys

from src.model.files import write_text_atomically
from src.settings import RESULTS_DIR
from tests import servers
from tests.app.api.attack import DRAWING, hostile_pictures, measure_waits, percentile, slowest_fuzzed
from tools.machine import describe_machine

SECONDS = 10.0
SHARES = {"p50": 0.5, "p99": 0.99}


def main() -> None:
    """Measure, write the results, and print them."""
    results: dict[str, dict[str, float]] = {}
    with servers.running(servers.service(servers.free_port(), DIGITS_LOG_LEVEL="error")) as server:
        groups = {"drawings": [DRAWING], **hostile_pictures(), "100 slowest fuzzed": slowest_fuzzed(server, 300, 100)}
        for name, pictures in groups.items():
            waits = measure_waits(server, pictures, SECONDS)
            times = {"live": waits.live, "drawing": waits.drawing}
            results[name] = {
                f"{what} {mark}": round(percentile(values, share), 2)
                for what, values in times.items()
                for mark, share in SHARES.items()
            }
            sys.stdout.write(f"{name:20} {json.dumps(results[name])}\n")
            sys.stdout.flush()
    content = {"machine": describe_machine(), "milliseconds": results}
    write_text_atomically(RESULTS_DIR / "attack.json", json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Whatever some clients send, others are answered soon. `make bench-attack` prints the figures."""

from collections.abc import Iterator

import pytest

from tests.app.api.api_client import PREDICT, READ, another_server
from tests.app.api.attack import DRAWING, hostile_pictures, measure_waits, percentile, slowest_fuzzed
from tests.app.api.process_tree import Worst
from tests.servers import Server

pytestmark = pytest.mark.load

# Coarse, and beyond what others wait without an attack: the machine of the tests may be busy.
LIVE_MS, DRAWING_MS = 150, 400
HOSTILE = hostile_pictures()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with another_server(DIGITS_LOG_LEVEL="error") as server:
        yield server


def check(server: Server, pictures: list[bytes], worst: Worst, path: str = PREDICT) -> None:
    calm, waits = measure_waits(server, [DRAWING], 3), measure_waits(server, pictures, 5, path)
    live, drawing = percentile(waits.live, 0.99), percentile(waits.drawing, 0.99)
    worst.note("99th percentile of the wait for /health/live under attack, ms", live)
    worst.note("99th percentile of the wait for a drawing under attack, ms", drawing)
    assert live < LIVE_MS + 3 * percentile(calm.live, 0.99)
    assert drawing < DRAWING_MS + 3 * percentile(calm.drawing, 0.99)


@pytest.mark.parametrize("path", [PREDICT, READ])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pictures_do_not_delay_others(server: Server, name: str, path: str, worst: Worst) -> None:
    check(server, HOSTILE[name], worst, path)


def test_the_slowest_damaged_pictures_do_not_delay_others(server: Server, worst: Worst) -> None:
    check(server, slowest_fuzzed(server, each=300, kept=100), worst)

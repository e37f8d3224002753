"""The measurement of `make bench-page`, and what it proves: a panel asks the service only while it is open."""

import pytest

from tests.browser.chromium import Contexts
from tests.servers import Server
from tools.page_latency import SIZE, WATCH, Visitor

pytestmark = pytest.mark.browser


def test_closed_panels_ask_nothing_and_open_ones_once(
    contexts: Contexts, running_page: Server, running_service: Server
) -> None:
    with contexts.watch(running_page.url) as open_page:
        tab = open_page(viewport=SIZE)
        tab.add_init_script(WATCH)
        tab.reload()
        visitor = Visitor(tab, {"service": running_service, "page": running_page})
        each = visitor.measure(rounds=1, digits=(7,), warm_up=0)
    requests = {name: [times["requests"] for times in series] for name, series in each.items()}
    assert requests == {"strokes": [1], "inside": [2], "change": [1], "strokes_inside": [3]}
    for series in each.values():
        for times in series:
            assert 0 < times["total"] < 20_000
    assert visitor.mean_processor_ms(each).keys() == {"service", "page"}

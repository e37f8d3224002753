"""How long a visitor waits: from the end of a stroke to the new answer on screen. `make bench-page`.

Starts the real service and the real page, draws the ten digits with the mouse in Chromium, and writes
docs/results/page.json: milliseconds of every stroke, median and nine in ten, and where they went.

    component  from the end of the stroke until the drawing leaves the browser
    rerun      from then until the answer is painted, less the request: Streamlit, the page's code, the browser
    request    in the service, by its own log
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from src.model.files import write_text_atomically
from src.settings import ROOT
from tests import servers
from tests.browser.conftest import FLAGS, chromium
from tests.browser.sheet import Sheet
from tests.hand import DIGITS
from tests.servers import Server
from tools.machine import machine

OUT: Final = ROOT / "docs" / "results" / "page.json"
WARMING: Final = 1  # rounds of ten digits that are not counted
LIBRARIES: Final = ("streamlit", "streamlit-drawable-canvas", "playwright")
SIZE: Final = {"width": 1280, "height": 900}

WATCH = """
window.seen = { sent: [] }
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (...what) { seen.sent.push(performance.now()); return send.apply(this, what) }
addEventListener("mouseup", () => { seen.ended = performance.now() }, true)
"""
# the picture that the model saw is another one after each stroke; two frames later it is painted
NEXT_ANSWER = """() => {
  const shown = () => document.querySelector(".seen img")?.getAttribute("src")
  const before = shown()
  seen.answer = new Promise((done) => new MutationObserver((_, observer) => {
    if (!shown() || shown() === before) return
    observer.disconnect()
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))
  }).observe(document.body, { subtree: true, childList: true, attributes: true }))
}"""
TIMES = """async () => {
  const answered = await seen.answer
  const left = seen.sent.find((at) => at >= seen.ended)
  return { total: answered - seen.ended, component: left - seen.ended }
}"""


def main() -> None:
    """Measure, print the figures and write them."""
    options = _parser().parse_args()
    service = servers.service(servers.free_port())
    page = servers.page(servers.free_port(), service.url)
    with servers.running(service), servers.running(page), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
        tab = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        tab.add_init_script(WATCH)
        tab.goto(page.url)
        strokes = list(drawn(tab, service, options.rounds))
        chrome = browser.version
        browser.close()
    measured_on = machine(*LIBRARIES) | {"chromium": chrome}
    found = {"machine": measured_on, "strokes": len(strokes), "milliseconds": summed_up(strokes), "each": strokes}
    write_text_atomically(options.out, json.dumps(found, indent=1) + "\n")
    sys.stdout.write(f"{json.dumps(found['milliseconds'])}\n")


def drawn(tab: Page, service: Server, rounds: int) -> Iterator[dict[str, float]]:
    """Draw the ten digits as often as said, and yield the milliseconds of each stroke."""
    sheet = Sheet(tab)
    for number in range(WARMING + rounds):
        for strokes in DIGITS.values():
            for stroke in strokes:
                requests = len(request_times(service))
                tab.evaluate(NEXT_ANSWER)
                sheet.stroke([(x + number, y + number / 2) for x, y in stroke])  # a drawing that was read isn't sent
                times = tab.evaluate(TIMES)
                if number >= WARMING:
                    yield split(times, request_times(service)[requests:])
            sheet.clear()


def split(times: dict[str, float], requests: list[float]) -> dict[str, float]:
    """Return where the time went."""
    parts = {"total": times["total"], "component": times["component"], "request": sum(requests)}
    parts["rerun"] = parts["total"] - parts["component"] - parts["request"]
    return {name: round(value, 1) for name, value in parts.items()}


def request_times(service: Server) -> list[float]:
    """Return how long the service took to read each drawing so far, in milliseconds."""
    lines = [json.loads(line) for line in service.log.splitlines() if '"/api/v1/predict"' in line]
    return [line["ms"] for line in lines if "ms" in line]


def summed_up(strokes: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return median and 90th percentile of the whole and of each part."""
    return {
        name: {"median": round(statistics.median(values), 1), "p90": round(statistics.quantiles(values, n=10)[-1], 1)}
        for name in strokes[0]
        for values in [[stroke[name] for stroke in strokes]]
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.page_latency", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="of the ten digits, twelve strokes")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


if __name__ == "__main__":
    main()

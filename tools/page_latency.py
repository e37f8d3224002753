"""Measure how long a visitor waits from the end of a stroke to the new answer on screen.

Run as `make bench-page`, or `python -m tools.page_latency`. Starts the real service and the real page, draws the ten
digits with the mouse in Chromium, and writes the milliseconds of every stroke, their median and their 90th percentile
to docs/results/page.json, in total and in parts:

    component  from the end of the stroke until the drawing leaves the browser
    request    in the service, according to its log
    rerun      the rest until the answer is painted: Streamlit, the page's code, the browser
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
from tests.browser.chromium import launch
from tests.browser.sheet import Sheet
from tests.hand import DIGITS
from tests.servers import Server
from tools.machine import describe_machine

OUT: Final = ROOT / "docs" / "results" / "page.json"
WARM_UP: Final = 1  # rounds of ten digits that are not counted
LIBRARIES: Final = ("streamlit", "streamlit-drawable-canvas", "playwright")
SIZE: Final = {"width": 1280, "height": 900}

WATCH = """
window.seen = { sent: [] }
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (...what) { seen.sent.push(performance.now()); return send.apply(this, what) }
addEventListener("mouseup", () => { seen.ended = performance.now() }, true)
"""
# The picture that the model saw changes after each stroke. Two animation frames later, it is painted.
AWAIT_ANSWER = """() => {
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
    """Measure, write the results, and print a summary."""
    options = _parser().parse_args()
    service = servers.service(servers.free_port())
    page = servers.page(servers.free_port(), service.url)
    with servers.running(service), servers.running(page), sync_playwright() as playwright:
        browser = launch(playwright)
        tab = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        tab.add_init_script(WATCH)
        tab.goto(page.url)
        strokes = list(measure_strokes(tab, service, options.rounds))
        chrome = browser.version
        browser.close()
    measured_on = describe_machine(*LIBRARIES) | {"chromium": chrome}
    results = {"machine": measured_on, "strokes": len(strokes), "milliseconds": summarise(strokes), "each": strokes}
    write_text_atomically(options.out, json.dumps(results, indent=1) + "\n")
    sys.stdout.write(f"{json.dumps(results['milliseconds'])}\n")


def measure_strokes(tab: Page, service: Server, rounds: int) -> Iterator[dict[str, float]]:
    """Draw the ten digits `rounds` times, and yield the milliseconds of each stroke by part."""
    sheet = Sheet(tab)
    for number in range(WARM_UP + rounds):
        for strokes in DIGITS.values():
            for stroke in strokes:
                requests = len(request_times(service))
                tab.evaluate(AWAIT_ANSWER)
                sheet.stroke(
                    [(x + number, y + number / 2) for x, y in stroke]
                )  # moved, as the page sends a drawing only once
                times = tab.evaluate(TIMES)
                if number >= WARM_UP:
                    yield split_time(times, request_times(service)[requests:])
            sheet.clear()


def split_time(times: dict[str, float], requests: list[float]) -> dict[str, float]:
    """Return the total time of a stroke and its parts."""
    parts = {"total": times["total"], "component": times["component"], "request": sum(requests)}
    parts["rerun"] = parts["total"] - parts["component"] - parts["request"]
    return {name: round(value, 1) for name, value in parts.items()}


def request_times(service: Server) -> list[float]:
    """Return the milliseconds that each prediction so far took in the service."""
    lines = [json.loads(line) for line in service.log.splitlines() if '"/api/v1/predict"' in line]
    return [line["ms"] for line in lines if "ms" in line]


def summarise(strokes: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return the median and the 90th percentile of the total and of each part."""
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

"""Measure how long a visitor of the page waits: for an answer, and for the panels that explain it.

Run as `make bench-page`, or `python -m tools.page_latency`; it takes three minutes. Starts the real service and page,
draws the ten digits with the mouse in Chromium, and opens the panels. Writes the milliseconds of every stroke and
panel, with medians and 90th percentiles, to docs/results/page.json, and the table of docs/performance.md.

Of a stroke, while the panels are closed, in total and in parts:

    component  from the end of the stroke until the drawing leaves the browser
    request    in the service, according to its log
    rerun      the rest until the answer is painted: Streamlit, the page's code, the browser

The panels, from the click until they are painted: "Look inside", which asks two networks for their layers, and "What
would change its mind". Then "Look inside" stays open, and a stroke has a second part: from the answer until both
networks are drawn anew.

While the panels are closed, each stroke must send one request to the service, the one for the answer: so nothing is
computed for them. If it sends more, the program fails.
"""

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from src.model.experiments.snippets import replace_snippets
from src.model.files import write_text_atomically
from src.settings import ROOT
from tests import servers
from tests.browser.chromium import launch, wait_until
from tests.browser.sheet import Sheet
from tests.hand import DIGITS
from tests.servers import Server
from tools.bench.load import Target
from tools.machine import describe_machine

Times = dict[str, float]  # milliseconds by part, and the number of requests
Series = list[Times]

OUT: Final = ROOT / "docs" / "results" / "page.json"
DOCUMENT: Final = ROOT / "docs" / "performance.md"
WARM_UP: Final = 1  # rounds of ten digits that are not counted
SETTLE_MS: Final = 300  # after the last change: a hand takes longer to get to what is next
PANELS: Final = ("inside", "change")  # the keys of the expanders
GROUPS: Final = ("strokes", *PANELS, "strokes_inside")  # of measurements
# of the table: what is measured, its group and part, and the goal
ROWS: Final = (
    ("from the end of a stroke to the answer", "strokes", "total", 300),
    ("of that, the canvas component", "strokes", "component", None),
    ("of that, the request to the service", "strokes", "request", None),
    ("of that, Streamlit's rerun and the browser", "strokes", "rerun", None),
    ("requests to the service for a stroke, panels closed", "strokes", "requests", 1),
    ("*Look inside*, from the click until both networks are drawn", "inside", "total", 500),
    ("of that, its two requests", "inside", "request", None),
    ("*What would change its mind*, from the click until it is shown", "change", "total", 500),
    ("of that, its request", "change", "request", None),
    ("from the end of a stroke to the answer, *Look inside* open", "strokes_inside", "total", 300),
    ("from that answer until both networks are drawn anew", "strokes_inside", "inside", 500),
)
LIBRARIES: Final = ("streamlit", "streamlit-drawable-canvas", "playwright")
SIZE: Final = {"width": 1280, "height": 900}

WATCH = """
window.seen = { sent: [], limit: 20_000 }
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (...what) { seen.sent.push(performance.now()); return send.apply(this, what) }
addEventListener("mouseup", () => { seen.ended = performance.now() }, true)

const frame = () => new Promise(requestAnimationFrame)
const find = (selector) => document.querySelector(selector)
const component = (key) => find(`.st-key-${key} [data-testid=stBidiComponentIsolated]`)?.shadowRoot
seen.pieces = {
  answer: () => [find(".seen img")?.getAttribute("src")], // the picture that the model saw changes after each stroke
  inside: () => ["network-cnn", "network-mlp"].map((key) => component(key)?.querySelector(".stages")),
  change: () => [find(".st-key-change :is(.heat i, [data-testid=stCaptionContainer])")],
}
// When all pieces are there and none is what it was at the call. A frame later they are painted.
seen.paint = async (name) => {
  const pieces = seen.pieces[name]
  const before = pieces()
  const deadline = performance.now() + seen.limit
  while (!pieces().every((piece, index) => piece && piece !== before[index])) {
    if (performance.now() > deadline) throw new Error(`${name} did not appear`)
    await frame()
  }
  await frame()
  return performance.now()
}
"""
AWAIT = "names => { for (const name of names) seen[name] = seen.paint(name) }"
TIMES = """async (names) => {
  const painted = await Promise.all(names.map((name) => seen[name]))
  const left = seen.sent.find((at) => at >= seen.ended)
  return { component: left - seen.ended, painted: painted.map((at) => at - seen.ended) }
}"""


def main() -> None:
    """Measure, write the results and the document, and print a summary."""
    options = _parser().parse_args()
    service = servers.service(servers.free_port())
    page = servers.page(servers.free_port(), service.url)
    with servers.running(service), servers.running(page), sync_playwright() as playwright:
        browser = launch(playwright)
        measured_on = describe_machine(*LIBRARIES) | {"chromium": browser.version}
        tab = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        tab.add_init_script(WATCH)
        tab.goto(page.url)
        visitor = Visitor(tab, {"service": service, "page": page})
        each = visitor.measure(options.rounds)
        browser.close()
    results = {"machine": measured_on, "processor_ms": visitor.mean_processor_ms(each)} | describe(each)
    write_text_atomically(options.out, json.dumps(results, indent=1) + "\n")
    if options.out == OUT:
        write_text_atomically(DOCUMENT, replace_snippets(DOCUMENT.read_text(), make_snippets(results)))
    sys.stdout.write(f"{format_table(results)}\n")


class Visitor:
    """Draws on the page, opens its panels, and notes how long both take."""

    def __init__(self, tab: Page, servers_: dict[str, Server]) -> None:
        self._tab = tab
        self._servers = servers_  # "service" and "page"
        self._sheet = Sheet(tab)
        self._counted = len(request_times(servers_["service"]))
        self._spent: Counter[str] = Counter()  # processor time for strokes while the panels were closed, in seconds

    def measure(self, rounds: int, digits: Sequence[int] = tuple(DIGITS), warm_up: int = WARM_UP) -> dict[str, Series]:
        """Draw `digits` `rounds` times with the panels closed, and as often with a look inside.

        Returns the milliseconds of each stroke and each panel. Raises RuntimeError if a closed panel asks the service.
        """
        each: dict[str, Series] = {name: [] for name in GROUPS}
        for number in range(warm_up + rounds):
            for digit in digits:
                strokes = self._draw_while_closed(digit, number, is_counted=number >= warm_up)
                panels = {name: [self._open(name)] for name in PANELS}
                self._sheet.clear()
                if number >= warm_up:
                    for name, times in (panels | {"strokes": strokes}).items():
                        each[name] += times
        self._click("inside")
        for number in range(-rounds, 0):  # moved to other places: the page sends a drawing only once
            for digit in digits:
                each["strokes_inside"] += self._draw(digit, number, "inside")
                self._sheet.clear()
        return each

    def _draw_while_closed(self, digit: int, number: int, is_counted: bool) -> Series:
        """Draw a digit while the panels are closed, and note the processor time. Raises RuntimeError if one asks."""
        before = self._processor_times()
        strokes = self._draw(digit, number)
        if any(stroke["requests"] != 1 for stroke in strokes):
            raise RuntimeError(f"While the panels were closed, more was asked than the answer: {strokes}")
        if is_counted:
            self._spent.update({name: spent - before[name] for name, spent in self._processor_times().items()})
        return strokes

    def mean_processor_ms(self, each: Mapping[str, Series]) -> Times:
        """Return the processor time that a stroke took of service and page while the panels were closed."""
        return {name: round(1000 * spent / len(each["strokes"]), 1) for name, spent in self._spent.items()}

    def _processor_times(self) -> Times:
        """Return the processor time that each server has taken so far, with its child processes, in seconds."""
        return {name: Target(server.url, server.pid).measure_cpu() for name, server in self._servers.items()}

    def _draw(self, digit: int, number: int, *panels: str) -> Series:
        """Draw a digit, moved by `number`; return the milliseconds of each stroke, and of `panels` that follow it."""
        self._sheet.canvas.scroll_into_view_if_needed()
        series: Series = []
        for stroke in DIGITS[digit]:
            self._tab.evaluate(AWAIT, ["answer", *panels])
            self._sheet.stroke([(x + number, y + number / 2) for x, y in stroke])
            times = self._tab.evaluate(TIMES, ["answer", *panels])
            series.append(split_time(times, panels, self._take_requests()))
        return series

    def _open(self, name: str) -> Times:
        """Open a panel, close it again, and return the milliseconds from the click until it was painted."""
        self._tab.evaluate(AWAIT, [name])
        self._click(name)
        times = self._tab.evaluate(TIMES, [name])
        self._click(name)
        wait_until(self._tab, "name => seen.pieces[name]().every((piece) => !piece)", name)
        requests = self._take_requests()
        return {"total": round(times["painted"][0], 1), "request": round(sum(requests), 1), "requests": len(requests)}

    def _click(self, name: str) -> None:
        self._tab.locator(f".st-key-{name} summary").first.click()

    def _take_requests(self) -> list[float]:
        """Return the milliseconds of each request since the last call, once none follows: each is counted once."""
        self._tab.wait_for_timeout(SETTLE_MS)
        requests = request_times(self._servers["service"])[self._counted :]
        self._counted += len(requests)
        return requests


def split_time(times: dict[str, Any], panels: Sequence[str], requests: list[float]) -> Times:
    """Return the total time of a stroke, its parts, and how much later each of `panels` was painted."""
    total, *later = times["painted"]
    parts = {"total": total, "component": times["component"]}
    if panels:
        parts |= {name: painted - total for name, painted in zip(panels, later, strict=True)}
    else:
        parts |= {"request": sum(requests), "rerun": total - times["component"] - sum(requests)}
    return {name: round(value, 1) for name, value in parts.items()} | {"requests": len(requests)}


def request_times(service: Server) -> list[float]:
    """Return the milliseconds that each prediction so far took in the service."""
    lines = [json.loads(line) for line in service.log.splitlines() if '"/api/v1/predict"' in line]
    return [line["ms"] for line in lines if "ms" in line]


def summarise(series: Series) -> dict[str, dict[str, float]]:
    """Return the median and the 90th percentile of the total and of each part."""
    return {
        name: {"median": round(statistics.median(values), 1), "p90": round(statistics.quantiles(values, n=10)[-1], 1)}
        for name in series[0]
        for values in [[times[name] for times in series]]
    }


def describe(each: Mapping[str, Series]) -> dict[str, Any]:
    """Return the results as docs/results/page.json has them."""
    strokes, *others = GROUPS
    return {
        "strokes": len(each[strokes]),
        "milliseconds": summarise(each[strokes]),
        "panels": {name: summarise(each[name]) for name in others},
        "each": each[strokes],
        "each_panel": {name: each[name] for name in others},
    }


def format_table(results: Mapping[str, Any]) -> str:
    """Return the results as a Markdown table."""
    groups = {GROUPS[0]: results["milliseconds"]} | results["panels"]
    lines = ["| | goal | median | 90th percentile |", "| --- | --- | --- | --- |"]
    for text, group, part, goal in ROWS:
        unit = "" if part == "requests" else " ms"
        values = [f"{groups[group][part][value]:.0f}{unit}" for value in ("median", "p90")]
        lines.append(f"| {text} | {f'{goal}{unit}' if goal else ''} | {' | '.join(values)} |")
    return "\n".join(lines)


def make_snippets(results: Mapping[str, Any]) -> dict[str, str]:
    """Return what docs/performance.md quotes, by name."""
    machine = results["machine"]
    spent_ms = results["processor_ms"]
    cores = f"{machine['cores']} cores of a shared {machine['processor']}"
    return {
        "page/machine": f"{cores} with a load of {machine['load_before']} before",
        "page/strokes": str(results["strokes"]),
        "page/panels": str(len(results["each_panel"]["inside"])),
        "page/processor": " and ".join(f"{spent:.0f} ms of the {server}" for server, spent in spent_ms.items()),
        "page/table": f"\n\n{format_table(results)}\n",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.page_latency", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, help="of the ten digits, eleven strokes")
    parser.add_argument("--out", type=Path, default=OUT, help="another file leaves docs/performance.md as it is")
    return parser


if __name__ == "__main__":
    main()

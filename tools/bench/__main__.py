"""Benchmark the service against its own lower bounds and against other frameworks: `make bench`.

Run as `python -m tools.bench`; needs wrk, and .venv-bench for the other frameworks. The servers are measured in turns
within one run, since a machine's speed changes by the minute: compare ratios, not figures of different runs. Writes
docs/results/bench.json and docs/figures/bench.png.

    constant  a route of the same process that reads the upload and always gives the same answer
    decoded   the same, but it also decodes the picture, with OpenCV
    predict   the service's prediction
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final

import psutil
import requests

from src.launcher import clean_environment
from src.model.files import write_text_atomically
from src.settings import ROOT
from tests import pictures, released
from tests.servers import Server, free_port, running, service
from tools.bench.figure import draw
from tools.bench.load import Body, LoadResult, form, load, raw
from tools.machine import describe_machine

OUT: Final = ROOT / "docs" / "results" / "bench.json"
FIGURE: Final = ROOT / "docs" / "figures" / "bench.png"
RIVALS: Final = ROOT / ".venv-bench" / "bin" / "python"
SMALL: Final = "0.0.1"  # the course's CNN costs so little that the cost of everything else shows
CONNECTIONS: Final = (1, 8, 64)
ADDRESSES: Final = {"constant": "/floor/constant", "decoded": "/floor/decoded", "predict": "/api/v1/predict"}
LIBRARIES: Final = ("fastapi", "uvicorn", "httptools", "onnxruntime", "opencv-python-headless", "pillow")

Cell = tuple[str, str, int]  # network, picture, connections


@dataclass(frozen=True)
class Run:
    """One cell of the table."""

    server: str
    network: str
    picture: str
    connections: int
    answered: LoadResult


def main() -> None:
    """Measure, write the results, and print the ratios."""
    options = _parser().parse_args()
    measured_on = describe_machine(*LIBRARIES)
    networks = (SMALL, released.VERSION)
    measures = (measure_floors, measure_workers, measure_rivals)
    runs = [run for measure in measures for network in networks for run in measure(network, options)]
    ratios, cells = compute_ratios(runs), [asdict(run) for run in runs]
    results = {
        "machine": measured_on,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "start": [measure_start(network) for network in networks],
        "ratios": ratios,
        "runs": cells,
    }
    write_text_atomically(options.out, json.dumps(results, indent=1) + "\n")
    draw(cells, FIGURE)
    sys.stdout.write("\n".join(f"{name}: {value}" for name, value in ratios.items()) + "\n")
    sys.stdout.write(f"{json.dumps(results['start'])}\n")


@cache
def bodies() -> dict[str, Body]:
    """Return the request bodies by name."""
    digit, drawing = pictures.encoded(pictures.mnist(4)), pictures.encoded(pictures.drawn(4))
    canvas = pictures.encoded(pictures.drawn(4).convert("RGBA"))
    return {
        "28x28": form(digit),
        "280x280": form(drawing),
        "280x280 RGBA": form(canvas),
        "28x28 as body": raw(digit),
    }


def measure_floors(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of the service and of its lower bounds."""
    with running(_service("tools.bench.floors", network)) as server:
        for picture in bodies():
            for connections in CONNECTIONS:
                urls = {name: server.url + path for name, path in ADDRESSES.items()}
                yield from _in_turns(urls, (network, picture, connections), options)


def measure_workers(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of one worker and of two."""
    with (
        running(_service("src.app.serve", network)) as one,
        running(_service("src.app.serve", network, DIGITS_WORKERS="2")) as two,
    ):
        urls = {f"{name} worker": server.url + "/api/v1/predict" for name, server in (("one", one), ("two", two))}
        for picture in ("28x28", "280x280"):
            yield from _in_turns(urls, (network, picture, 64), options)


def measure_rivals(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of the service and of other frameworks with the same network and framing."""
    if not RIVALS.exists():
        sys.stdout.write("Other frameworks are left out: make .venv-bench installs them.\n")
        return
    model = f"model/mnist-{network}.json"
    lit, bento = free_port(), free_port()
    serve = ("bentoml", "serve", "tools.bench.with_bentoml:Digits", "--host", "127.0.0.1", "--port", str(bento))
    with (
        running(_service("src.app.serve", network)) as own,
        run_rival(("tools.bench.with_litserve", str(lit), model), lit, "/health"),
        run_rival(serve, bento, "/readyz", BENCH_MODEL=model, BENTOML_DO_NOT_TRACK="True"),
    ):
        ports = {"LitServe": lit, "BentoML": bento}
        urls = {name: f"http://127.0.0.1:{port}/predict" for name, port in ports.items()}
        urls = {"service": own.url + "/api/v1/predict"} | urls
        for picture in ("28x28", "280x280"):
            for connections in (8, 64):
                yield from _in_turns(urls, (network, picture, connections), options)


def measure_start(network: str) -> dict[str, object]:
    """Return the seconds from the start to the first prediction, and the memory of the idle process after it."""
    server = _service("src.app.serve", network)
    before = time.perf_counter()
    with running(server):
        requests.post(server.url + "/api/v1/predict", files={"file": pictures.encoded(pictures.drawn(4))}, timeout=10)
        seconds = time.perf_counter() - before
        resident = psutil.Process(server.pid).memory_info().rss
    return {"network": network, "first_answer_s": round(seconds, 2), "resident_mb": round(resident / 1e6)}


def compute_ratios(runs: list[Run]) -> dict[str, float]:
    """Return the ratios of the servers in `COMPARED` for requests per second and for the 99th percentile."""
    cells = {(run.server, run.network, run.picture, run.connections): run.answered for run in runs}
    ratios: dict[str, float] = {}
    for (server, network, picture, connections), mine in cells.items():
        for other_server in COMPARED.get(server, ()):
            theirs = cells[other_server, network, picture, connections]
            name = f"{network}, {picture}, {connections} at once: {server} / {other_server}"
            ratios[f"{name}, requests a second"] = round(mine.per_second / theirs.per_second, 3)
            ratios[f"{name}, p99"] = round(mine.p99_ms / theirs.p99_ms, 3)
    return ratios


COMPARED: Final = {
    "predict": ("constant", "decoded"),
    "two worker": ("one worker",),
    "service": ("LitServe", "BentoML"),
}


def _in_turns(urls: dict[str, str], cell: Cell, options: argparse.Namespace) -> Iterator[Run]:
    """Load the addresses in turns for several rounds, and yield the median run of each."""
    results: dict[str, list[LoadResult]] = {name: [] for name in urls}
    _, picture, connections = cell
    body = bodies()[picture]
    for url in urls.values():
        load(url, body, connections, 1)  # warms up
    for _ in range(options.rounds):
        for name, url in urls.items():
            results[name].append(load(url, body, connections, options.seconds))
    for name, answers in results.items():
        if any(answered.failed or not answered.per_second for answered in answers):
            raise SystemExit(f"{name} failed to answer: {answers}")
        middle = statistics.median_low([answered.per_second for answered in answers])
        run = Run(name, *cell, next(answered for answered in answers if answered.per_second == middle))
        sys.stderr.write(f"{run}\n")
        yield run


def _service(module: str, network: str, **settings: str) -> Server:
    return service(free_port(), module=module, DIGITS_MODEL_FILE=f"model/mnist-{network}.json", **settings)


@contextmanager
def run_rival(module: tuple[str, ...], port: int, ready: str, **settings: str) -> Iterator[None]:
    """Keep another framework's server up inside the block, then kill what it started, in other sessions too."""
    environment = clean_environment(**settings)
    server = Server(
        name=module[0],
        arguments=("-m", *module),
        port=port,
        health=ready,
        environment=environment,
        python=str(RIVALS),
    )
    with running(server):
        processes = psutil.Process(server.pid).children(recursive=True)
        yield
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=3, help="of load in each round")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


if __name__ == "__main__":
    main()

"""How fast the service is, beside what any service costs and beside other frameworks. `make bench`.

Everything is measured in one run, in turns, as this machine's speed changes by the minute: ratios are what to look at.
Writes docs/results/bench.json and docs/figures/bench.png.

    constant  an address of the same process that reads the same upload and answers always the same
    decoded   likewise, with the picture decoded by the fastest decoder known
    predict   the service's own answer
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
from src.model.files import write_whole
from src.settings import ROOT
from tests import pictures, released
from tests.servers import Server, free_port, running, service
from tools.bench.figure import draw
from tools.bench.load import Answered, Body, form, load, raw
from tools.machine import machine

OUT: Final = ROOT / "docs" / "results" / "bench.json"
FIGURE: Final = ROOT / "docs" / "figures" / "bench.png"
RIVALS: Final = ROOT / ".venv-bench" / "bin" / "python"
SMALL: Final = "0.0.1"  # the course's CNN: what the rest costs shows beside a network that costs little
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
    answered: Answered


def main() -> None:
    """Measure, print the ratios, write all of it."""
    options = _parser().parse_args()
    measured_on = machine(*LIBRARIES)
    networks = (SMALL, released.VERSION)
    runs = [run for network in networks for run in floors(network, options)]
    runs += [run for network in networks for run in workers(network, options)]
    runs += [run for network in networks for run in rivals(network, options)]
    compared, cells = ratios(runs), [asdict(run) for run in runs]
    found = {
        "machine": measured_on,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "start": [started(network) for network in networks],
        "ratios": compared,
        "runs": cells,
    }
    write_whole(options.out, json.dumps(found, indent=1) + "\n")
    draw(cells, FIGURE)
    sys.stdout.write("\n".join(f"{name}: {value}" for name, value in compared.items()) + "\n")
    sys.stdout.write(f"{json.dumps(found['start'])}\n")


@cache
def bodies() -> dict[str, Body]:
    """Return what is sent, by name."""
    digit, drawing = pictures.encoded(pictures.mnist(4)), pictures.encoded(pictures.drawn(4))
    canvas = pictures.encoded(pictures.drawn(4).convert("RGBA"))
    return {
        "28x28": form(digit),
        "280x280": form(drawing),
        "280x280 RGBA": form(canvas),
        "28x28 as body": raw(digit),
    }


def floors(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the service's runs beside its floors'."""
    with running(_service("tools.bench.floors", network)) as server:
        for picture in bodies():
            for connections in CONNECTIONS:
                urls = {name: server.url + path for name, path in ADDRESSES.items()}
                yield from _in_turns(urls, (network, picture, connections), options)


def workers(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of one worker and of two."""
    with (
        running(_service("src.app.serve", network)) as one,
        running(_service("src.app.serve", network, DIGITS_WORKERS="2")) as two,
    ):
        urls = {f"{name} worker": server.url + "/api/v1/predict" for name, server in (("one", one), ("two", two))}
        for picture in ("28x28", "280x280"):
            yield from _in_turns(urls, (network, picture, 64), options)


def rivals(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of the service and of other frameworks with the same network and framing."""
    if not RIVALS.exists():
        sys.stdout.write("Other frameworks are left out: make .venv-bench installs them.\n")
        return
    model = f"model/mnist-{network}.json"
    lit, bento = free_port(), free_port()
    serve = ("bentoml", "serve", "tools.bench.with_bentoml:Digits", "--host", "127.0.0.1", "--port", str(bento))
    with (
        running(_service("src.app.serve", network)) as own,
        other(("tools.bench.with_litserve", str(lit), model), lit, "/health"),
        other(serve, bento, "/readyz", BENCH_MODEL=model, BENTOML_DO_NOT_TRACK="True"),
    ):
        ports = {"LitServe": lit, "BentoML": bento}
        urls = {name: f"http://127.0.0.1:{port}/predict" for name, port in ports.items()}
        urls = {"service": own.url + "/api/v1/predict"} | urls
        for picture in ("28x28", "280x280"):
            for connections in (8, 64):
                yield from _in_turns(urls, (network, picture, connections), options)


def started(network: str) -> dict[str, object]:
    """Return how soon the first answer comes after a start, and the memory that the process takes then, at rest."""
    server = _service("src.app.serve", network)
    before = time.perf_counter()
    with running(server):
        requests.post(server.url + "/api/v1/predict", files={"file": pictures.encoded(pictures.drawn(4))}, timeout=10)
        seconds = time.perf_counter() - before
        resident = psutil.Process(server.pid).memory_info().rss
    return {"network": network, "first_answer_s": round(seconds, 2), "resident_mb": round(resident / 1e6)}


def ratios(runs: list[Run]) -> dict[str, float]:
    """Return the service beside its floors, two workers beside one, and the service beside the others."""
    cells = {(run.server, run.network, run.picture, run.connections): run.answered for run in runs}
    found: dict[str, float] = {}
    for (server, network, picture, connections), mine in cells.items():
        for other_server in COMPARED.get(server, ()):
            theirs = cells[other_server, network, picture, connections]
            name = f"{network}, {picture}, {connections} at once: {server} / {other_server}"
            found[f"{name}, requests a second"] = round(mine.per_second / theirs.per_second, 3)
            found[f"{name}, p99"] = round(mine.p99_ms / theirs.p99_ms, 3)
    return found


COMPARED: Final = {
    "predict": ("constant", "decoded"),
    "two worker": ("one worker",),
    "service": ("LitServe", "BentoML"),
}


def _in_turns(urls: dict[str, str], cell: Cell, options: argparse.Namespace) -> Iterator[Run]:
    """Load the addresses one after another, several rounds, and yield each one's median run."""
    found: dict[str, list[Answered]] = {name: [] for name in urls}
    _, picture, connections = cell
    body = bodies()[picture]
    for url in urls.values():
        load(url, body, connections, 1)  # warms up
    for _ in range(options.rounds):
        for name, url in urls.items():
            found[name].append(load(url, body, connections, options.seconds))
    for name, answers in found.items():
        if any(answered.failed or not answered.per_second for answered in answers):
            raise SystemExit(f"{name} failed to answer: {answers}")
        middle = statistics.median_low([answered.per_second for answered in answers])
        run = Run(name, *cell, next(each for each in answers if each.per_second == middle))
        sys.stderr.write(f"{run}\n")
        yield run


def _service(module: str, network: str, **settings: str) -> Server:
    return service(free_port(), module=module, DIGITS_MODEL_FILE=f"model/mnist-{network}.json", **settings)


@contextmanager
def other(module: tuple[str, ...], port: int, ready: str, **settings: str) -> Iterator[None]:
    """Keep another framework's server up inside the block, and end all its processes after."""
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

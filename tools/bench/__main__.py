"""Benchmark the service against its own lower bounds and against other frameworks: `make bench`.

Run as `python -m tools.bench`; needs wrk, and .venv-bench for the other frameworks. The servers are measured in turns
within one run, since a machine's speed changes by the minute: compare ratios, not figures of different runs. Writes
docs/results/bench.json and docs/figures/bench.png.

    bare      uvicorn alone: an application of ten lines reads the body and always gives the same answer
    constant  a route of the service's process that reads the upload and always gives the same answer
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
from tools.bench.load import Body, LoadResult, Target, form, load, raw
from tools.machine import describe_machine

OUT: Final = ROOT / "docs" / "results" / "bench.json"
FIGURE: Final = ROOT / "docs" / "figures" / "bench.png"
RIVALS: Final = ROOT / ".venv-bench" / "bin" / "python"
SMALL: Final = "0.0.1"  # the course's CNN costs so little that the cost of everything else shows
CONNECTIONS: Final = (8, 64)
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
        "280x280 as body": raw(drawing),
    }


def measure_floors(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of the service and of its lower bounds."""
    with (
        running(_service("tools.bench.floors", network)) as server,
        running(_service("tools.bench.bare", network)) as bare,
    ):
        targets = {name: Target(server.url + path, server.pid) for name, path in ADDRESSES.items()}
        for picture in ("28x28", "280x280", "280x280 RGBA", "28x28 as body"):
            for connections in CONNECTIONS:
                yield from _in_turns(targets | {"bare": _predict(bare)}, (network, picture, connections), options)


def measure_workers(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of one worker and of two."""
    with (
        running(_service("src.app.serve", network)) as one,
        running(_service("src.app.serve", network, DIGITS_WORKERS="2")) as two,
    ):
        targets = {"one worker": _predict(one), "two worker": _predict(two)}
        for picture in ("28x28", "280x280"):
            yield from _in_turns(targets, (network, picture, 64), options)


def measure_rivals(network: str, options: argparse.Namespace) -> Iterator[Run]:
    """Yield the runs of the service and of other frameworks with the same network and framing."""
    if not RIVALS.exists():
        sys.stdout.write("Other frameworks are left out: make .venv-bench installs them.\n")
        return
    model = f"model/mnist-{network}.json"
    lit, bento, mosec = free_port(), free_port(), free_port()
    address = ("--host", "127.0.0.1", "--port", str(bento))
    serve = ("bentoml", "serve", "tools.bench.with_bentoml:Digits", *address)
    mosec_address = ("--address", "127.0.0.1", "--port", str(mosec))
    with (
        running(_service("src.app.serve", network)) as own,
        run_rival(("tools.bench.with_litserve", str(lit), model), lit, "/health") as with_litserve,
        run_rival(serve, bento, "/readyz", BENCH_MODEL=model, BENTOML_DO_NOT_TRACK="True") as with_bentoml,
        run_rival(("tools.bench.with_mosec", *mosec_address), mosec, "/metrics", BENCH_MODEL=model) as with_mosec,
    ):
        forms = {
            "service": _predict(own),
            "LitServe": Target(f"http://127.0.0.1:{lit}/predict", with_litserve),
            "BentoML": Target(f"http://127.0.0.1:{bento}/predict", with_bentoml),
        }
        bodies_only = {"service": _predict(own), "Mosec": Target(f"http://127.0.0.1:{mosec}/inference", with_mosec)}
        for connections in (8, 64):
            for picture in ("28x28", "280x280"):
                yield from _in_turns(forms, (network, picture, connections), options)
                yield from _in_turns(bodies_only, (network, f"{picture} as body", connections), options)


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
            theirs = cells.get((other_server, network, picture, connections))
            if theirs is None:  # Mosec takes bodies only, the others forms
                continue
            name = f"{network}, {picture}, {connections} at once: {server} / {other_server}"
            ratios[f"{name}, requests a second"] = round(mine.per_second / theirs.per_second, 3)
            ratios[f"{name}, p99"] = round(mine.p99_ms / theirs.p99_ms, 3)
            ratios[f"{name}, CPU time a request"] = round(mine.cpu_us / theirs.cpu_us, 3)
    return ratios


COMPARED: Final = {
    "predict": ("constant", "decoded", "bare"),
    "two worker": ("one worker",),
    "service": ("LitServe", "BentoML", "Mosec"),
}


def _in_turns(targets: dict[str, Target], cell: Cell, options: argparse.Namespace) -> Iterator[Run]:
    """Load the addresses in turns for several rounds, and yield the median run of each."""
    results: dict[str, list[LoadResult]] = {name: [] for name in targets}
    _, picture, connections = cell
    body = bodies()[picture]
    for target in targets.values():
        load(target, body, connections, 1)  # warms up
    for _ in range(options.rounds):
        for name, target in targets.items():
            results[name].append(load(target, body, connections, options.seconds))
    for name, answers in results.items():
        if any(answered.failed or not answered.per_second for answered in answers):
            raise SystemExit(f"{name} failed to answer: {answers}")
        middle = statistics.median_low([answered.per_second for answered in answers])
        run = Run(name, *cell, next(answered for answered in answers if answered.per_second == middle))
        sys.stderr.write(f"{run}\n")
        yield run


def _predict(server: Server) -> Target:
    return Target(server.url + "/api/v1/predict", server.pid)


def _service(module: str, network: str, **settings: str) -> Server:
    return service(free_port(), module=module, DIGITS_MODEL_FILE=f"model/mnist-{network}.json", **settings)


@contextmanager
def run_rival(module: tuple[str, ...], port: int, ready: str, **settings: str) -> Iterator[int]:
    """Keep another framework's server up inside the block, then kill what it started, in other sessions too.

    Yields the id of its first process.
    """
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
        yield server.pid
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=2, help="of load in each round")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


if __name__ == "__main__":
    main()

"""Benchmark the service on Ray Serve against plain uvicorn: `python -m tools.bench.with_ray`; needs wrk and Ray.

The servers are measured in turns within one run, as in `tools.bench`, each with one process that reads pictures. Writes
docs/results/ray-serve.json.

    constant        a route of the service's process that reads the upload and always gives the same answer
    uvicorn         the service's prediction
    Ray Serve       the same, with Ray's defaults
    Ray, fast path  the same, without a thread between Ray's and the service's event loop, and with gRPC to the replica
"""

import argparse
import json
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import psutil

from src.model.files import write_text_atomically
from src.settings import ROOT
from tests import pictures
from tests.servers import Server, free_port, running, service
from tools.bench.load import LoadResult, Target, form, load
from tools.machine import describe_machine

OUT: Final = ROOT / "docs" / "results" / "ray-serve.json"
NETWORKS: Final = ("0.0.1", "1.4.0")
CONNECTIONS: Final = 8
LIBRARIES: Final = ("ray", "fastapi", "uvicorn", "httptools", "onnxruntime")
FAST_PATH: Final = {
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    "RAY_SERVE_REQUEST_PATH_LOG_BUFFER_SIZE": "1000",
}


def main() -> None:
    """Measure, write the results, and print them."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.with_ray")
    parser.add_argument("--seconds", type=int, default=3, help="of load in each round")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    machine = describe_machine(*LIBRARIES)
    results = {network: measure(network, options.seconds, options.rounds) for network in NETWORKS}
    written = {"machine": machine, "connections": CONNECTIONS, "picture": "28x28 in a form", "networks": results}
    write_text_atomically(options.out, json.dumps(written, indent=1) + "\n")
    for network, servers in results.items():
        for name, measured in servers.items():
            sys.stdout.write(f"{network:<6} {name:<15} {measured}\n")


def measure(network: str, seconds: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the median round of each server by requests per second, its share of the floor, and its memory."""
    settings = {"DIGITS_MODEL_FILE": f"model/mnist-{network}.json", "DIGITS_LOG_LEVEL": "warning"}
    plain = service(free_port(), module="tools.bench.floors", **settings)
    ray = service(free_port(), module="tests.ray_service", **settings)
    fast = service(free_port(), module="tests.ray_service", **settings, **FAST_PATH)
    with running(plain), running(ray), running(fast):
        servers = {"constant": plain, "uvicorn": plain, "Ray Serve": ray, "Ray, fast path": fast}
        paths = {name: "/floor/constant" if name == "constant" else "/api/v1/predict" for name in servers}
        targets = {name: Target(server.url + paths[name], server.pid) for name, server in servers.items()}
        medians = measure_in_turns(targets, seconds, rounds)
        floor = medians["constant"].per_second
        return {
            name: {key: round(value, 1) for key, value in asdict(median).items()}
            | {"share_of_constant": round(median.per_second / floor, 3), "memory_mb": measure_memory(servers[name])}
            for name, median in medians.items()
        }


def measure_in_turns(targets: dict[str, Target], seconds: int, rounds: int) -> dict[str, LoadResult]:
    """Load the addresses in turns, and return the median run of each."""
    body = form(pictures.encoded(pictures.mnist(4)))
    results: dict[str, list[LoadResult]] = {name: [] for name in targets}
    for target in targets.values():
        load(target, body, CONNECTIONS, 1)  # warms up
    for _ in range(rounds):
        for name, target in targets.items():
            results[name].append(load(target, body, CONNECTIONS, seconds))
    if any(run.failed for runs in results.values() for run in runs):
        raise SystemExit(f"Some requests failed: {results}")
    middle = {name: statistics.median_low([run.per_second for run in runs]) for name, runs in results.items()}
    return {name: next(run for run in runs if run.per_second == middle[name]) for name, runs in results.items()}


def measure_memory(server: Server) -> int:
    """Return the memory of a server with its children in MB; what they share counts once."""
    process = psutil.Process(server.pid)
    return round(sum(each.memory_full_info().pss for each in (process, *process.children(recursive=True))) / 1e6)


if __name__ == "__main__":
    main()

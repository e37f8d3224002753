"""Benchmark offline scoring end to end, with processes and on Ray: `make bench-score`.

Run as `python -m tools.bench_score`; a million pictures take about twenty minutes on two cores. Each run is compared
with bare loops before it, after it, and once a minute in between, while it pauses: a machine's speed changes all the
time. Writes the key `scoring` of docs/results/scale.json, and docs/figures/scoring-memory.png.
"""

import argparse
import json
import statistics
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from src.model.cores import count_cores
from src.model.files import write_text_atomically
from src.model.scoring.manifest import SHARD_SIZE
from src.settings import PLOTS_DIR, RESULTS_DIR
from tests.model.scoring.ray_cluster import Cluster
from tools.bench_score.digits import make
from tools.bench_score.figure import draw
from tools.bench_score.measure import Bare, Run, find_on_ray, find_processes, run_bare, run_score
from tools.machine import describe_machine

RESULTS: Final = RESULTS_DIR / "scale.json"
PLOT: Final = PLOTS_DIR / "scoring-memory.png"
LIBRARIES: Final = ("onnxruntime", "opencv-python-headless", "numpy", "pyarrow", "ray")

BARE: Final = 10_000  # pictures for the bare loop, at most: five seconds
PART: Final = 10  # one worker scores the pictures divided by this
TINY: Final = 5  # pictures in the shards that show what the driver takes for each
TINY_SHARDS: Final = (200, 2_000)  # the difference is without what every run takes
NODES: Final = (10, 100, 1000)
NODE_CORES: Final = 8


def main() -> None:
    """Measure, write the results, and print them."""
    parser = argparse.ArgumentParser(description="Benchmark offline scoring.")
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    machine = describe_machine(*LIBRARIES)
    everything, part = make(options.pictures), make(options.pictures // PART)

    count = min(BARE, options.pictures)
    bare = partial(run_bare, everything, count)
    runs = {
        "one process": _score(part, 1, bare=bare),
        "processes": _score(everything, count_cores(), bare=bare),
    }
    tiny = {"processes": [_score_tiny(shards) for shards in TINY_SHARDS]}
    twice = bare(count_cores())
    with Cluster() as cluster:
        for _ in range(count_cores()):
            cluster.add_node()
        ray = ("--launcher", "ray", "--address", cluster.address)
        runs["Ray"] = _score(everything, count_cores(), *ray, bare=bare)
        tiny["Ray"] = [_score_tiny(shards, *ray) for shards in TINY_SHARDS]

    report = summarise(count, twice, runs, tiny)
    plot = PLOT if options.out == RESULTS else options.out.with_suffix(".png")
    draw({name: run for name, run in runs.items() if name != "one process"}, plot)
    content = json.loads(options.out.read_text()) if options.out.exists() else {}
    content["scoring"] = {"machine": machine, "pictures": options.pictures, "shard_size": SHARD_SIZE} | report
    write_text_atomically(options.out, json.dumps(content, indent=1) + "\n")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def _score(source: Path, workers: int, *arguments: str, bare: Bare | None = None) -> Run:
    """Score all pictures of `source`; if `bare` is given, with that loop before, in between and after."""
    find = find_on_ray if "ray" in arguments else find_processes
    sys.stderr.write(f"{source.name}, {workers} workers {' '.join(arguments)}\n")
    before = bare() if bare else []
    run = run_score(source, workers, arguments, find, bare)
    run.bare = before + run.bare + (bare() if bare else [])
    return run


def _score_tiny(shards: int, *arguments: str) -> Run:
    return _score(make(shards * TINY), count_cores(), "--shard-size", str(TINY), *arguments)


def summarise(
    count: int, twice: list[dict[str, float]], runs: dict[str, Run], tiny: dict[str, list[Run]]
) -> dict[str, Any]:
    """Return the results as they are written; each run is compared with the mean of its own bare loops."""
    loop = {name: count / statistics.mean(bare["wall_s"] for bare in run.bare) for name, run in runs.items()}
    loop_cpu = {name: count / statistics.mean(bare["cpu_s"] for bare in run.bare) for name, run in runs.items()}
    twice_rate = count / statistics.mean(run["wall_s"] for run in twice)
    shares = {name: run.per_second_and_core / loop[name] for name, run in runs.items()}
    workers = runs["processes"].workers
    ratios = {
        "processes / bare loop, pictures per second and core": shares["processes"],
        "Ray / bare loop, pictures per second and core": shares["Ray"],
        "one process / bare loop, pictures per second": shares["one process"],
        "all workers / one worker, each beside its bare loops": workers * shares["processes"] / shares["one process"],
        "all bare loops at once / one bare loop": workers * twice_rate / loop["processes"],
    } | {
        f"{name} / bare loop, pictures per processor second": _per_cpu_second(runs[name]) / loop_cpu[name]
        for name in ("processes", "Ray")
    }
    return {
        "bare_loop": {
            "pictures": count,
            "per_second": {name: round(rate, 1) for name, rate in loop.items()},
            "per_cpu_second": {name: round(rate, 1) for name, rate in loop_cpu.items()},
            "at_once": twice,
        },
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "runs": {name: describe(run) for name, run in runs.items()},
        "driver": {
            name: extrapolate(few, many, runs["processes"].per_second_and_core) for name, (few, many) in tiny.items()
        },
    }


def _per_cpu_second(run: Run) -> float:
    """Return the pictures per second of processor time, of the driver, the workers and the rest."""
    return run.pictures / sum(run.cpu_s.values())


def describe(run: Run) -> dict[str, Any]:
    """Return a run as it is written; of the memory, only the peaks."""
    fields = {name: value for name, value in asdict(run).items() if name not in ("seconds", "memory_mb")}
    rounded = {
        name: {role: round(number, 2) for role, number in value.items()} if isinstance(value, dict) else value
        for name, value in fields.items()
    }
    return rounded | {
        "wall_s": round(run.wall_s, 2),
        "per_second": round(run.per_second_and_core * run.workers, 1),
        "per_second_and_core": round(run.per_second_and_core, 1),
    }


def extrapolate(few: Run, many: Run, per_core: float) -> dict[str, Any]:
    """Return what the driver takes for a shard, and so for many nodes that score `per_core` pictures a second and core.

    Includes its part in the counts at the end, and on Ray the process that knows all nodes and tasks (GCS).
    """
    spent = [sum(run.cpu_s.get(role, 0.0) for role in ("driver", "gcs")) for run in (few, many)]
    cost = (spent[1] - spent[0]) / (many.shards - few.shards)
    shards_of_node = NODE_CORES * per_core / SHARD_SIZE
    return {
        "shards": [few.shards, many.shards],
        "cpu_ms_a_shard": round(cost * 1000, 3),
        "node_cores": NODE_CORES,
        "cores_of_the_driver": {str(nodes): round(nodes * shards_of_node * cost, 3) for nodes in NODES},
        "largest_number_of_nodes": int(1 / (cost * shards_of_node)),
    }


if __name__ == "__main__":
    main()

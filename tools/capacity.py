"""Calculate the cores for a load from what one core was measured to do: `python -m tools.capacity --help`.

Reads docs/results/bench.json (processor time of a request), page.json (of a stroke on the page) and scale.json
(pictures scored per second and core), and prints tables in Markdown, which docs/scale.md quotes.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from src.settings import RESULTS_DIR

UTILISATION: Final = 0.7  # of a core at which the autoscaler adds a pod: deploy/kubernetes/base/api.yaml
POD_MB: Final = 512  # its memory limit, in the same file
MONTH_H: Final = 730
CONNECTIONS: Final = 8
PICTURES: Final = {"28x28": "an MNIST file", "280x280": "a grey drawing", "280x280 RGBA": "a drawing from the page"}
KEYS: Final = ("server", "network", "picture", "connections")


@dataclass(frozen=True)
class Plan:
    """What is to be done, and the price of a core."""

    requests: float  # per second
    people: float  # who draw on the page at once
    pause: float  # between two strokes of one of them, in seconds
    pictures: float  # to be scored
    hours: float  # for all pictures
    price: float  # of a core for an hour


def serving_rows(bench: dict[str, Any], plan: Plan) -> Iterator[str]:
    """Yield a row for each kind of picture: how many pods answer the requests."""
    network = bench["start"][-1]["network"]
    yield f"| a request with | processor time | pods for {plan.requests:,.0f}/s | memory | a month at that rate |"
    yield "| --- | --- | --- | --- | --- |"
    for picture, title in PICTURES.items():
        wanted = ("predict", network, picture, CONNECTIONS)
        (run,) = [run for run in bench["runs"] if tuple(run[key] for key in KEYS) == wanted]
        seconds = run["answered"]["cpu_us"] / 1e6
        pods = math.ceil(plan.requests * seconds / UTILISATION)
        yield (
            f"| {title}, {picture} | {seconds * 1e6:,.0f} µs | {pods} | {pods * POD_MB / 1024:.1f} GiB "
            f"| {pods * MONTH_H * plan.price:,.0f} |"
        )


def page_rows(page: dict[str, Any], plan: Plan) -> Iterator[str]:
    """Yield a row for each server: how many cores people keep busy who draw on the page."""
    yield f"| server | processor time of a stroke | pods for {plan.people:,.0f} people | a month at that rate |"
    yield "| --- | --- | --- | --- |"
    for server, spent_ms in page["processor_ms"].items():
        pods = math.ceil(plan.people / plan.pause * spent_ms / 1000 / UTILISATION)
        yield f"| {server} | {spent_ms:.0f} ms | {pods:,} | {pods * MONTH_H * plan.price:,.0f} |"


def scoring_rows(scoring: dict[str, Any], plan: Plan) -> Iterator[str]:
    """Yield a row for each launcher: how many cores score the pictures in time."""
    yield (
        f"| launcher | pictures per second and core | core hours for {plan.pictures:,.0f} | cores for {plan.hours:g} h "
        f"| driver, of a core | price |"
    )
    yield "| --- | --- | --- | --- | --- | --- |"
    for launcher in ("processes", "Ray"):
        rate = scoring["runs"][launcher]["per_second_and_core"]
        core_hours = plan.pictures / rate / 3600
        cores = math.ceil(core_hours / plan.hours)
        shards_per_s = plan.pictures / scoring["shard_size"] / (plan.hours * 3600)
        driver = shards_per_s * scoring["driver"][launcher]["cpu_ms_a_shard"] / 1000
        price = f"{core_hours * plan.price:,.2f}"
        yield f"| {launcher} | {rate:,.0f} | {core_hours:,.0f} | {cores} | {driver:.4f} | {price} |"


def driver_rows(scoring: dict[str, Any]) -> Iterator[str]:
    """Yield a row for each launcher: the share of a core that the driver takes for many nodes."""
    nodes = list(scoring["driver"]["processes"]["cores_of_the_driver"])
    yield f"| launcher | a shard takes of the driver | {' | '.join(f'{int(count):,} nodes' for count in nodes)} |"
    yield f"| --- | --- {'| --- ' * len(nodes)}|"
    for launcher in ("processes", "Ray"):
        driver = scoring["driver"][launcher]
        cores = " | ".join(f"{driver['cores_of_the_driver'][count]:.3f}" for count in nodes)
        yield f"| {launcher} | {driver['cpu_ms_a_shard']:.2f} ms | {cores} |"


def main(arguments: list[str] | None = None, results: Path = RESULTS_DIR) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tools.capacity", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=float, default=10_000, help="per second (default: %(default)s)")
    parser.add_argument("--people", type=float, default=10_000, help="who draw at once (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=3, help="between their strokes, in s (default: %(default)s)")
    parser.add_argument("--pictures", type=float, default=100_000_000, help="to score (default: %(default)s)")
    parser.add_argument("--hours", type=float, default=8, help="to score them in (default: %(default)s)")
    parser.add_argument("--price", type=float, default=0.05, help="of a core for an hour (default: %(default)s)")
    plan = Plan(**vars(parser.parse_args(arguments)))
    bench, page, scale = (json.loads((results / f"{name}.json").read_text()) for name in ("bench", "page", "scale"))
    scoring = scale["scoring"]
    tables = (serving_rows(bench, plan), page_rows(page, plan), scoring_rows(scoring, plan), driver_rows(scoring))
    sys.stdout.write("\n\n".join("\n".join(rows) for rows in tables) + "\n")


if __name__ == "__main__":
    main()

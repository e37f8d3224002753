"""CNN against MLP, on pictures as they are, with their pixels permuted, and with the layout found again.

    python -m src.model.compare --recipe course --seeds 5

Each seed has weights, order and a permutation of its own, the same for every cell. The official test set is scored once
a run, with its final weights, and chooses nothing. Writes docs/results/compare.json, which later runs of other recipes
add to, and compare.md, its table.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from tqdm import tqdm

from src.model import networks
from src.model.augment import NONE
from src.model.dataset import Mnist, load
from src.model.errors import DigitError
from src.model.evaluate import figures
from src.model.fit import COURSE, Recipe, fit, logits_of
from src.model.unscramble import recover_layout
from src.settings import ROOT, get_settings

Layout = Literal["given", "permuted", "recovered"]

RESULTS = ROOT / "docs" / "results"
CELLS: tuple[tuple[str, Layout], ...] = (
    ("cnn", "given"),
    ("mlp", "given"),
    ("cnn", "permuted"),
    ("mlp", "permuted"),
    ("cnn", "recovered"),
)
RECIPES = {"course": COURSE, "best": Recipe()}


class Run(BaseModel):
    """One network trained once."""

    model_config = ConfigDict(frozen=True)

    recipe: str
    network: str
    layout: Layout
    seed: int
    parameters: int
    test_loss: float
    test_accuracy: float  # 0..1
    seconds: float  # of training, and of finding the layout where it was lost


def permutation(seed: int) -> Tensor:
    """Return the order, a permutation of 0..783, that hides the layout in all runs of this seed."""
    return torch.from_numpy(np.random.default_rng([784, seed]).permutation(784))


def laid_out(mnist: Mnist, layout: Layout, seed: int) -> Mnist:
    """Return MNIST as it is, permuted, or permuted and recovered from the permuted training pictures alone."""
    if layout == "given":
        return mnist
    hidden = mnist.rearranged(permutation(seed))
    if layout == "permuted":
        return hidden
    places = recover_layout(hidden.train.images.flatten(1).numpy())
    return hidden.rearranged(torch.from_numpy(np.argsort(places)))


def recipe_for(name: str, network: str, layout: Layout) -> Recipe:
    """Return the recipe; distortions move pixels to their neighbours, which a permuted picture doesn't have."""
    recipe = RECIPES[name]
    return recipe if network == "cnn" and layout != "permuted" else replace(recipe, distortion=NONE)


def run(mnist: Mnist, recipe: str, network: str, layout: Layout, seed: int) -> Run:
    """Train and score one network."""
    start = time.perf_counter()
    data = laid_out(mnist, layout, seed)
    net = networks.seeded(network, seed)
    fit(net, data, recipe_for(recipe, network, layout), seed, lambda _loss, _accuracy: None)
    seconds = time.perf_counter() - start
    scored = figures(logits_of(net, data.test).numpy(), data.test.labels.numpy())
    return Run(
        recipe=recipe,
        network=network,
        layout=layout,
        seed=seed,
        parameters=networks.count_parameters(net),
        test_loss=scored.loss,
        test_accuracy=scored.accuracy,
        seconds=round(seconds, 2),
    )


def table(runs: Iterable[Run]) -> str:
    """Return mean ± standard deviation over the seeds of each cell, as Markdown."""
    cells: dict[tuple[str, str, str], list[Run]] = {}
    for one in runs:
        cells.setdefault((one.recipe, one.network, one.layout), []).append(one)
    lines = [
        "| recipe | network | layout | seeds | parameters | test loss | test accuracy | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (recipe, network, layout), found in cells.items():
        loss, accuracy = (
            _spread([one.test_loss for one in found], 4),
            _spread([100 * one.test_accuracy for one in found], 2),
        )
        seconds = np.mean([one.seconds for one in found])
        sizes = f"{len(found)} | {found[0].parameters:,}"
        lines.append(f"| {recipe} | {network} | {layout} | {sizes} | {loss} | {accuracy} % | {seconds:.1f} |")
    return "\n".join(lines) + "\n"


def _spread(values: list[float], digits: int) -> str:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def merged(folder: Path, new: list[Run], recipe: str) -> list[Run]:
    """Return the runs of other recipes that `folder` holds, and the new ones."""
    path = folder / "compare.json"
    old = [Run.model_validate(one) for one in json.loads(path.read_text())["runs"]] if path.exists() else []
    return [one for one in old if one.recipe != recipe] + new


def save(folder: Path, runs: list[Run]) -> None:
    """Write compare.json and compare.md, each appearing whole."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"runs": [one.model_dump() for one in runs]}, indent=1) + "\n"
    for name, text in (("compare.json", content), ("compare.md", table(runs))):
        part = folder / f".{name}.part"
        part.write_text(text)
        part.replace(folder / name)


def main(arguments: list[str] | None = None) -> int:
    """Run every cell for every seed, print the table and save it."""
    options = _parser().parse_args(arguments)
    torch.use_deterministic_algorithms(True)
    try:
        mnist = load(get_settings().data_dir)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    wanted = [(network, layout, seed) for network, layout in CELLS for seed in range(options.seeds)]
    runs = [run(mnist, options.recipe, *one) for one in tqdm(wanted, unit="run")]
    save(options.out, merged(options.out, runs, options.recipe))
    sys.stdout.write(table(runs))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m src.model.compare", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="course")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each cell")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the results")
    return parser


if __name__ == "__main__":
    sys.exit(main())

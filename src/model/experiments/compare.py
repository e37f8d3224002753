"""CNN against MLP, on pictures as they are, with their pixels permuted, and with the layout found again.

    python -m src.model.experiments.compare --recipe course --seeds 5      minutes
    python -m src.model.experiments.compare --recipe best --seeds 5        about an hour; --resume continues

Each seed has weights, order and a permutation of its own, the same for every cell. The official test set is scored once
a run, with its final weights, and chooses nothing. Writes docs/results/compare.json, which later runs of other recipes
add to, compare.md, its table, and figures under docs/figures.
"""

import argparse
import sys
from pathlib import Path

from src.model.errors import DigitError
from src.model.experiments import figures, results
from src.model.experiments.results import Layout, Results
from src.model.experiments.runs import RECIPES, RunConfig, Trained, permutation, train, whole_mnist
from src.model.parallel import in_parallel
from src.settings import PLOTS_DIR, RESULTS_DIR, ROOT

KEPT = ROOT / "data" / "compare"  # what each run left: weights and logits

COMMON: tuple[tuple[str, Layout], ...] = (
    ("cnn", "given"),
    ("mlp", "given"),
    ("cnn", "permuted"),
    ("mlp", "permuted"),
    ("cnn", "recovered"),
)
CELLS = {"course": COMMON, "best": (*COMMON, ("sparse", "given"), ("sparse", "permuted"))}


def wanted(recipe: str, seeds: int) -> list[RunConfig]:
    """Return what is to be trained."""
    return [RunConfig(recipe, network, layout, seed) for network, layout in CELLS[recipe] for seed in range(seeds)]


def trained(cells: list[RunConfig], kept: Path, resume: bool) -> list[Trained]:
    """Train the cells, and keep each in `kept` as soon as it is done.

    With `resume`, cells that `kept` holds are read, not trained.
    """
    if not resume:
        for cell in cells:
            _path(kept, cell).unlink(missing_ok=True)
    missing = [(cell, _path(kept, cell)) for cell in cells if not _path(kept, cell).exists()]
    missing.sort(key=lambda task: task[0].network == "mlp")  # the short ones last: no core then waits long for another
    for _ in in_parallel(_train_and_keep, missing):
        pass
    return [Trained.load(_path(kept, cell)) for cell in cells]


def _train_and_keep(task: tuple[RunConfig, Path]) -> None:
    cell, path = task
    train(whole_mnist(), cell).save(path)


def _path(kept: Path, cell: RunConfig) -> Path:
    return kept / f"{cell.name}.pt"


def main(arguments: list[str] | None = None) -> int:
    """Train every cell for every seed, print the table, save it and draw the figures."""
    options = _parser().parse_args(arguments)
    try:
        mnist = whole_mnist()  # fetched here, once, not by every process
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found = trained(wanted(options.recipe, options.seeds), KEPT, options.resume)
    new = _results(found, options.seeds)
    results.write(results.read(options.out).replaced(options.recipe, new), options.out)
    figures.draw(mnist, found, options.figures / options.recipe)
    sys.stdout.write(results.table(new.runs))
    return 0


def _results(found: list[Trained], seeds: int) -> Results:
    orders = {seed: permutation(seed).tolist() for seed in range(seeds)}
    return Results(runs=[one.run for one in found], permutations=orders)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.experiments.compare", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="course")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each cell")
    parser.add_argument("--resume", action="store_true", help="keep the runs that an earlier, stopped call finished")
    parser.add_argument("--out", type=Path, default=RESULTS_DIR, help="the folder for the results")
    parser.add_argument(
        "--figures", type=Path, default=PLOTS_DIR, help="the folder for the figures, one inside a recipe"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Compare CNN and MLP on given, permuted and recovered layouts of the pixels.

    python -m src.model.experiments.compare --recipe course --seeds 5      minutes
    python -m src.model.experiments.compare --recipe best --seeds 5        about an hour; --resume continues

Each seed determines initial weights, order of the pictures and permutation of the pixels, for all networks and layouts.
The official test set is scored once per run, with the final weights, and selects nothing. Writes
docs/results/compare.json, where the other recipe's runs stay, its table compare.md, and figures under docs/figures.
"""

import argparse
import sys
from pathlib import Path

from src.model.errors import DigitError
from src.model.experiments import figures, results
from src.model.experiments.results import Layout, Results
from src.model.experiments.runs import RECIPES, RunConfig, TrainedRun, load_mnist_once, make_permutation, train_run
from src.model.parallel import in_parallel
from src.settings import PLOTS_DIR, RESULTS_DIR, ROOT

RUNS_DIR = ROOT / "data" / "compare"  # a file for each run, with weights and logits

COMMON: tuple[tuple[str, Layout], ...] = (
    ("cnn", "given"),
    ("mlp", "given"),
    ("cnn", "permuted"),
    ("mlp", "permuted"),
    ("cnn", "recovered"),
)
NETWORKS_AND_LAYOUTS = {"course": COMMON, "best": (*COMMON, ("sparse", "given"), ("sparse", "permuted"))}


def list_runs(recipe: str, seeds: int) -> list[RunConfig]:
    """Return the runs of a recipe: every network, layout and seed."""
    return [
        RunConfig(recipe, network, layout, seed)
        for network, layout in NETWORKS_AND_LAYOUTS[recipe]
        for seed in range(seeds)
    ]


def train_missing(configs: list[RunConfig], folder: Path) -> list[TrainedRun]:
    """Train in parallel the runs that have no file in `folder`, save each when it is done, and load them all."""
    missing = [config for config in configs if not run_path(folder, config).exists()]
    missing.sort(key=lambda config: config.network == "mlp")  # the shortest last, so that no core is idle for long
    for _ in in_parallel(_train_and_save, [(config, run_path(folder, config)) for config in missing]):
        pass
    return [TrainedRun.load(run_path(folder, config)) for config in configs]


def run_path(folder: Path, config: RunConfig) -> Path:
    """Return the file of a run in `folder`."""
    return folder / f"{config.name}.pt"


def _train_and_save(task: tuple[RunConfig, Path]) -> None:
    config, path = task
    train_run(load_mnist_once(), config).save(path)


def main(arguments: list[str] | None = None) -> int:
    """Train all runs, print and save the table, and draw the figures; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        mnist = load_mnist_once()  # downloads it once, not in every process
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    configs = list_runs(options.recipe, options.seeds)
    if not options.resume:
        for config in configs:
            run_path(RUNS_DIR, config).unlink(missing_ok=True)
    trained = train_missing(configs, RUNS_DIR)
    permutations = {seed: make_permutation(seed).tolist() for seed in range(options.seeds)}
    new = Results(runs=[item.run for item in trained], permutations=permutations)
    results.write(results.read(options.out).replace_recipe(options.recipe, new), options.out)
    figures.draw_all(mnist, trained, options.figures / options.recipe)
    sys.stdout.write(results.format_table(new.runs))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m src.model.experiments.compare", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="course")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each network and layout")
    parser.add_argument("--resume", action="store_true", help="keep the runs that an interrupted call finished")
    parser.add_argument("--out", type=Path, default=RESULTS_DIR, help="folder for the results")
    parser.add_argument("--figures", type=Path, default=PLOTS_DIR, help="folder for the figures, by recipe")
    return parser


if __name__ == "__main__":
    sys.exit(main())

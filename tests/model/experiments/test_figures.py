from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from src.model.data.mnist import Mnist
from src.model.evaluation import plots
from src.model.experiments import figures, runs
from src.model.experiments.compare import COMMON
from src.model.experiments.runs import RunConfig, train_run
from src.model.training.fit import Recipe
from src.settings import PLOTS_DIR

NAMES = {"learning", "permuted", "filters", "confusion", "per-digit", "mistakes", "calibration"}


def test_every_figure_is_drawn_and_not_empty(
    few_digits: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runs.RECIPES, "course", Recipe(epochs=2, batch=20))
    monkeypatch.setattr(runs, "recover_layout", lambda _: np.arange(784))
    trained = [train_run(few_digits, RunConfig("course", network, layout, 0)) for network, layout in COMMON]
    figures.draw_all(few_digits, trained, tmp_path)
    drawn = {path.stem: Image.open(path) for path in tmp_path.glob("*.png")}
    assert set(drawn) == NAMES
    assert all(image.width > 300 and image.getextrema() != ((255, 255),) * 4 for image in drawn.values())


def test_mistakes_start_with_the_least_probability_of_the_right_digit(few_digits: Mnist) -> None:
    probabilities = np.full((len(few_digits.test), 10), 0.05)
    labels = few_digits.test.labels.numpy()
    probabilities[np.arange(len(labels)), labels] = 0.55
    probabilities[3] = np.eye(10)[(labels[3] + 1) % 10]
    titles = [axes.get_title() for axes in plots.draw_mistakes(probabilities, few_digits.test).axes]
    assert titles[0] == f"{(labels[3] + 1) % 10}: 100.0%\nis {labels[3]}: 0.0%"
    assert not any(titles[1:])


def test_failed_figure_leaves_no_file(tmp_path: Path) -> None:
    def fails() -> Figure:
        raise RuntimeError("out of ink")

    with pytest.raises(RuntimeError):
        plots.save_figure(fails, tmp_path / "one.png")
    assert not list(tmp_path.iterdir())


def test_all_figures_are_committed() -> None:
    assert {path.stem for path in (PLOTS_DIR / "best").iterdir()} == NAMES
    assert (PLOTS_DIR / "recovery.png").exists()

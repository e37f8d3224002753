from dataclasses import replace
from pathlib import Path

import pytest
import torch

from src.model.errors import DigitError
from src.model.training import seeds
from src.model.training.fit_resumable import TrainingConfig, TrainingData, TrainingResult
from src.model.training.seeds import SeedResult, SeedResults, load_or_train

CONFIG = TrainingConfig("micro", epochs=2, mnist=10)


@pytest.fixture
def trained(training_data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingResult:
    """Return a network that was just trained and saved in `tmp_path / "seeds"`."""
    monkeypatch.setattr(seeds, "load_mnist", lambda _: training_data.mnist)
    monkeypatch.setattr(seeds, "load_training_data", lambda *_: training_data)
    monkeypatch.setattr(seeds, "CHECKPOINTS", tmp_path)
    return load_or_train(CONFIG, 0, tmp_path / "seeds")


def test_seed_is_trained_once_and_kept(
    trained: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "fit_resumable", pytest.fail)
    kept = load_or_train(CONFIG, 0, tmp_path / "seeds")
    assert (kept.learning, kept.seconds) == (trained.learning, trained.seconds)
    for name, weights in trained.network.state_dict().items():
        assert torch.equal(weights, kept.network.state_dict()[name]), name


@pytest.mark.usefixtures("trained")
def test_weights_of_another_recipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DigitError, match=r"micro-0\.pt was trained with another recipe"):
        load_or_train(replace(CONFIG, learning_rate=0.5), 0, tmp_path / "seeds")


def test_report_has_mean_worst_and_standard_error() -> None:
    accuracies = [0.9960, 0.9962, 0.9964]
    results = SeedResults(
        network="micro",
        parameters=6110,
        seeds=[
            SeedResult(
                seed=seed, validation_accuracy=1, test_accuracy=accuracy, test_loss=0, seconds=1, learning=[(0, 1)]
            )
            for seed, accuracy in enumerate(accuracies)
        ],
    )
    assert results.mean == pytest.approx(0.9962)
    assert results.worst == 0.9960
    assert results.standard_error == pytest.approx(0.0002 / 3**0.5)
    assert "99.620%" in str(results)
    assert SeedResults.model_validate_json(results.model_dump_json()) == results


def test_unknown_network_is_refused_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert seeds.main(["tiny"]) == 1
    assert "no network tiny: choose from digit, wide, light, micro" in capsys.readouterr().err

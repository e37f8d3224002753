import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from src.model.data.mnist import load_mnist
from src.model.evaluation import evaluate, suite
from src.model.evaluation.predictions import count_digits, predict_all
from src.model.inference.predictor import Predictor
from src.model.inference.runtime import open_runtime
from src.model.training.scoring import compute_metrics
from src.settings import ROOT, get_settings
from tests import released
from tests.pictures import drawn, encoded


def test_folder_is_measured_by_the_labels_in_its_file_names(tmp_path: Path, predictor: Predictor) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "4_a.png").write_bytes(encoded(drawn(4)))
    (tmp_path / "deeper" / "7_b.png").write_bytes(encoded(drawn(7)))
    (tmp_path / "1_wrong.png").write_bytes(encoded(drawn(8)))
    (tmp_path / "2_blank.png").write_bytes(encoded(Image.new("L", (50, 50))))
    (tmp_path / "notes.txt").write_text("no digit")
    counts = count_digits(predict_all(predictor, evaluate.read_folder(tmp_path)))
    assert counts.correct == [0, 0, 0, 0, 1, 0, 0, 1, 0, 0]
    assert counts.pictures == [0, 1, 1, 0, 1, 0, 0, 1, 0, 0]
    assert counts.refused == 1
    assert counts.errors == 2
    assert counts.accuracy == 0.5


def test_command_prints_a_line_per_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--folder-only", "--folder", str(ROOT / "data" / "samples")]) == 0
    assert "10 of 10 right, 100.00%" in capsys.readouterr().out


@pytest.mark.parametrize("only", [["--folder-only"], []])
def test_folder_without_labelled_pictures_is_reported_before_anything_is_measured(
    only: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.model.data.mnist.load_mnist", lambda *_: pytest.fail("MNIST was loaded"))
    (tmp_path / "four.png").write_bytes(encoded(drawn(4)))
    assert evaluate.main([*only, "--folder", str(tmp_path)]) == 1
    assert "4_mine.png" in capsys.readouterr().err


def test_counts_of_no_predictions_are_zero() -> None:
    counts = count_digits([])
    assert counts.correct == counts.pictures == [0] * 10
    assert (counts.accuracy, counts.loss, counts.calibration_error) == (0, 0, 0)


def test_resizing_without_framing_reads_fewer_drawings(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--folder-only", "--resize-only", "--folder", str(ROOT / "data" / "samples")]) == 0
    right = re.search(r"(\d+) of 10 right", capsys.readouterr().out)
    assert right
    assert int(right[1]) < 8  # with framing: all ten


def test_missing_artefact_is_reported_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--model", "nowhere.json"]) == 1
    assert "can't be read" in capsys.readouterr().err


@pytest.mark.mnist
def test_released_network_scores_as_its_metadata_says() -> None:
    description = released.DESCRIPTION
    test = load_mnist(get_settings().data_dir).test
    runtime = open_runtime(released.PATH.with_suffix(".onnx"), description.network)
    logits = np.concatenate([runtime.logits(part.numpy()) for part in torch.split(test.pixels(), 1000)])
    found = compute_metrics(logits, test.labels.numpy())
    near = 5e-4 if description.eight_bits else 1e-4  # the description is of the exact weights
    assert found.accuracy == pytest.approx(description.test.accuracy, abs=near)
    assert found.loss == pytest.approx(description.test.loss, abs=near)
    assert found.accuracy >= 0.989


@pytest.mark.mnist
def test_files_score_the_same_as_tensors(predictor: Predictor) -> None:
    validation = load_mnist(get_settings().data_dir).validation
    counts = count_digits(predict_all(predictor, suite.to_files(validation)))
    logits = np.concatenate([predictor.runtime.logits(part.numpy()) for part in torch.split(validation.pixels(), 1000)])
    accuracy = compute_metrics(logits, validation.labels.numpy()).accuracy
    assert abs(counts.accuracy - accuracy) <= 0.0005

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src.model import dataset, evaluate
from src.model.artefact import describe, newest
from src.model.reader import Reader
from src.model.runtime import open_runtime
from src.settings import ROOT, get_settings
from tests.pictures import drawn, encoded

RELEASE = newest(ROOT / "model")


def test_figures_are_accuracy_and_mean_cross_entropy() -> None:
    logits = np.log(np.array([[0.7] + [0.3 / 9] * 9, [0.1] * 10], np.float32))
    found = evaluate.figures(logits, np.array([0, 5]))
    assert found.accuracy == 0.5
    assert found.loss == pytest.approx(-(np.log(0.7) + np.log(0.1)) / 2, rel=1e-5)


def test_a_folder_is_read_by_the_labels_in_its_names(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "4_a.png").write_bytes(encoded(drawn(4)))
    (tmp_path / "deeper" / "7_b.png").write_bytes(encoded(drawn(7)))
    (tmp_path / "1_wrong.png").write_bytes(encoded(drawn(8)))
    (tmp_path / "2_blank.png").write_bytes(encoded(Image.new("L", (50, 50))))
    (tmp_path / "notes.txt").write_text("no digit")
    found = evaluate.read_files(reader.read, evaluate.folder_files(tmp_path))
    assert found == evaluate.Tally(right=2, files=4, refused=1)


def test_the_command_prints_a_line_for_each_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--folder-only", "--folder", str(ROOT / "data" / "samples")]) == 0
    assert "10 of 10 right, 100.00%" in capsys.readouterr().out


def test_merely_resizing_reads_fewer_drawings(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--folder-only", "--resize-only", "--folder", str(ROOT / "data" / "samples")]) == 0
    right = re.search(r"(\d+) of 10 right", capsys.readouterr().out)
    assert right
    assert int(right[1]) < 6


def test_a_missing_artefact_is_a_sentence_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--model", "nowhere.json"]) == 1
    assert "can't be read" in capsys.readouterr().err


@pytest.mark.mnist
def test_the_released_network_scores_what_its_description_says() -> None:
    description = describe(RELEASE)
    test = dataset.load(get_settings().data_dir).test
    logits = evaluate.batched_logits(open_runtime(RELEASE.with_suffix(".onnx"), "cnn"), test.pixels().numpy())
    found = evaluate.figures(logits, test.labels.numpy())
    assert found.accuracy == pytest.approx(description.test.accuracy, abs=1e-4)
    assert found.loss == pytest.approx(description.test.loss, abs=1e-4)
    assert found.accuracy >= 0.989


@pytest.mark.mnist
def test_files_score_what_tensors_score(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([]) == 0
    tensors, files = (int(right) for right in re.findall(r"(\d+) of 10000 right", capsys.readouterr().out))
    assert abs(tensors - files) <= 5  # 0.05 points of 10,000


def test_the_description_is_json_that_anyone_can_read() -> None:
    assert json.loads(RELEASE.read_text())["parameters"] == 6422

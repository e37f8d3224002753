import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from src.model import train_model
from src.model.data.mnist import Mnist
from src.model.inference.artefact import describe
from src.settings import ROOT
from tests.model.references import few_references


@pytest.fixture
def _few(few_digits: Mnist, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(train_model, "load_mnist", lambda _: few_digits)
    with few_references():
        yield


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize(("network", "parameters"), [("cnn", 6422), ("mlp", 6442)])
def test_a_run_leaves_an_artefact_that_says_what_it_is(
    tmp_path: Path, network: str, parameters: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--network", network, "--quick", "--seed", "3", "--out", str(tmp_path)]
    assert train_model.main(arguments) == 0
    description = describe(tmp_path / "mnist-quick-0.0.1.json")
    assert (description.network, description.parameters, description.seed) == (network, parameters, 3)
    assert description.epochs == train_model.QUICK_EPOCHS
    assert description.libraries["torch"]
    assert "saved" in capsys.readouterr().out


@pytest.mark.usefixtures("_few")
def test_runs_never_take_each_others_names(tmp_path: Path) -> None:
    for _ in range(2):
        train_model.main(["--quick", "--out", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["mnist-quick-0.0.1.json", "mnist-quick-0.0.2.json"]


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("version", ["0.0.1", "../0.0.1", "latest"])
def test_a_version_that_exists_or_is_none_is_refused_before_training(
    tmp_path: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mnist-0.0.1.json").touch()
    assert train_model.main(["--version", version, "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.usefixtures("_few")
def test_training_is_deterministic_and_restores_the_settings_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record_settings(*_: object) -> int:
        during.append(torch.are_deterministic_algorithms_enabled())
        return 0

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    during: list[bool] = []
    monkeypatch.setattr(train_model, "_train", record_settings)
    train_model.main(["--out", str(tmp_path)])
    assert during == [True]
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


@pytest.mark.mnist
def test_by_path_a_run_goes_as_by_module(tmp_path: Path) -> None:
    command = [sys.executable, "src/model/train_model.py", "--quick", "--network", "mlp", "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / "mnist-quick-0.0.1.onnx").exists()


@pytest.fixture
def _heard() -> Iterator[None]:
    """Have processes begin with Ctrl-C heard: whoever starts the tests in the background has it ignored in all."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.mnist
@pytest.mark.usefixtures("_heard")
def test_ctrl_c_saves_the_best_so_far(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "src.model.train_model",
        "--epochs",
        "500",
        "--batch",
        "5000",
        "--out",
        str(tmp_path),
    ]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as run:
        assert run.stderr
        shown = b""
        while b"validation=" not in shown or shown.rsplit(b"validation=", 1)[1].startswith(b"0.00"):
            shown += os.read(run.stderr.fileno(), 4096)
        run.send_signal(signal.SIGINT)
        run.stderr.read()
    assert run.returncode == 0
    assert describe(tmp_path / "mnist-cnn-0.0.1.json").interrupted

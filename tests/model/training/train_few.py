"""What torchrun starts in `test_distributed.py`: trains on a few pictures and saves what each process ends with.

python -m tests.model.training.train_few <folder> resumable|in-memory [killed]

<folder>/data.pt holds the pictures. `killed` has a process die in the third epoch of the first attempt.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from src.model import networks
from src.model.data.augmentation import Distortion
from src.model.data.mnist import Digits, Mnist
from src.model.training import distributed, fit_resumable
from src.model.training.fit import Recipe, RunState, run_epochs
from src.model.training.fit_resumable import TrainingConfig, TrainingData

CONFIG = TrainingConfig(
    "micro", epochs=4, mnist=40, synthetic={"retraced": 9}, distortion=Distortion(), learning_rate=8e-3, ema_decay=0.9
)
RECIPE = Recipe(epochs=4, batch=48)


def load(path: Path) -> TrainingData:
    """Return the pictures that the test has saved."""
    parts = {name: Digits(*tensors) for name, tensors in torch.load(path, weights_only=True).items()}
    return TrainingData(
        Mnist(parts["train"], parts["validation"], parts["validation"]), {"retraced": parts["retraced"]}
    )


def train_resumable(data: TrainingData, folder: Path, killed: bool) -> dict[str, Any]:
    """Train as `train_production` does."""
    train_epoch, epochs = fit_resumable._train_epoch, list[str]()

    def train_epoch_or_die(config: TrainingConfig, state: Any, data: TrainingData, title: str) -> float:
        epochs.append(title)
        if killed and not distributed.is_restarted() and len(state.learning) == 2 and not distributed.is_first():
            os.kill(os.getpid(), signal.SIGKILL)
        return train_epoch(config, state, data, title)

    fit_resumable._train_epoch = train_epoch_or_die
    result = fit_resumable.fit_resumable(CONFIG, 0, data, folder / "checkpoint.pt")
    return {"weights": result.network.state_dict(), "learning": result.learning, "steps": len(epochs)}


def train_in_memory(data: TrainingData, folder: Path, killed: bool) -> dict[str, Any]:
    """Train as `train_model` does."""
    network = networks.build_seeded("micro", 0)
    state = RunState.create(network, RECIPE, 0, len(data.mnist.train))
    steps = list[float]()

    def note_or_die(loss: float, _accuracy: float) -> None:
        steps.append(loss)
        if killed and not distributed.is_restarted() and state.best.epochs == 2 and not distributed.is_first():
            os.kill(os.getpid(), signal.SIGKILL)

    best = run_epochs(state, data.mnist, RECIPE, note_or_die, folder / "checkpoint.pt")
    return {"weights": network.state_dict(), "learning": best.learning, "steps": len(steps)}


def main(folder: Path, how: str, killed: bool) -> None:
    """Train, and write what this process has to a file of its own."""
    with distributed.process_group():
        data = load(folder / "data.pt")
        train = train_in_memory if how == "in-memory" else train_resumable
        result = train(data, folder, killed)
    torch.save(result, folder / f"{os.environ.get('RANK', 'alone')}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "killed" in sys.argv)

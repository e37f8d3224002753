"""Train the verifier, which says whether a candidate is one whole digit, and save it beside the code that uses it.

python -m src.model.training.train_verifier        make train-verifier; about 20 minutes on one core

Learns from rows composed of training digits; measured on rows composed of validation digits. Writes
`verifier.onnx`, and `verifier.json` with the figures and the origin.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from tqdm import tqdm

from src.model import networks
from src.model.data.mnist import Digits, Mnist, hash_sources, load_mnist
from src.model.data.numbers.candidates import Contexts, Labels, make_candidates
from src.model.errors import DigitError
from src.model.files import atomic_path, sha256, write_text_atomically
from src.model.inference.verifier import WEIGHTS
from src.model.parallel import deterministic_torch, in_parallel
from src.model.preprocessing.segmentation.graph import CONTEXT_SIZE
from src.model.training.saving.export import export_onnx
from src.model.training.saving.metadata import git_commit
from src.settings import get_settings

SEED: Final = 0
PARTS: Final = 8  # of the rows, each made with its own seed
TRAIN_ROWS: Final = 1500  # in a part
VALIDATION_ROWS: Final = 1000
EPOCHS: Final = 5
BATCH: Final = 256
LEARNING_RATE: Final = 4e-3  # the highest, of one cycle: Smith and Topin, "Super-convergence" (2018)
WEIGHT_DECAY: Final = 0.01
SMOOTHING: Final = 0.01  # of the labels, some of which are wrong
SHIFT: Final = 1  # pixels by which contexts are moved at random

Candidates = tuple[Tensor, Tensor]  # contexts uint8 [N, 2, 24, 36], labels float32 [N]


def main() -> int:
    """Train, measure and save; return the exit status."""
    try:
        mnist = load_mnist(get_settings().data_dir)
        train, validation = make_sets(mnist)
        with deterministic_torch(threads=1):
            network = fit(train)
            figures = measure(network, validation)
        save(network, figures, WEIGHTS)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"saved {WEIGHTS}: {figures['accuracy']:.2%} right, AUROC {figures['auroc']:.4f}\n")
    return 0


def make_sets(mnist: Mnist, rows: int = TRAIN_ROWS, validation_rows: int = VALIDATION_ROWS) -> list[Candidates]:
    """Return candidates of training digits, to learn from, and of validation digits, to measure with."""
    tasks = [
        (mnist.validation, validation_rows, SEED),
        *((mnist.train, rows, SEED + part + 1) for part in range(PARTS)),
    ]
    parts = dict(in_parallel(_make_part, tasks))
    return [_join([parts[seed] for seed in seeds]) for seeds in (range(SEED + 1, SEED + PARTS + 1), [SEED])]


def _make_part(task: tuple[Digits, int, int]) -> tuple[int, tuple[Contexts, Labels]]:
    return task[2], make_candidates(*task)


def _join(parts: list[tuple[Contexts, Labels]]) -> Candidates:
    contexts, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return torch.from_numpy(contexts), torch.from_numpy(labels).float()


def fit(train: Candidates, epochs: int = EPOCHS) -> nn.Module:
    """Return a verifier trained on candidates."""
    torch.manual_seed(SEED)
    contexts, labels = train
    network = networks.build_verifier()
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    criterion = nn.BCEWithLogitsLoss()
    order = torch.cat([torch.randperm(len(labels))[: len(labels) // BATCH * BATCH] for _ in range(epochs)])
    for indices in tqdm(torch.split(order, BATCH), desc="verifier", unit="step", disable=None):
        shift = torch.randint(-SHIFT, SHIFT + 1, (2,)).tolist()
        moved = torch.roll(contexts[indices].float() / 255, shift, (2, 3))
        targets = labels[indices] * (1 - 2 * SMOOTHING) + SMOOTHING
        loss = criterion(network(moved)[:, 0], targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def measure(network: nn.Module, candidates: Candidates) -> dict[str, float]:
    """Return accuracy and area under the ROC curve on candidates, 0..1."""
    contexts, labels = candidates
    with torch.inference_mode():
        log_odds = torch.cat([network(part.float() / 255)[:, 0] for part in torch.split(contexts, 1000)])
    accuracy = ((log_odds > 0) == (labels > 0.5)).float().mean()
    return {"accuracy": round(float(accuracy), 4), "auroc": round(float(roc_auc_score(labels, log_odds)), 4)}


def save(network: nn.Module, figures: dict[str, float], path: Path) -> None:
    """Write the .onnx, `contexts` [N, 2, 24, 36] to `log_odds` [N, 1], and beside it a .json that describes it."""
    with atomic_path(path) as part:
        export_onnx(network, part, "contexts", "log_odds", (2, *CONTEXT_SIZE))
    description: dict[str, Any] = {
        "sha256": sha256(path),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "validation": figures,
        "recipe": {"seed": SEED, "rows": PARTS * TRAIN_ROWS, "epochs": EPOCHS, "batch": BATCH},
        "data_sha256": hash_sources(),
        "git_commit": git_commit(),
    }
    write_text_atomically(path.with_suffix(".json"), json.dumps(description, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())

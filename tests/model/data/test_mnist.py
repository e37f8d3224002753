from pathlib import Path

import pytest
import torch

from src.model.data import mnist
from src.model.data.download import SHA256
from src.model.data.mnist import Mnist, load_mnist
from src.model.files import sha256
from src.model.networks import MNIST_MEAN, MNIST_STD
from src.settings import Settings, get_settings

LABELS = torch.arange(10).repeat_interleave(torch.arange(600, 1600, 100))


def test_seed_alone_decides_the_split() -> None:
    once, again, other = (mnist.split(LABELS, 1000, seed)[1] for seed in (0, 0, 1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_every_index_is_in_one_part() -> None:
    train, validation = mnist.split(LABELS, 1000)
    assert len(validation) == 1000
    assert torch.equal(torch.cat([train, validation]).sort().values, torch.arange(len(LABELS)))


def test_split_is_stratified() -> None:
    validation = mnist.split(LABELS, 1000)[1]
    share = LABELS.bincount() * 1000 / len(LABELS)
    assert ((LABELS[validation].bincount() - share).abs() < 1).all()


def test_split_is_shuffled() -> None:
    validation = mnist.split(LABELS, 1000)[1]
    assert validation.float().mean() == pytest.approx(len(LABELS) / 2, rel=0.05)


@pytest.mark.mnist
def test_mnist_has_three_parts() -> None:
    mnist = load_mnist(get_settings().data_dir)
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [55_000, 5_000, 10_000]
    assert mnist.test.labels[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    pixels = mnist.train[:1000].pixels()
    assert pixels.shape == (1000, 1, 28, 28)
    assert pixels.min().item() == 0
    assert pixels.max().item() == 1


@pytest.mark.mnist
def test_normalisation_fits_the_training_pictures() -> None:
    mnist = load_mnist(get_settings().data_dir)
    pixels = torch.cat([mnist.train.images, mnist.validation.images]).float() / 255
    assert pixels.mean().item() == pytest.approx(MNIST_MEAN, abs=1e-4)
    assert pixels.std().item() == pytest.approx(MNIST_STD, abs=1e-4)


def test_corrected_pictures_are_among_the_hashed_sources(
    few_digits: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "corrected.npz"
    monkeypatch.setattr(mnist, "get_settings", lambda: Settings(corrected_file=file))
    mnist.write_corrected(few_digits.train[:0], file)
    assert mnist.hash_sources() == SHA256  # an empty file is not read
    mnist.write_corrected(few_digits.train, file)
    assert mnist.hash_sources() == SHA256 | {"corrected.npz": sha256(file)}

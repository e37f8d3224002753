from pathlib import Path

import pytest
import torch

from src.model.data import mnist
from src.model.data.download import SHA256
from src.model.data.mnist import Mnist, load_mnist
from src.model.files import sha256
from src.model.networks import MNIST_MEAN, MNIST_STD
from src.settings import Settings, get_settings


def test_validation_digits_are_those_of_whole_writers() -> None:
    train, validation = mnist.split_by_writer(10, {"7": [8, 1], "12": [4]})
    assert validation.tolist() == [1, 4, 8]
    assert train.tolist() == [0, 2, 3, 5, 6, 7, 9]


def test_every_training_digit_is_in_one_part() -> None:
    train, validation = mnist.split_by_writer(60_000, mnist.read_validation_writers())
    assert (len(train), len(validation)) == (55_000, 5_000)
    assert torch.equal(torch.cat([train, validation]).sort().values, torch.arange(60_000))


def test_each_validation_writer_wrote_as_many_digits_as_writers_do() -> None:
    writers = mnist.read_validation_writers()
    assert len(writers) == 45
    assert all(19 <= len(indices) <= 131 for indices in writers.values())  # as in the whole of MNIST


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
def test_validation_has_as_many_of_each_digit_as_training() -> None:
    mnist = load_mnist(get_settings().data_dir)
    expected = mnist.train.labels.bincount() / 11
    assert ((mnist.validation.labels.bincount() - expected).abs() < 10).all()


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

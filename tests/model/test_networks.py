import pytest
import torch

from src.model import networks


@pytest.mark.parametrize(("name", "parameters"), [("cnn", 6422), ("mlp", 6442)])
def test_the_parameters_are_as_many_as_the_course_says(name: str, parameters: int) -> None:
    assert networks.count_parameters(networks.build(name)) == parameters


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_pixels_become_ten_logits(name: str) -> None:
    logits = networks.build(name)(torch.rand(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert not torch.allclose(logits.exp().sum(1), torch.ones(3))  # no softmax inside


def test_normalisation_is_the_first_layer() -> None:
    pixels = torch.full((1, 1, 28, 28), networks.MNIST_MEAN + networks.MNIST_STD)
    for name in networks.NETWORKS:
        first = next(iter(networks.build(name).children()))
        assert torch.allclose(first(pixels), torch.ones(1))


def test_the_seed_alone_decides_the_first_weights() -> None:
    torch.manual_seed(7)
    one = networks.seeded("cnn", 3).state_dict()
    torch.manual_seed(8)
    other = networks.seeded("cnn", 3).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["1.weight"], networks.seeded("cnn", 4).state_dict()["1.weight"])


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        networks.build("transformer")

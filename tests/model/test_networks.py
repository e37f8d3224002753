import pytest
import torch

from src.model import networks


@pytest.mark.parametrize(("name", "parameters"), [("cnn", 6422), ("mlp", 6442)])
def test_course_networks_have_their_number_of_parameters(name: str, parameters: int) -> None:
    assert networks.count_parameters(networks.build(name)) == parameters


def test_multiply_adds_are_those_of_convolutions_and_linear_layers() -> None:
    first, second = 24 * 24 * 6 * 5 * 5, 8 * 8 * 6 * 6 * 5 * 5
    assert networks.count_multiply_adds(networks.build("cnn")) == first + second + 96 * 50 + 50 * 10


@pytest.mark.parametrize("name", [*networks.NETWORKS, *networks.RELEASED, *networks.PERMUTED])
def test_outputs_are_ten_logits(name: str) -> None:
    logits = networks.build(name)(torch.rand(3, 1, 28, 28))
    assert logits.shape == (3, 10)
    assert not torch.allclose(logits.exp().sum(1), torch.ones(3))  # no softmax inside


def test_first_layer_normalises() -> None:
    pixels = torch.full((1, 1, 28, 28), networks.MNIST_MEAN + networks.MNIST_STD)
    for name in networks.NETWORKS:
        first = next(iter(networks.build(name).children()))
        assert torch.allclose(first(pixels), torch.ones(1))


def test_seed_alone_decides_the_initial_weights() -> None:
    torch.manual_seed(7)
    first = networks.build_seeded("cnn", 3).state_dict()
    torch.manual_seed(8)
    second = networks.build_seeded("cnn", 3).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["1.weight"], networks.build_seeded("cnn", 4).state_dict()["1.weight"])


def test_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        networks.build("transformer")


def test_permuted_input_takes_each_pixel_from_its_place() -> None:
    pixels = torch.arange(784.0).view(1, 1, 28, 28)
    permutation = torch.randperm(784, generator=torch.Generator().manual_seed(0))
    network = networks.PermutedInput(torch.nn.Identity(), permutation)
    assert torch.equal(network(pixels).flatten(1), pixels.flatten(1)[:, permutation])
    assert set(network.state_dict()) == {"order"}

"""A network with a permutation before it: it takes ordinary pictures, and shows them to itself in another order."""

import torch
from torch import Tensor, nn

PIXELS = 784


class Rearranged(nn.Module):
    """Takes pixel i from place `order[i]`, a permutation of 0..783 row by row, and asks `network`."""

    order: Tensor

    def __init__(self, network: nn.Module, order: Tensor | None = None) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("order", torch.arange(PIXELS) if order is None else order)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map float32 [N, 1, 28, 28] in 0..1 to logits [N, 10]."""
        logits: Tensor = self.network(pixels.flatten(1)[:, self.order].view_as(pixels))
        return logits

"""Data augmentation: random distortions of a whole batch of pictures at once.

Pictures are float32 [N, 1, 28, 28] in 0..1, ink bright. All random numbers come from the generator passed in.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812 - the name that PyTorch's own documentation gives it
from torch import Generator, Tensor


@dataclass(frozen=True)
class Distortion:
    """The limits of each distortion. Amounts are uniform in -limit..limit; zeros change nothing."""

    rotation: float = 10.0  # degrees
    shear: float = 0.15  # of the height
    stretch: float = 0.1  # of each side
    shift: float = 1.0  # pixels
    elastic: float = 0.8  # pixels
    thickness: float = 0.5  # pixels added to each side of a stroke, or taken from it
    blur: float = 0.3  # weight of a 3x3 binomial blur, 0..limit
    gaps: float = 0.0  # share of the pictures in which a small patch is erased
    specks: float = 0.0  # share of the pictures that get a small patch of another picture


NONE = Distortion(0, 0, 0, 0, 0, 0, 0, 0, 0)


def augment(pixels: Tensor, limits: Distortion, generator: Generator) -> Tensor:
    """Return `pixels` distorted at random within `limits`."""
    if limits == NONE:
        return pixels
    thick = change_thickness(pixels, limits.thickness * _draw_signed(pixels, generator))
    moved = F.grid_sample(thick, sampling_grid(pixels, limits, generator), align_corners=False)
    blurred = blend_blur(moved, limits.blur * _draw_signed(pixels, generator).abs())
    return _add_gaps_and_specks(blurred, limits, generator)


def _add_gaps_and_specks(pixels: Tensor, limits: Distortion, generator: Generator) -> Tensor:
    """Erase a patch of some pictures, and copy a patch of the picture before into some."""
    if limits.gaps:
        pixels = pixels * ~(_draw_patches(pixels, generator) & _choose(pixels, limits.gaps, generator))
    if limits.specks:
        others = pixels.roll(1, 0) * (_draw_patches(pixels, generator) & _choose(pixels, limits.specks, generator))
        pixels = torch.maximum(pixels, others)
    return pixels


def _draw_patches(pixels: Tensor, generator: Generator) -> Tensor:
    """Draw a rectangle with sides of 2 to 5 pixels for each picture: bool [N, 1, 28, 28], true inside."""
    size, steps = pixels.shape[-1], torch.arange(pixels.shape[-1], device=pixels.device)
    sides = [_draw_uniform(pixels, generator) * 3 + 2 for _ in range(2)]
    starts = [_draw_uniform(pixels, generator) * (size - side) for side in sides]
    rows, columns = ((steps >= start) & (steps < start + side) for start, side in zip(starts, sides, strict=True))
    return rows.transpose(2, 3) & columns


def _choose(pixels: Tensor, share: float, generator: Generator) -> Tensor:
    """Choose about a `share` of the pictures: bool [N, 1, 1, 1]."""
    return _draw_uniform(pixels, generator) < share


def sampling_grid(pixels: Tensor, limits: Distortion, generator: Generator) -> Tensor:
    """Draw where to sample each output pixel, [N, 28, 28, 2] in -1..1: an affine map plus a smooth elastic field.

    The elastic field follows Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied
    to visual document analysis" (2003), with bicubic interpolation of a coarse grid in place of their Gaussian.
    """
    count, size = len(pixels), pixels.shape[-1]
    pixel = 2 / size
    affine = _draw_affine(pixels, limits, pixel, generator)
    coarse = torch.rand(count, 2, 16, generator=generator, device=pixels.device) * 2 - 1
    weights = torch.cat([affine, coarse * (limits.elastic * pixel)], 2)  # [N, 2, 3 + 16]
    return (weights @ _sampling_basis(size).to(pixels.device)).view(count, 2, size, size).permute(0, 2, 3, 1)


@cache
def _sampling_basis(size: int) -> Tensor:
    """Return the terms of a sampling grid, [3 + 16, size * size]: x, y, 1 and the 16 bumps of a 4x4 grid."""
    centres = (torch.arange(size) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    bumps = F.interpolate(torch.eye(16).view(16, 1, 4, 4), size=(size, size), mode="bicubic", align_corners=True)
    return torch.cat([torch.stack([x, y, torch.ones_like(x)]), bumps[:, 0]]).flatten(1)


def change_thickness(pixels: Tensor, amount: Tensor) -> Tensor:
    """Make strokes thicker (`amount` [N, 1, 1, 1] in 0..1) or thinner (-1..0), in pixels on each side."""
    # Thinning ink is the same as growing paper. Slices: max_pool2d takes fifteen times as long on a CPU.
    sign = torch.where(amount > 0, 1.0, -1.0)
    signed = pixels * sign
    rows = F.pad(signed, (1, 1, 1, 1), value=-1)
    rows = torch.maximum(torch.maximum(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])
    grown = torch.maximum(torch.maximum(rows[..., :-2, :], rows[..., 1:-1, :]), rows[..., 2:, :])
    return torch.lerp(signed, grown, amount.abs()) * sign


def blend_blur(pixels: Tensor, amount: Tensor) -> Tensor:
    """Blend with a 3x3 binomial blur of weight `amount`, [N, 1, 1, 1] in 0..1."""
    row = torch.tensor([0.25, 0.5, 0.25], device=pixels.device)
    return torch.lerp(pixels, F.conv2d(pixels, (row[:, None] * row)[None, None], padding=1), amount)


def _draw_affine(pixels: Tensor, limits: Distortion, pixel: float, generator: Generator) -> Tensor:
    """Draw affine maps [N, 2, 3] from output to input coordinates; `pixel` is the size of a pixel in these."""
    rotation, shear, width, height, right, down = (_draw_signed(pixels, generator).flatten() for _ in range(6))
    angle = rotation * math.radians(limits.rotation)
    width, height = 1 + width * limits.stretch, 1 + height * limits.stretch
    right, down = right * limits.shift * pixel, down * limits.shift * pixel
    slant = shear * limits.shear
    top = torch.stack([angle.cos() * width, (slant * angle.cos() - angle.sin()) * height, right], 1)
    bottom = torch.stack([angle.sin() * width, (slant * angle.sin() + angle.cos()) * height, down], 1)
    return torch.stack([top, bottom], 1)


def _draw_signed(pixels: Tensor, generator: Generator) -> Tensor:
    """Draw a number in -1..1 for each picture: [N, 1, 1, 1]."""
    return _draw_uniform(pixels, generator) * 2 - 1


def _draw_uniform(pixels: Tensor, generator: Generator) -> Tensor:
    """Draw a number in 0..1 for each picture: [N, 1, 1, 1]."""
    return torch.rand(len(pixels), 1, 1, 1, generator=generator, device=pixels.device)

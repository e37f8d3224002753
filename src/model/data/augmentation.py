"""Digits as other hands would have drawn them: random distortions of a whole batch at once.

Pictures are float32 [N, 1, 28, 28] in 0..1, ink bright, and stay so. All randomness comes from the generator given.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812 - the name that PyTorch's own documentation gives it
from torch import Generator, Tensor


@dataclass(frozen=True)
class Distortion:
    """How far each distortion goes; every one is drawn evenly from -limit to +limit. Zeros change nothing."""

    rotation: float = 10.0  # degrees
    shear: float = 0.15  # of the height
    stretch: float = 0.1  # of each side
    shift: float = 1.0  # pixels
    elastic: float = 0.8  # pixels
    thickness: float = 0.5  # 1 is a whole pixel thicker on each side, -1 thinner
    blur: float = 0.3  # 1 is wholly a 3x3 binomial blur; only upwards
    gaps: float = 0.0  # share of the pictures that lose a small patch of ink
    specks: float = 0.0  # share of the pictures that get a small patch of another's ink


NONE = Distortion(0, 0, 0, 0, 0, 0, 0, 0, 0)


def augment(pixels: Tensor, limits: Distortion, generator: Generator) -> Tensor:
    """Return distorted copies of `pixels`."""
    if limits == NONE:
        return pixels
    thick = change_thickness(pixels, limits.thickness * _signed(pixels, generator))
    moved = F.grid_sample(thick, sampling_grid(pixels, limits, generator), align_corners=False)
    return _dirtied(soften(moved, limits.blur * _signed(pixels, generator).abs()), limits, generator)


def _dirtied(pixels: Tensor, limits: Distortion, generator: Generator) -> Tensor:
    """Rub out a patch of some pictures and put a patch of another into some, as erasers and paper do."""
    if limits.gaps:
        pixels = pixels * ~(_patches(pixels, generator) & _some(pixels, limits.gaps, generator))
    if limits.specks:
        others = pixels.roll(1, 0) * (_patches(pixels, generator) & _some(pixels, limits.specks, generator))
        pixels = torch.maximum(pixels, others)
    return pixels


def _patches(pixels: Tensor, generator: Generator) -> Tensor:
    """Draw a rectangle of 2 to 5 pixels a side for each picture: bool [N, 1, 28, 28], true inside it."""
    size, steps = pixels.shape[-1], torch.arange(pixels.shape[-1], device=pixels.device)
    sides = [_drawn(pixels, generator) * 3 + 2 for _ in range(2)]
    starts = [_drawn(pixels, generator) * (size - side) for side in sides]
    rows, columns = ((steps >= start) & (steps < start + side) for start, side in zip(starts, sides, strict=True))
    return rows.transpose(2, 3) & columns


def _some(pixels: Tensor, share: float, generator: Generator) -> Tensor:
    """Choose a `share` of the pictures: bool [N, 1, 1, 1]."""
    return _drawn(pixels, generator) < share


def sampling_grid(pixels: Tensor, limits: Distortion, generator: Generator) -> Tensor:
    """Return where to sample each output pixel, [N, 28, 28, 2] in -1..1: affine plus a smooth elastic field.

    The elastic field follows Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied
    to visual document analysis" (2003), with bicubic interpolation of a coarse grid in place of their Gaussian.
    """
    count, size = len(pixels), pixels.shape[-1]
    pixel = 2 / size
    affine = _affine(pixels, limits, pixel, generator)
    coarse = torch.rand(count, 2, 16, generator=generator, device=pixels.device) * 2 - 1
    weights = torch.cat([affine, coarse * (limits.elastic * pixel)], 2)  # [N, 2, 3 + 16]
    return (weights @ _fields(size).to(pixels.device)).view(count, 2, size, size).permute(0, 2, 3, 1)


@cache
def _fields(size: int) -> Tensor:
    """Return what a sampling grid is a sum of, [3 + 16, size * size]: x, y, 1 and the sixteen bumps of a 4x4 grid."""
    centres = (torch.arange(size) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    bumps = F.interpolate(torch.eye(16).view(16, 1, 4, 4), size=(size, size), mode="bicubic", align_corners=True)
    return torch.cat([torch.stack([x, y, torch.ones_like(x)]), bumps[:, 0]]).flatten(1)


def change_thickness(pixels: Tensor, amount: Tensor) -> Tensor:
    """Grow (`amount` [N, 1, 1, 1] above 0) or thin (below 0) strokes by up to a pixel on each side."""
    # Thinning the ink is growing the paper. Slices, because max_pool2d takes fifteen times as long on a CPU.
    sign = torch.where(amount > 0, 1.0, -1.0)
    signed = pixels * sign
    rows = F.pad(signed, (1, 1, 1, 1), value=-1)
    rows = torch.maximum(torch.maximum(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])
    grown = torch.maximum(torch.maximum(rows[..., :-2, :], rows[..., 1:-1, :]), rows[..., 2:, :])
    return torch.lerp(signed, grown, amount.abs()) * sign


def soften(pixels: Tensor, amount: Tensor) -> Tensor:
    """Blend with a 3x3 binomial blur; `amount` [N, 1, 1, 1] in 0..1."""
    row = torch.tensor([0.25, 0.5, 0.25], device=pixels.device)
    return torch.lerp(pixels, F.conv2d(pixels, (row[:, None] * row)[None, None], padding=1), amount)


def _affine(pixels: Tensor, limits: Distortion, pixel: float, generator: Generator) -> Tensor:
    """Draw affine maps [N, 2, 3] from output to input coordinates."""
    turn, shear, wide, high, right, down = (_signed(pixels, generator).flatten() for _ in range(6))
    angle = turn * math.radians(limits.rotation)
    wide, high = 1 + wide * limits.stretch, 1 + high * limits.stretch
    slant = shear * limits.shear
    top = torch.stack([angle.cos() * wide, (slant * angle.cos() - angle.sin()) * high, right * limits.shift * pixel], 1)
    bottom = torch.stack(
        [angle.sin() * wide, (slant * angle.sin() + angle.cos()) * high, down * limits.shift * pixel], 1
    )
    return torch.stack([top, bottom], 1)


def _signed(pixels: Tensor, generator: Generator) -> Tensor:
    """Draw one number in -1..1 for each picture: [N, 1, 1, 1]."""
    return _drawn(pixels, generator) * 2 - 1


def _drawn(pixels: Tensor, generator: Generator) -> Tensor:
    """Draw one number in 0..1 for each picture: [N, 1, 1, 1]."""
    return torch.rand(len(pixels), 1, 1, 1, generator=generator, device=pixels.device)

"""Pictures of made-up scenes, as a camera would take them, so that a network can learn that a scene is no digit.

They are dead leaves: shapes of all sizes that cover one another, with edges and tones distributed as in photographs
(Lee, Mumford and Huang, "Occlusion models for natural images", 2001). No photograph is used.
"""

from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from src.model.data.pen_strokes import smooth
from src.model.preprocessing.candidates import find_inks
from src.model.preprocessing.decode import Colours
from src.model.preprocessing.ink import Ink

SIDE: Final = 128  # pixels, before scaling
LEAVES: Final = (10, 250)  # range of their number
LARGEST: Final = 0.7  # radius of the largest shapes, as a share of the side


def draw_scene(random: Generator) -> Ink | None:
    """Return the ink of a scene, float32 [H, W] in 0..1, in one of its readings; None if it has none."""
    inks = find_inks(_take_picture(random))
    return inks[random.integers(len(inks))] if inks else None


def _take_picture(random: Generator) -> Colours:
    """Return part of a scene, uint8 [24 to 64, the same, 3], a little blurred and noisy."""
    scene = _cover_with_leaves(random)
    shown = int(random.integers(SIDE // 4, SIDE + 1))
    top, left = random.integers(0, SIDE - shown + 1, 2)
    side = int(random.integers(24, 65))
    part = cv2.resize(scene[top : top + shown, left : left + shown], (side, side), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(part.astype(np.float32), (0, 0), random.uniform(0.2, 1.5))
    noisy = blurred + random.normal(0, random.uniform(0, 8), blurred.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), np.uint8)


def _cover_with_leaves(random: Generator) -> Colours:
    """Draw shapes of all sizes on one another, [SIDE, SIDE, 3]; most of their colours are near grey."""
    scene = np.full((SIDE, SIDE, 3), random.integers(256), np.uint8)
    # the density of the radii falls with their third power, so that a scene looks alike at every scale
    radii = SIDE * LARGEST / np.sqrt(1 + random.random(random.integers(*LEAVES)) * 400)
    for radius in random.permutation(radii):
        centre = random.uniform(0, SIDE, 2)
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 9)))
        reach = radius * random.uniform(0.5, 1, (len(angles), 1))
        outline = centre + reach * np.stack([np.cos(angles), np.sin(angles)], 1)
        if random.random() < 0.7:
            outline = smooth(np.concatenate([outline, outline[:1]]))
        colour = np.clip(random.uniform(0, 255) + random.normal(0, 25, 3), 0, 255)
        cv2.fillPoly(scene, [np.rint(outline).astype(np.int32)], colour.tolist(), cv2.LINE_AA)
    return scene

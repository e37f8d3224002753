"""Few pixels that change the answer: found, needed, and looked for within limits."""

import numpy as np
import pytest

from src.model.inference.explanation import counterfactual
from src.model.inference.explanation.counterfactual import Change, find_change
from src.model.inference.runtime import Images, Logits, OnnxRuntime
from src.model.inference.steps import finish
from src.settings import ROOT
from tests import released
from tests.pictures import all_mnist


class CountingRuntime:
    """A stand-in for a network that answers 3 while `spot` has ink of at least `needed`, else 5."""

    def __init__(self, spot: tuple[slice, slice], needed: float) -> None:
        self.spot, self.needed = spot, needed
        self.passes = 0

    def logits(self, images: Images) -> Logits:
        self.passes += len(images)
        logits = np.zeros((len(images), 10), np.float32)
        logits[:, 3] = images[:, 0, *self.spot].sum((1, 2))
        logits[:, 5] = self.needed - 0.5
        return logits


def square() -> np.typing.NDArray[np.float32]:
    pixels = np.zeros((28, 28), np.float32)
    pixels[10:14, 10:14] = 1
    return pixels


def apply(pixels: np.typing.NDArray[np.float32], change: Change) -> np.typing.NDArray[np.float32]:
    changed = pixels.copy()
    for value, places in ((1, change.inked), (0, change.erased)):
        for column, row in places:
            changed[row, column] = value
    return changed


def test_the_pixels_that_the_answer_rests_on_are_erased() -> None:
    runtime = CountingRuntime((slice(10, 14), slice(10, 12)), needed=6)
    change = finish(find_change(runtime, square(), 3))
    assert change is not None
    assert change.prediction == 5
    assert change.inked == []
    assert len(change.erased) == 3  # of eight, five are not enough
    assert all(10 <= column < 12 and 10 <= row < 14 for column, row in change.erased)


def test_pixels_that_turned_out_unnecessary_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterfactual, "REFRESH", 1)
    digits = OnnxRuntime(ROOT / "model" / "mnist-0.0.1.onnx")
    pictures, labels = all_mnist()
    pixels = (pictures[40] / 255).astype(np.float32)
    change = finish(find_change(digits, pixels, int(labels[40])))
    assert change is not None
    places = [*change.inked, *change.erased]
    for left_out in places:
        others = Change(
            change.prediction,
            [place for place in change.inked if place != left_out],
            [place for place in change.erased if place != left_out],
        )
        assert digits.logits(apply(pixels, others)[None, None])[0].argmax() == labels[40]


def test_every_tenth_digit_gets_a_small_change_that_the_served_network_falls_for() -> None:
    runtime = OnnxRuntime(ROOT / "model" / f"mnist-{released.VERSION}.onnx")
    pictures, _ = all_mnist()
    for picture in pictures[5::10]:
        pixels = (picture / 255).astype(np.float32)
        digit = int(runtime.logits(pixels[None, None])[0].argmax())
        change = finish(find_change(runtime, pixels, digit))
        assert change is not None
        assert 1 <= len(change.inked) + len(change.erased) <= 20
        assert runtime.logits(apply(pixels, change)[None, None])[0].argmax() == change.prediction != digit


def test_an_answer_that_nothing_changes_costs_a_bounded_number_of_passes() -> None:
    runtime = CountingRuntime((slice(10, 14), slice(10, 14)), needed=-100)
    assert finish(find_change(runtime, np.ones((28, 28), np.float32), 3)) is None
    assert runtime.passes <= counterfactual.MAX_PASSES


def test_the_search_ends_when_its_processor_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterfactual, "MAX_CPU_S", 0)
    runtime = CountingRuntime((slice(10, 14), slice(10, 12)), needed=6)
    assert finish(find_change(runtime, square(), 3)) is None
    assert runtime.passes == 0


def test_a_blank_picture_has_no_change() -> None:
    runtime = CountingRuntime((slice(10, 14), slice(10, 12)), needed=6)
    assert finish(find_change(runtime, np.zeros((28, 28), np.float32), 5)) is None


def test_the_search_pauses_after_each_round() -> None:
    runtime = CountingRuntime((slice(10, 14), slice(10, 12)), needed=6)
    pauses = sum(1 for _ in find_change(runtime, square(), 3))
    assert pauses >= 3

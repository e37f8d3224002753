"""Corrected pictures: learned from once each, never where they are measured on, and only if the service wrote them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from src.model.data.mnist import Digits
from src.model.pipeline.feedback import SchemaSkew, as_they_come, read_kept
from src.model.preprocessing.preprocess import preprocess
from tests.model.conftest import MAX_PIXELS
from tests.model.pipeline.conftest import Keep
from tests.pictures import encoded, mnist


def test_what_the_service_keeps_is_framed_with_the_digit_that_it_was(tmp_path: Path, keep: Keep) -> None:
    keep(4, corrected=9)
    digits = read_kept(tmp_path / "kept", set(), MAX_PIXELS).digits()
    pixels = preprocess(encoded(mnist(4)), MAX_PIXELS).pixels
    assert np.array_equal(digits.images.numpy()[0], np.rint(255 * pixels))
    assert digits.labels.tolist() == [9]


def test_without_corrected_pictures_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    digits = read_kept(tmp_path / "none", set(), MAX_PIXELS).digits()
    assert digits.images.shape == (0, 28, 28)
    assert digits.labels.shape == (0,)


def test_the_same_picture_in_another_file_counts_once(tmp_path: Path, keep: Keep) -> None:
    keep(4)
    keep(4, picture=encoded(mnist(4), "BMP"))
    corrected = read_kept(tmp_path / "kept", set(), MAX_PIXELS)
    assert (len(corrected.digits()), corrected.twice, corrected.contradicted) == (1, 1, 0)


def test_a_picture_that_was_said_to_be_two_digits_is_left_out(tmp_path: Path, keep: Keep) -> None:
    keep(4)
    keep(4, corrected=9, picture=encoded(mnist(4), "BMP"))
    corrected = read_kept(tmp_path / "kept", set(), MAX_PIXELS)
    assert (len(corrected.digits()), corrected.contradicted) == (0, 1)


def test_a_picture_that_networks_are_measured_on_is_left_out(tmp_path: Path, keep: Keep) -> None:
    keep(4)
    keep(5)
    measured_on = Digits(torch.from_numpy(np.asarray(mnist(4))[None].copy()), torch.tensor([4]))
    corrected = read_kept(tmp_path / "kept", as_they_come(measured_on, MAX_PIXELS), MAX_PIXELS)
    assert corrected.digits().labels.tolist() == [5]
    assert corrected.leaked == 1


def rewrite(note: Path, **changes: Any) -> None:
    note.write_text(json.dumps({**json.loads(note.read_bytes()), **changes}))


@pytest.mark.parametrize(
    "changes",
    [{"digit": 10}, {"digit": "4"}, {"digit": None}, {"confidence": 1.5}, {"model": 1}, {"address": "somewhere"}],
    ids=str,
)
def test_a_note_that_the_service_would_not_write_stops(tmp_path: Path, keep: Keep, changes: dict[str, Any]) -> None:
    note = tmp_path / "kept" / f"{keep(4)}.json"
    rewrite(note, **changes)
    with pytest.raises(SchemaSkew, match=note.name):
        read_kept(tmp_path / "kept", set(), MAX_PIXELS)


def test_a_note_under_another_name_stops(tmp_path: Path, keep: Keep) -> None:
    note = tmp_path / "kept" / f"{keep(4)}.json"
    note.rename(note.with_stem("0" * 64))
    with pytest.raises(SchemaSkew, match="another picture"):
        read_kept(tmp_path / "kept", set(), MAX_PIXELS)


@pytest.mark.parametrize("content", [None, b"another"])
def test_a_picture_that_is_gone_or_was_changed_stops(tmp_path: Path, keep: Keep, content: bytes | None) -> None:
    picture = tmp_path / "kept" / f"{keep(4)}.png"
    picture.unlink()
    if content:
        picture.write_bytes(content)
    with pytest.raises(SchemaSkew, match="no picture beside it, or another"):
        read_kept(tmp_path / "kept", set(), MAX_PIXELS)


def test_a_kept_file_that_is_no_picture_stops(tmp_path: Path, keep: Keep) -> None:
    keep(4, picture=b"a four")
    with pytest.raises(SchemaSkew, match="can't be read"):
        read_kept(tmp_path / "kept", set(), MAX_PIXELS)

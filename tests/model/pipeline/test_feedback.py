import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from src.model.data.mnist import Digits
from src.model.inference.predictor import Predictor
from src.model.pipeline.feedback import FeedbackError, collect_pixels, load_corrected
from src.model.preprocessing.preprocess import preprocess
from src.settings import get_settings
from tests.pictures import encoded, mnist

MAX_PIXELS = get_settings().max_pixels


def test_stored_picture_is_framed_and_gets_the_corrected_digit(
    tmp_path: Path, keep: Callable[..., str], predictor: Predictor
) -> None:
    keep(4, corrected=9)
    digits = load_corrected(tmp_path / "kept", set(), predictor).digits
    pixels = preprocess(encoded(mnist(4)), MAX_PIXELS)[0].pixels
    assert np.array_equal(digits.images.numpy()[0], np.rint(255 * pixels))
    assert digits.labels.tolist() == [9]


def test_missing_folder_gives_no_pictures(tmp_path: Path, predictor: Predictor) -> None:
    digits = load_corrected(tmp_path / "none", set(), predictor).digits
    assert digits.images.shape == (0, 28, 28)
    assert digits.labels.shape == (0,)


def test_same_picture_in_another_file_counts_once(
    tmp_path: Path, keep: Callable[..., str], predictor: Predictor
) -> None:
    keep(4)
    keep(4, picture=encoded(mnist(4), "BMP"))
    corrected = load_corrected(tmp_path / "kept", set(), predictor)
    assert (len(corrected.digits), corrected.duplicates, corrected.contradictory) == (1, 1, 0)


def test_picture_corrected_to_two_digits_is_left_out(
    tmp_path: Path, keep: Callable[..., str], predictor: Predictor
) -> None:
    keep(4)
    keep(4, corrected=9, picture=encoded(mnist(4), "BMP"))
    corrected = load_corrected(tmp_path / "kept", set(), predictor)
    assert (len(corrected.digits), corrected.contradictory) == (0, 1)


def test_picture_of_the_held_out_sets_is_left_out(
    tmp_path: Path, keep: Callable[..., str], predictor: Predictor
) -> None:
    keep(4)
    keep(5)
    held_out = Digits(torch.from_numpy(np.asarray(mnist(4))[None].copy()), torch.tensor([4]))
    corrected = load_corrected(tmp_path / "kept", collect_pixels(held_out, MAX_PIXELS), predictor)
    assert corrected.digits.labels.tolist() == [5]
    assert corrected.leaked == 1


def rewrite(note: Path, **changes: Any) -> None:
    note.write_text(json.dumps({**json.loads(note.read_bytes()), **changes}))


@pytest.mark.parametrize(
    "changes",
    [{"digit": 10}, {"digit": "4"}, {"digit": None}, {"confidence": 1.5}, {"model": 1}, {"address": "somewhere"}],
    ids=str,
)
def test_note_of_another_form_is_refused(
    tmp_path: Path, keep: Callable[..., str], changes: dict[str, Any], predictor: Predictor
) -> None:
    note = tmp_path / "kept" / f"{keep(4)}.json"
    rewrite(note, **changes)
    with pytest.raises(FeedbackError, match=note.name):
        load_corrected(tmp_path / "kept", set(), predictor)


def test_note_under_another_name_is_refused(tmp_path: Path, keep: Callable[..., str], predictor: Predictor) -> None:
    note = tmp_path / "kept" / f"{keep(4)}.json"
    note.rename(note.with_stem("0" * 64))
    with pytest.raises(FeedbackError, match="another picture"):
        load_corrected(tmp_path / "kept", set(), predictor)


@pytest.mark.parametrize("content", [None, b"another"])
def test_missing_or_changed_picture_is_refused(
    tmp_path: Path, keep: Callable[..., str], content: bytes | None, predictor: Predictor
) -> None:
    picture = tmp_path / "kept" / f"{keep(4)}.png"
    picture.unlink()
    if content:
        picture.write_bytes(content)
    with pytest.raises(FeedbackError, match="is missing or was changed"):
        load_corrected(tmp_path / "kept", set(), predictor)


def test_file_that_is_no_picture_is_refused(tmp_path: Path, keep: Callable[..., str], predictor: Predictor) -> None:
    keep(4, picture=b"a four")
    with pytest.raises(FeedbackError, match="can't be read"):
        load_corrected(tmp_path / "kept", set(), predictor)


def test_entries_that_are_no_files_are_skipped(tmp_path: Path, keep: Callable[..., str], predictor: Predictor) -> None:
    digest = keep(4)
    (tmp_path / "kept" / "x.json").mkdir()
    (tmp_path / "kept" / "y.json").symlink_to("nothing")
    (tmp_path / "kept" / "z.json").symlink_to("/dev/zero")
    (tmp_path / "kept" / f"{digest}.old").mkdir()
    assert load_corrected(tmp_path / "kept", set(), predictor).digits.labels.tolist() == [4]


def test_huge_note_is_refused(tmp_path: Path, keep: Callable[..., str], predictor: Predictor) -> None:
    note = tmp_path / "kept" / f"{keep(4)}.json"
    note.write_text(note.read_text() + " " * 1_000_000)
    with pytest.raises(FeedbackError, match=f"{note.name} can't be read: it has 1,0"):
        load_corrected(tmp_path / "kept", set(), predictor)

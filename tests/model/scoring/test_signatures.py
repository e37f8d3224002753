"""With `DIGITS_REQUIRE_SIGNATURE`, the command scores only with a signed network, from the bytes that were checked."""

from pathlib import Path

import pytest

from src.model import score
from src.model.errors import ArtefactError
from src.model.scoring.score_shard import score_shard
from src.settings import Settings
from tests.model.scoring.runs import make_job, make_pictures, read_rows, score_here, write_folder
from tests.released import VERSION, copy_release
from tests.signing import KeyPair, copy_signed_release, make_key


@pytest.fixture
def key(tmp_path: Path) -> KeyPair:
    return make_key(tmp_path)


def score_signed(model: Path, output: Path, key: KeyPair) -> None:
    source = write_folder(output.parent / "in", {"4.png": make_pictures()["mnist/4.png"]})
    arguments = score.parse([str(source), "--out", str(output), "--model", str(model), "--workers", "1"])
    score.score(arguments, Settings(require_signature=True, trusted_key=key.public))


def test_a_signed_network_scores(tmp_path: Path, key: KeyPair) -> None:
    (tmp_path / "model").mkdir()
    score_signed(copy_signed_release(tmp_path / "model", "9.0.0", key), tmp_path / "out", key)
    assert [(row["digit"], row["model"]) for row in read_rows(tmp_path / "out")] == [(4, "9.0.0")]


@pytest.mark.parametrize("flaw", ["no signature", "another key", "altered"])
def test_a_network_without_a_trusted_signature_is_refused_before_anything_is_written(
    tmp_path: Path, key: KeyPair, flaw: str
) -> None:
    (tmp_path / "model").mkdir()
    signer = make_key(tmp_path, "other") if flaw == "another key" else key
    model = copy_signed_release(tmp_path / "model", "9.0.0", signer)
    if flaw == "no signature":
        model.with_suffix(".sig").unlink()
    elif flaw == "altered":
        copy_release(tmp_path / "model", "9.0.0", broken=True)
    with pytest.raises(ArtefactError, match=r"is not signed|no valid signature"):
        score_signed(model, tmp_path / "out", key)
    assert not (tmp_path / "out").exists()


def test_a_copy_that_was_changed_beside_the_results_is_refused(tmp_path: Path) -> None:
    source, output = write_folder(tmp_path / "in", make_pictures()), tmp_path / "out"
    score_here(source, output)
    copied = output / "model" / f"mnist-{VERSION}.json"
    copied.write_text(copied.read_text().replace('"seed"', ' "seed"'))
    next((output / "shards").iterdir()).unlink()
    with pytest.raises(ArtefactError, match="has changed"):
        score_shard(make_job(source, output.rename(tmp_path / "moved")), 0)

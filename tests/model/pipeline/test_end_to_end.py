"""The whole pipeline with the commands of production: from corrected pictures to a network in the running service.

The training is shortened to seconds. Networks are signed with a key, and the service requires signatures.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.model.data.mnist import encode_png, load_mnist
from src.model.inference.artefact import describe, list_versions
from src.settings import get_settings
from tests import servers
from tests.app.api.api_client import until
from tests.model.pipeline.workshop import Workshop
from tests.pictures import drawn, encoded

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Yield a copy of the project whose service runs with a network of little training."""
    load_mnist(get_settings().data_dir)
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    options = ("--quick", "--epochs", "4", "--version", "0.0.1", "--out", str(workshop.model_dir))
    training = workshop.python("src.model.train_model", *options)
    assert training.returncode == 0, training.stderr
    signing = workshop.python("src.model.pipeline.sign", str(workshop.model_dir / "mnist-0.0.1.json"))
    assert signing.returncode == 0, signing.stderr
    with servers.running(workshop.server):
        yield workshop


def drawings() -> Iterator[tuple[bytes, int]]:
    """Yield 110 drawings with their digits."""
    for pen in range(10, 32, 2):
        for digit in range(10):
            yield encoded(drawn(digit, pen=pen)), digit


def mislabelled_digits() -> Iterator[tuple[bytes, int]]:
    """Yield 1,500 digits with wrong labels."""
    train = load_mnist(get_settings().data_dir).train[-1500:]
    for image, digit in zip(train.images.numpy(), train.labels.tolist(), strict=True):
        yield encode_png(image), (digit + 1) % 10


def test_corrected_pictures_lead_to_a_network_that_the_running_service_loads(workshop: Workshop) -> None:
    before = workshop.serving_version()
    workshop.correct(drawings())
    with workshop.constant_requests() as statuses:
        run = workshop.python("src.model.pipeline.retrain", "--deliver")
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stdout.startswith("feedback: 110 corrected pictures since the last run\n")
        until(lambda: workshop.serving_version() != before)
    assert set(statuses) == {200}
    assert workshop.read_report("data")["retrain"]  # drawings differ from MNIST
    assert workshop.serving_version() == list_versions(workshop.model_dir)[-1]
    assert describe(workshop.model_dir / f"mnist-{workshop.serving_version()}.json").validation.accuracy > 0.9

    again = workshop.python("dvc", "repro")
    assert "Data and pipelines are up to date." in again.stdout

    with workshop.constant_requests() as statuses:
        assert workshop.python("src.model.pipeline.promote", "--rollback").returncode == 0
        until(lambda: workshop.serving_version() == before)
        assert workshop.python("src.model.pipeline.promote").returncode == 0
        until(lambda: workshop.serving_version() != before)
    assert set(statuses) == {200}


def test_network_trained_on_wrong_labels_is_refused_and_production_stays(workshop: Workshop) -> None:
    before, known = workshop.serving_version(), list_versions(workshop.model_dir)
    workshop.correct(mislabelled_digits())
    with workshop.constant_requests() as statuses:
        run = workshop.python("src.model.pipeline.retrain", "--deliver")
    assert run.returncode == 1
    assert "validate-model: " in run.stderr
    assert "The release gate refused the network; the one in production stays." in run.stderr
    assert set(statuses) == {200}
    assert workshop.serving_version() == before
    assert list_versions(workshop.model_dir) == known
    assert len(list((workshop.root / "data" / "refused").glob("*.json"))) == 1500


def test_unknown_note_stops_the_pipeline_before_the_training(workshop: Workshop, tmp_path: Path) -> None:
    (workshop.root / "data" / "feedback" / f"{'0' * 64}.json").write_text('{"digit": 4}')
    stopped = workshop.python("src.model.pipeline.stages.validate_data")
    assert stopped.returncode == 1
    assert "is not a note of the service" in stopped.stderr
    assert not list(tmp_path.iterdir())

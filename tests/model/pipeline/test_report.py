"""The table that a pull request shows: what a new network does, beside what the one before did."""

from src.model.evaluation.report import DigitCounts, Evaluation
from src.model.pipeline.report import table

READ = DigitCounts(right=[9] * 10, pictures=[10] * 10, calibration_error=0.0123, loss=0.1)
FOUND = Evaluation(
    version="1.0.1",
    sha256="0" * 64,
    network="cnn",
    parameters=6422,
    bytes=1000,
    machine="any",
    network_ms=0.1,
    drawing_ms=1,
    validation=READ,
    practice={"written": READ},
    corrupted={"fog": READ},
    others={"made up": 0.98},
)


def test_each_figure_stands_beside_what_it_was() -> None:
    before = FOUND.model_copy(update={"version": "1.0.0", "others": {"made up": 0.97}})
    lines = table(FOUND, before).splitlines()
    assert lines[0] == "| | 1.0.1 | 1.0.0 |"
    assert "| MNIST validation | 90.00% | 90.00% |" in lines
    assert "| digit or not, made up: AUROC | 0.9800 | 0.9700 |" in lines
    assert "| calibration error | 1.23% | 1.23% |" in lines


def test_the_first_network_stands_alone() -> None:
    assert table(FOUND, None).splitlines()[0] == "| | 1.0.1 | none before |"

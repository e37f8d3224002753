from src.model.pipeline.report import format_table
from tests.model.evaluations import make_evaluation


def test_each_measurement_stands_beside_the_one_before() -> None:
    before = make_evaluation(version="0.9.0", non_digit_auroc={"made up": 0.97})
    lines = format_table(make_evaluation(), before).splitlines()
    assert lines[0] == "| | 1.0.0 | 0.9.0 |"
    assert "| MNIST validation | 99.92% | 99.92% |" in lines
    assert "| digits against non-digits (made up), AUROC | 0.9900 | 0.9700 |" in lines
    assert "| calibration error | 0.20% | 0.20% |" in lines


def test_first_network_stands_alone() -> None:
    lines = format_table(make_evaluation(), None).splitlines()
    assert lines[0] == "| | 1.0.0 | none before |"
    assert "| MNIST validation | 99.92% |  |" in lines

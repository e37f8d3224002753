from pathlib import Path

import pytest

from src.model.experiments import recovery_curve, results, update_docs
from src.model.experiments.results import Results
from tests.model.experiments.test_results import a_run

PLOTS_DIR = {"best/cnn/given": "99.10 ± 0.05 %", "best/table": "\n\n| a |\n"}


def test_what_stands_between_the_comments_is_replaced() -> None:
    text = "It reads <!-- best/cnn/given -->12 %<!-- / -->, always.\n<!-- best/table --><!-- / -->\n"
    assert update_docs.quoted(text, PLOTS_DIR) == (
        "It reads <!-- best/cnn/given -->99.10 ± 0.05 %<!-- / -->, always.\n<!-- best/table -->\n\n| a |\n<!-- / -->\n"
    )


def test_a_name_that_no_result_has_is_an_error() -> None:
    with pytest.raises(KeyError, match="best/rnn/given"):
        update_docs.quoted("<!-- best/rnn/given -->99 %<!-- / -->", PLOTS_DIR)


def test_a_cell_can_be_quoted_with_its_mean_its_worst_and_its_numbers() -> None:
    runs = [a_run(0, accuracy=0.9), a_run(1, accuracy=0.92)]
    found = update_docs.figures(Results(runs=runs), [])
    assert found["course/cnn/given"] == "91.00 ± 1.41 %"
    assert found["course/cnn/given/worst"] == "90.00 %"
    assert found["course/cnn/given/numbers"] == "6,422"


def test_the_distance_of_two_means_stands_beside_its_own_error() -> None:
    given = [a_run(seed, accuracy=0.99 + seed / 1000) for seed in range(3)]
    recovered = [
        run.model_copy(update={"layout": "recovered", "test_accuracy": run.test_accuracy - 0.001}) for run in given
    ]
    assert update_docs.difference([*given, *recovered]) == "-0.10 points, two standard errors being 0.16"


@pytest.mark.parametrize("path", update_docs.DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_quote_the_committed_results(path: Path) -> None:
    text = path.read_text()
    assert update_docs.QUOTATION.search(text)
    assert update_docs.quoted(text, update_docs.figures(results.read(), recovery_curve.read())) == text

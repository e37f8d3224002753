import re
from pathlib import Path

import pytest

from src.model.experiments import recovery_curve, results, update_docs
from src.model.experiments.results import Results
from src.model.experiments.snippets import SNIPPET, replace_snippets
from tests.model.experiments.make_run import MakeRun

SNIPPETS = {"best/cnn/given": "99.10 ± 0.05 %", "best/table": "\n\n| a |\n"}


def test_text_between_the_comments_is_replaced() -> None:
    text = "It reads <!-- best/cnn/given -->12 %<!-- / -->, always.\n<!-- best/table --><!-- / -->\n"
    assert replace_snippets(text, SNIPPETS) == (
        "It reads <!-- best/cnn/given -->99.10 ± 0.05 %<!-- / -->, always.\n<!-- best/table -->\n\n| a |\n<!-- / -->\n"
    )


def test_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError, match="best/rnn/given"):
        replace_snippets("<!-- best/rnn/given -->99 %<!-- / -->", SNIPPETS)


def test_snippets_have_mean_worst_and_parameters_of_a_network(make_run: MakeRun) -> None:
    runs = [make_run(0, accuracy=0.9), make_run(1, accuracy=0.92)]
    snippets = update_docs.make_snippets(Results(runs=runs), [])
    assert snippets["course/cnn/given"] == "91.00 ± 1.41 %"
    assert snippets["course/cnn/given/worst"] == "90.00 %"
    assert snippets["course/cnn/given/numbers"] == "6,422"


def test_difference_of_means_has_its_standard_error(make_run: MakeRun) -> None:
    given = [make_run(seed, accuracy=0.99 + seed / 1000) for seed in range(3)]
    recovered = [
        run.model_copy(update={"layout": "recovered", "test_accuracy": run.test_accuracy - 0.001}) for run in given
    ]
    assert update_docs.format_difference([*given, *recovered]) == "-0.10 points, two standard errors being 0.16"


@pytest.mark.parametrize("path", update_docs.DOCUMENTS, ids=lambda path: path.name)
def test_documents_quote_the_committed_results(path: Path) -> None:
    text = path.read_text()
    assert SNIPPET.search(text)
    assert replace_snippets(text, update_docs.make_snippets(results.read(), recovery_curve.read())) == text


def test_model_card_quotes_the_saved_report_of_the_version_it_is_about() -> None:
    text = update_docs.MODEL_CARD.read_text()
    assert update_docs.update_card(text) == text


def test_header_is_replaced_and_not_repeated() -> None:
    text = update_docs.MODEL_CARD.read_text()
    assert update_docs.update_card(text.replace("0.997", "0.123")) == text
    without = re.sub(r"\A---\n.*?\n---\n\n", "", text, flags=re.DOTALL)
    assert without.startswith("# Model card")
    assert update_docs.update_card(without) == text


def test_card_without_a_version_in_its_title_is_an_error() -> None:
    with pytest.raises(ValueError, match="no title such as"):
        update_docs.update_card("# Model card\n")

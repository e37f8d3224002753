"""The model card's machine-readable header, and the figures it quotes from the report on the official test set.

The header is YAML as Hugging Face reads it, with a `model-index`: https://huggingface.co/docs/hub/model-cards. Both
come from the saved evaluation and report of the version that the card's title names.
"""

import re
from typing import Any, Final

import yaml

from src.model.evaluation.official_test import (
    DISPUTED,
    OfficialTest,
    format_corruptions,
    format_interval,
    format_scores,
    format_writers,
)
from src.model.evaluation.report import Evaluation

TITLE: Final = re.compile(r"^# Model card: `mnist-(?P<version>[\w.-]+)`$", re.MULTILINE)
HEADER: Final = re.compile(r"\A(---\n.*?\n---\n\n?)?", re.DOTALL)
DECIMALS: Final = 5  # of the values in the header


def read_version(card: str) -> str:
    """Return the version that the title names. Raises `ValueError` if there is none."""
    if not (title := TITLE.search(card)):
        raise ValueError("The model card has no title such as # Model card: `mnist-1.5.0`.")
    return title["version"]


def build_header(evaluation: Evaluation, report: OfficialTest) -> dict[str, Any]:
    """Return the header's content. Raises `ValueError` if the evaluation lacks the official test set."""
    if evaluation.test is None:
        raise ValueError(f"The evaluation of {evaluation.version} lacks the official test set.")
    return {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": "image-classification",
        "datasets": ["mnist"],
        "metrics": ["accuracy"],
        "model-index": [
            {
                "name": f"mnist-{evaluation.version}",
                "results": [
                    _build_result(
                        {"name": "MNIST", "type": "mnist", "split": "test"},
                        {
                            "accuracy": evaluation.test.accuracy,
                            f"accuracy without {len(DISPUTED)} disputed labels": report.undisputed.accuracy,
                            "expected calibration error": evaluation.test.calibration_error,
                        },
                    ),
                    _build_result(
                        {"name": "MNIST-C, reimplemented", "type": "mnist_corrupted", "split": "test"},
                        {
                            f"accuracy, mean of {len(report.corruptions)} corruptions": report.corrupted.accuracy,
                            f"accuracy, worst: {report.worst_corruption}": report.corruptions[
                                report.worst_corruption
                            ].accuracy,
                        },
                    ),
                ],
            }
        ],
    }


def _build_result(dataset: dict[str, str], values: dict[str, float]) -> dict[str, Any]:
    metrics = [
        {
            "type": "accuracy" if name.startswith("accuracy") else name.replace(" ", "_"),
            "name": name,
            "value": round(value, DECIMALS),
        }
        for name, value in values.items()
    ]
    return {"task": {"type": "image-classification"}, "dataset": dataset, "metrics": metrics}


def replace_header(card: str, evaluation: Evaluation, report: OfficialTest) -> str:
    """Return the card with its header replaced, or added if it has none."""
    content = yaml.safe_dump(build_header(evaluation, report), sort_keys=False, width=120)
    return HEADER.sub(lambda _: f"---\n{content}---\n\n", card, count=1)


def make_snippets(report: OfficialTest) -> dict[str, str]:
    """Return what the card quotes from the report, by name."""
    writers, corrupted_writers, worst = report.writers, report.corrupted_writers, report.worst_corruption
    return {
        "test/table": f"\n\n{format_scores(report)}\n",
        "test/corruptions": f"\n\n{format_corruptions(report)}\n",
        "test/worst-writers": f"\n\n{format_writers(report)}\n",
        "test/accuracy": _percent(report.plain.accuracy),
        "test/errors": str(report.plain.errors),
        "test/errors/disputed": str(report.plain.errors - report.undisputed.errors),
        "test/wilson": format_interval(report.plain.wilson),
        "test/by-writer": format_interval(report.plain.by_writer),
        "test/standard-error": f"{100 * report.plain.standard_error:.3f}",
        "test/writers": str(writers.writers),
        "test/writers/without": str(writers.writers - writers.with_errors),
        "test/writers/with": str(writers.with_errors),
        "test/writers/expected": f"{writers.expected_with_errors:.0f}",
        "test/corrupted": _percent(report.corrupted.accuracy),
        "test/corrupted/worst": f"{worst}, {_percent(report.corruptions[worst].accuracy)}",
        "test/corrupted/worst-tenth": f"{100 * corrupted_writers.worst_tenth:.0f} %",
    }


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"

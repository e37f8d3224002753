"""What MNIST's official test digits say about a network, and how sure that is. Nothing is selected by it.

python -m src.model.evaluation.official_test                                  the newest release
python -m src.model.evaluation.official_test --model model/mnist-1.3.0.json   another one

Prints the report and saves it as docs/results/official-test-<version>.json. The pictures take the path that users'
pictures take, as PNG files, and each is read once as it is and once with each of MNIST-C's corruptions.

Digits of one writer resemble each other, so 10,000 digits may say less than 10,000 independent draws. Every accuracy
therefore has two intervals: Wilson's (1927), as if digits were independent, and the bootstrap's, which draws whole
writers with replacement. QMNIST says who wrote each digit (`writers.py`).
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.stats import binomtest, bootstrap, hypergeom

from src.model.data.download import SHA256
from src.model.data.mnist import Digits, load_mnist, read_test_writers
from src.model.data.mnist_c import CORRUPTIONS
from src.model.errors import DigitError
from src.model.evaluation.predictions import LabelledFile, predict_all
from src.model.evaluation.suite import corrupt_files, to_files
from src.model.files import write_text_atomically
from src.model.inference.artefact import find_newest
from src.model.inference.predictor import Predictor, open_predictor
from src.settings import RESULTS_DIR, get_settings

# Of five people who were shown each of these digits, most did not see what its label says: Northcutt, Athalye and
# Mueller, "Pervasive label errors in test sets destabilize machine learning benchmarks" (2021).
DISPUTED: Final = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)
SERIES: Final = {0: "employees of the census (NIST's SD-3)", 4: "pupils (NIST's SD-1)"}
TEST_FILES: Final = {name: digest for name, digest in SHA256.items() if name.startswith("t10k")}
RESAMPLES: Final = 9_999
WORST: Final = 10  # writers that are listed

Array = NDArray[np.int64]
Interval = tuple[float, float]


class Count(BaseModel):
    """How many pictures are read correctly."""

    model_config = ConfigDict(frozen=True)

    correct: int
    pictures: int
    wilson: Interval = Field(
        description="95 % interval of the accuracy if all pictures are independent: Wilson's score"
    )

    @property
    def accuracy(self) -> float:
        """The share of pictures that are read correctly, 0..1."""
        return self.correct / self.pictures

    @property
    def errors(self) -> int:
        """The number of pictures that are misread or refused."""
        return self.pictures - self.correct


class Score(Count):
    """How many pictures of several writers are read correctly, and how far that depends on who they are."""

    standard_error: float = Field(description="of the accuracy, if whole writers are drawn")
    by_writer: Interval = Field(description="95 % interval of the accuracy if whole writers are drawn: bootstrap")


class WriterCount(Count):
    """How many digits of one writer are read correctly."""

    writer: int = Field(description="QMNIST's number")
    series: int


class Writers(BaseModel):
    """How the errors are spread over the writers."""

    model_config = ConfigDict(frozen=True)

    writers: int
    with_errors: int = Field(description="writers of whom at least one picture is misread")
    expected_with_errors: float = Field(
        description="the same, on average, if the errors fell on any pictures by chance"
    )
    worst_tenth: float = Field(
        description="share of the errors that the tenth of the writers with most errors has, 0..1"
    )
    worst: list[WriterCount] = Field(description="the writers with most errors")


class OfficialTest(BaseModel):
    """The report on one network."""

    model_config = ConfigDict(frozen=True)

    version: str
    sha256: str = Field(description="of the .onnx file")
    data_sha256: dict[str, str] = Field(description="of MNIST's test pictures and labels")
    plain: Score = Field(description="all digits as they are")
    undisputed: Score = Field(description="without those whose label is disputed")
    series: dict[int, Score] = Field(description="by NIST's series")
    writers: Writers
    corruptions: dict[str, Score] = Field(description="all digits with a corruption of MNIST-C, by its name")
    corrupted: Score = Field(description="all corruptions together: the mean accuracy over the corruptions")
    corrupted_writers: Writers

    @property
    def worst_corruption(self) -> str:
        """The name of the corruption that costs most."""
        return min(self.corruptions, key=lambda name: self.corruptions[name].correct)


def measure(path: Path, test: Digits, corruptions: Sequence[str] = tuple(CORRUPTIONS)) -> OfficialTest:
    """Read the test digits with the network at `path`, as they are and with each of the `corruptions`."""
    predictor = open_predictor(path, get_settings().max_pixels)
    writers, series = read_test_writers()
    plain = _find_correct(predictor, to_files(test))
    by_corruption = {name: _find_correct(predictor, corrupt_files(name, test)) for name in corruptions}
    corrupted, versions = np.sum(list(by_corruption.values()), 0), len(by_corruption)
    undisputed = np.delete(np.arange(len(test)), DISPUTED)
    return OfficialTest(
        version=predictor.description.version,
        sha256=predictor.description.sha256["onnx"],
        data_sha256=TEST_FILES,
        plain=score(plain, writers),
        undisputed=score(plain[undisputed], writers[undisputed]),
        series={one: score(plain[series == one], writers[series == one]) for one in sorted(set(series.tolist()))},
        writers=group_by_writer(plain, writers, series),
        corruptions={name: score(correct, writers) for name, correct in by_corruption.items()},
        corrupted=score(corrupted, writers, versions),
        corrupted_writers=group_by_writer(corrupted, writers, series, versions),
    )


def _find_correct(predictor: Predictor, files: list[LabelledFile]) -> Array:
    """Return 1 for each file that is read correctly and 0 for the others, [N]."""
    predictions = predict_all(predictor, files)
    return np.array([found is not None and found.prediction == label for found, label in predictions], np.int64)


def count(correct: int, pictures: int) -> Count:
    """Return a count with its interval."""
    interval = binomtest(correct, pictures).proportion_ci(0.95, method="wilson")
    return Count(correct=correct, pictures=pictures, wilson=(round(interval.low, 5), round(interval.high, 5)))


def score(correct: Array, writers: Array, versions: int = 1) -> Score:
    """Return the accuracy on digits by `writers` [N], of which `correct` [N] of `versions` pictures each are read."""
    _, rows, digits = np.unique(writers, return_inverse=True, return_counts=True)

    def share(right: NDArray[np.float64], pictures: Array, axis: int = -1) -> NDArray[np.float64]:
        return np.asarray(right.sum(axis) / pictures.sum(axis))

    resampled = bootstrap(
        (np.bincount(rows, correct), versions * digits),
        share,
        paired=True,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    low, high = resampled.confidence_interval
    return Score(
        **count(int(correct.sum()), versions * len(correct)).model_dump(),
        standard_error=round(float(resampled.standard_error), 6),
        by_writer=(round(float(low), 5), round(float(high), 5)),
    )


def group_by_writer(correct: Array, writers: Array, series: Array, versions: int = 1) -> Writers:
    """Return how the errors are spread over the writers. Arrays are [N], one entry for each digit (see `score`)."""
    numbers, first, rows, digits = np.unique(writers, return_index=True, return_inverse=True, return_counts=True)
    pictures = versions * digits
    errors = pictures - np.bincount(rows, correct).astype(np.int64)
    order = np.lexsort((numbers, pictures, -errors))  # most errors first, then the fewest pictures
    total = int(errors.sum())
    spared = hypergeom.pmf(0, pictures.sum(), total, pictures).sum()  # writers without an error, by chance
    return Writers(
        writers=len(numbers),
        with_errors=int((errors > 0).sum()),
        expected_with_errors=round(float(len(numbers) - spared), 1),
        worst_tenth=round(float(errors[order][: -(-len(numbers) // 10)].sum() / max(total, 1)), 4),
        worst=[
            WriterCount(
                **count(int(pictures[row] - errors[row]), int(pictures[row])).model_dump(),
                writer=int(numbers[row]),
                series=int(series[first[row]]),
            )
            for row in order[:WORST]
        ],
    )


def official_test_path(version: str, folder: Path = RESULTS_DIR) -> Path:
    """Return the path of the saved report on `version`."""
    return folder / f"official-test-{version}.json"


def load_official_test(version: str, folder: Path = RESULTS_DIR) -> OfficialTest:
    """Load the saved report on `version`."""
    return OfficialTest.model_validate_json(official_test_path(version, folder).read_bytes())


def format_scores(report: OfficialTest) -> str:
    """Return accuracies and intervals as a Markdown table."""
    rows = {
        "all test digits": report.plain,
        **{f"written by {SERIES[one]}": found for one, found in report.series.items()},
        f"without the {len(DISPUTED)} with a disputed label": report.undisputed,
        f"MNIST-C, mean of {len(report.corruptions)} corruptions": report.corrupted,
    }
    return "\n".join(_format_rows("pictures", rows))


def format_corruptions(report: OfficialTest) -> str:
    """Return the accuracies with each corruption as a Markdown table, the worst first."""
    names = sorted(report.corruptions, key=lambda name: report.corruptions[name].correct)
    return "\n".join(_format_rows("corruption", {name: report.corruptions[name] for name in names}))


def _format_rows(title: str, rows: dict[str, Score]) -> Iterator[str]:
    yield f"| {title} | read correctly | accuracy | 95 % interval: digits drawn anew | writers drawn anew |"
    yield "| --- | --- | --- | --- | --- |"
    for name, row in rows.items():
        intervals = f"{format_interval(row.wilson)} | {format_interval(row.by_writer)}"
        yield f"| {name} | {row.correct:,} of {row.pictures:,} | {100 * row.accuracy:.2f} % | {intervals} |"


def format_writers(report: OfficialTest, shown: int = 5) -> str:
    """Return the writers with most errors as a Markdown table."""
    rows = ["| writer | series | misread | accuracy | 95 % interval |", "| --- | --- | --- | --- | --- |"]
    for row in report.writers.worst[:shown]:
        accuracy = f"{100 * row.accuracy:.1f} % | {format_interval(row.wilson, 1)}"
        rows.append(f"| {row.writer} | {row.series} | {row.errors} of {row.pictures} | {accuracy} |")
    return "\n".join(rows)


def format_interval(interval: Interval, decimals: int = 2) -> str:
    """Return "99.57 to 99.79 %"."""
    low, high = (f"{100 * bound:.{decimals}f}" for bound in interval)
    return f"{low} to {high} %"


def describe_writers(report: OfficialTest) -> Iterator[str]:
    """Yield sentences on how the errors are spread over the writers."""
    for errors, spread in (("errors", report.writers), ("errors on corrupted digits", report.corrupted_writers)):
        yield (
            f"{errors}: {spread.with_errors} of {spread.writers} writers have one (by chance: "
            f"{spread.expected_with_errors:.0f}); the tenth with most has {spread.worst_tenth:.0%} of them"
        )


def main(arguments: list[str] | None = None) -> int:
    """Print and save the report on a network; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m src.model.evaluation.official_test", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", type=Path, help="the network's .json, .onnx or .pt (default: the newest release)")
    parser.add_argument("--out", type=Path, default=RESULTS_DIR, help="folder for the report")
    options = parser.parse_args(arguments)
    settings = get_settings()
    try:
        path = options.model or settings.model_file or find_newest(settings.model_dir)
        report = measure(path, load_mnist(settings.data_dir).test)
    except DigitError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    saved = official_test_path(report.version, options.out)
    write_text_atomically(saved, report.model_dump_json(indent=1) + "\n")
    parts = (format_scores(report), format_corruptions(report), format_writers(report), *describe_writers(report))
    sys.stdout.write("\n\n".join((*parts, f"saved {saved}")) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

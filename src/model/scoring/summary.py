"""What the results of all shards say together; one shard after the other, so that memory stays bounded."""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from pyarrow import compute, parquet

from src.model.scoring.locations import Location
from src.model.scoring.manifest import Manifest, list_missing, name_shard

LEAST_CERTAIN: Final = 100  # pictures that the report shows
BINS: Final = 20  # of the histogram of confidences
DOUBTFUL: Final = 0.5  # digit scores below this: rather no digit


class Uncertain(NamedTuple):
    """A picture of which the network is not sure; sorts by confidence."""

    confidence: float
    path: str
    answer: str  # the digit or the number
    digit_score: float
    shard: int
    row: int  # in the shard, from 0


@dataclass
class Summary:
    """Counts over all results."""

    classes: Counter[str] = field(default_factory=Counter)  # pictures by digit, or numbers by how many digits they have
    problems: Counter[str] = field(default_factory=Counter)
    doubtful: int = 0  # pictures that are rather no digit
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)  # of the confidence, 0..1
    least_certain: list[Uncertain] = field(default_factory=list)
    missing: int = 0  # shards without results

    @property
    def scored(self) -> int:
        """Pictures with a result."""
        return self.classes.total()

    @property
    def pictures(self) -> int:
        """All pictures whose shard is done."""
        return self.scored + self.problems.total()


def summarise(output: Location, manifest: Manifest) -> Summary:
    """Return what is in the results so far. Raises OSError."""
    missing = set(list_missing(output, manifest))
    summary = Summary(missing=len(missing))
    numbers = manifest.options.numbers
    for shard in range(len(manifest.shards)):
        if shard not in missing:
            with name_shard(output, shard).files.open_input_file(name_shard(output, shard).path) as file:
                _add(summary, parquet.read_table(file, use_threads=False), shard, numbers)
    summary.least_certain.sort()
    return summary


def _add(summary: Summary, table: Any, shard: int, numbers: bool) -> None:
    answers = table["number"] if numbers else table["digit"]
    classes = compute.utf8_length(answers) if numbers else answers
    summary.classes.update(_count(classes, "{} digits" if numbers else "{}"))
    summary.problems.update(_count(table["problem"], "{}"))
    summary.doubtful += compute.sum(compute.less(table["digit_score"], DOUBTFUL)).as_py() or 0
    confidences = table["confidence"].drop_null().to_numpy()
    counts = np.histogram(confidences, BINS, (0, 1))[0]
    summary.histogram = [old + int(new) for old, new in zip(summary.histogram, counts, strict=True)]
    summary.least_certain = heapq.nsmallest(
        LEAST_CERTAIN, [*summary.least_certain, *_find_least_certain(table, answers, shard)]
    )


def _count(values: Any, name: str) -> dict[str, int]:
    return {
        name.format(entry["values"]): entry["counts"] for entry in compute.value_counts(values.drop_null()).to_pylist()
    }


def _find_least_certain(table: Any, answers: Any, shard: int) -> Iterator[Uncertain]:
    """Yield the least certain pictures of a shard."""
    wanted = compute.select_k_unstable(table["confidence"], LEAST_CERTAIN, [("", "ascending")])
    rows = wanted.filter(compute.is_valid(table["confidence"].take(wanted)))
    columns = [table[name].take(rows).to_pylist() for name in ("confidence", "path", "digit_score")]
    confidence, path, score = columns
    for number, answer in enumerate(answers.take(rows).to_pylist()):
        row = rows[number].as_py()
        yield Uncertain(confidence[number], path[number], str(answer), score[number], shard, row)


def format_table(summary: Summary, numbers: bool) -> str:
    """Return the counts as text."""
    name = "number" if numbers else "digit"
    lines = [f"{name:<24}{'pictures':>14}{'share':>9}"]
    lines += [_format_row(label, count, summary.pictures) for label, count in sorted(summary.classes.items())]
    lines += [_format_row(label, count, summary.pictures) for label, count in sorted(summary.problems.items())]
    lines += [_format_row("all", summary.pictures, summary.pictures)]
    if summary.doubtful:
        lines += ["", f"{summary.doubtful:,} of them are rather no {name}: digit score below {DOUBTFUL}."]
    return "\n".join(lines)


def _format_row(label: str, count: int, total: int) -> str:
    return f"{label:<24}{count:>14,}{count / total:>9.2%}" if total else f"{label:<24}{count:>14,}"

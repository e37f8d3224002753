"""Scores one shard: the one function that all launchers run.

It decodes and frames each picture, sends them through the network in batches, and writes a Parquet file:

    path         string   the picture's path, or `<file>#<row>`
    digit        int8     0..9; null if the picture can't be read
    confidence   float    0..1, the calibrated probability of the digit
    digit_score  float    0..1, how much this is a digit at all
    model        string   the network's version
    problem      string   why the picture can't be read, else null

For numbers, `number` (string; `?` stands for what is not a digit) and `lines` (list of strings) take the place of
`digit`; `confidence` is the product of the digits' probabilities, and `digit_score` the lowest of the marks'.
"""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import cv2
import pyarrow
from pyarrow import parquet

from src.model.errors import PICTURE_PROBLEMS, DigitError, PictureError, ScoringError
from src.model.heap import limit_heap, trim_heap
from src.model.inference.numbers import Number, read
from src.model.inference.predictor import Prediction, Predictor, open_predictor
from src.model.preprocessing.preprocess import Candidates, preprocess, preprocess_plain
from src.model.scoring.limits import limited
from src.model.scoring.locations import Location, locate
from src.model.scoring.manifest import PATHS, Job, Manifest, fetch_model, name_shard, read_manifest
from src.model.scoring.sources.base import Picture, Source
from src.model.scoring.sources.detect import Reading, reopen_source

BATCH: Final = 32  # framed pictures that go through the network at once; more gain nothing on one thread
LARGEST_KEPT: Final = 12_000_000  # bytes: larger blocks of memory go back to the system at once
LARGE_FILE: Final = 1_000_000  # bytes: reading a picture of such a file leaves much free memory in pieces

COMMON: Final = [
    ("confidence", pyarrow.float32()),
    ("digit_score", pyarrow.float32()),
    ("model", pyarrow.string()),
    ("problem", pyarrow.string()),
]
DIGITS: Final = pyarrow.schema([("path", pyarrow.string()), ("digit", pyarrow.int8()), *COMMON])
NUMBERS: Final = pyarrow.schema(
    [("path", pyarrow.string()), ("number", pyarrow.string()), ("lines", pyarrow.list_(pyarrow.string())), *COMMON]
)

Row = dict[str, Any]


class Done(NamedTuple):
    """A scored shard."""

    number: int
    pictures: int
    cpu_s: float  # processor time


@dataclass(frozen=True)
class Scorer:
    """What a process keeps open between shards."""

    job: Job
    manifest: Manifest
    output: Location
    source: Source
    predictor: Predictor

    def score(self, pictures: Iterable[Picture]) -> Iterator[Row]:
        """Yield the row of each picture, in order."""
        numbers = self.manifest.options.numbers
        return map(self._read_number, pictures) if numbers else self._predict_all(pictures)

    def _predict_all(self, pictures: Iterable[Picture]) -> Iterator[Row]:
        """Yield the rows of pictures of single digits; they go through the network in batches."""
        waiting: list[tuple[Row, Candidates]] = []
        rows: list[Row] = []
        for picture in pictures:
            row = self._start_row(picture)
            rows.append(row)
            if not row["problem"]:
                try:
                    waiting.append((row, self._preprocess(picture.data)))
                except PictureError as error:
                    row["problem"] = PICTURE_PROBLEMS[type(error)]
            if sum(len(candidates) for _, candidates in waiting) >= BATCH:
                self._fill(waiting)
                yield from rows
                waiting, rows = [], []
        self._fill(waiting)
        yield from rows

    def _preprocess(self, data: bytes) -> Candidates:
        if candidates := preprocess_plain(data, self.job.max_pixels):
            return candidates
        with limited(self.job.picture_cpu_s):
            candidates = preprocess(data, self.job.max_pixels)
        if len(data) > LARGE_FILE:
            trim_heap()
        return candidates

    def _fill(self, waiting: list[tuple[Row, Candidates]]) -> None:
        """Write the predictions into the rows."""
        if waiting:
            predictions = self.predictor.predict_batch([candidates for _, candidates in waiting])
            for (row, _), prediction in zip(waiting, predictions, strict=True):
                row.update(_describe_digit(prediction))

    def _read_number(self, picture: Picture) -> Row:
        row = self._start_row(picture)
        if not row["problem"]:
            try:
                with limited(self.job.picture_cpu_s):
                    row |= _describe_number(read(self.predictor, picture.data, self.job.max_pixels)[1])
            except PictureError as error:
                row["problem"] = PICTURE_PROBLEMS[type(error)]
            if len(picture.data) > LARGE_FILE:
                trim_heap()
        return row

    def _start_row(self, picture: Picture) -> Row:
        return {"path": picture.path, "model": self.manifest.model.version, "problem": picture.problem}


def score_shard(job: Job, number: int) -> Done:
    """Score a shard and write its results, unless they are there. Raises `ScoringError` and OSError."""
    start = time.process_time()
    scorer = open_scorer(job)
    shard = scorer.manifest.shards[number]
    results = name_shard(scorer.output, number)
    if not results.exists():
        schema = NUMBERS if scorer.manifest.options.numbers else DIGITS
        rows = scorer.score(scorer.source.read(shard, scorer.output / PATHS))
        table = pyarrow.Table.from_pylist(list(rows), schema=schema)
        with results.create() as stream:
            parquet.write_table(table, stream)
    return Done(number, shard.stop - shard.start, time.process_time() - start)


def attempt_shard(job: Job, number: int) -> Done | DigitError:
    """Score a shard; return an error that another attempt would not mend."""
    try:
        return score_shard(job, number)
    except DigitError as error:
        return error
    except OSError as error:
        return ScoringError(f"Shard {number} can't be scored: {error}. Mend it and start again: what is done is kept.")


@lru_cache(maxsize=1)
def open_scorer(job: Job) -> Scorer:
    """Open the manifest, the input and the network of a job. Raises `ScoringError` and `ArtefactError`."""
    cv2.setNumThreads(1)  # every core has a process of its own
    limit_heap(LARGEST_KEPT)
    output = locate(job.output)
    manifest = read_manifest(output)
    reading = Reading(manifest.options.column, job.max_bytes, job.max_pixels)
    source = reopen_source(locate(job.input), manifest.kind, reading)
    model = fetch_model(output, manifest.model.version)
    predictor = open_predictor(model, job.max_pixels, manifest.model.sha256)
    return Scorer(job, manifest, output, source, predictor)


def _describe_digit(prediction: Prediction) -> Row:
    return {
        "digit": prediction.prediction,
        "confidence": prediction.probabilities[prediction.prediction],
        "digit_score": prediction.digit_score,
    }


def _describe_number(number: Number) -> Row:
    digits = [mark.confidence for mark in number.marks if mark.prediction is not None]
    return {
        "number": "".join(map(str, number.marks)),
        "lines": ["".join(map(str, line)) for line in number.lines],
        "confidence": math.prod(digits) if digits else None,
        "digit_score": min((mark.digit_score for mark in number.marks), default=None),
    }

"""The report of a scoring run: one HTML file that needs no other, with the pictures that are least certain."""

import base64
from collections import defaultdict
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from src.model.errors import PictureError
from src.model.files import write_text_atomically
from src.model.preprocessing.decode import decode
from src.model.scoring.locations import locate
from src.model.scoring.manifest import PATHS, Job, Manifest
from src.model.scoring.sources.detect import Reading, reopen_source
from src.model.scoring.summary import BINS, DOUBTFUL, Summary, Uncertain

TEMPLATE: Final = Path(__file__).with_name("report.html")
SIDE: Final = 112  # pixels: the longer side of the pictures in the report


def write(path: Path, job: Job, manifest: Manifest, summary: Summary) -> None:
    """Write the report to `path`. Raises `ScoringError` and OSError if the input is gone."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    images = _draw(job, manifest, summary.least_certain)
    confidences = [(f"{i / BINS:.2f} to {(i + 1) / BINS:.2f}", count) for i, count in enumerate(summary.histogram)]
    text = environment.get_template(TEMPLATE.name).render(
        manifest=manifest,
        summary=summary,
        input=str(locate(job.input)),
        doubtful=DOUBTFUL,
        total=max(1, summary.pictures),
        classes=sorted(summary.classes.items()),
        problems=sorted(summary.problems.items()),
        confidences=confidences,
        pictures=[(entry, images.get((entry.shard, entry.row))) for entry in summary.least_certain],
        largest=lambda rows: max(1, *(count for _, count in rows)),
    )
    write_text_atomically(path, text)


def _draw(job: Job, manifest: Manifest, entries: list[Uncertain]) -> dict[tuple[int, int], str]:
    """Return small copies of the pictures as data URLs, by shard and row; without those that can't be read any more."""
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for entry in entries:
        rows[entry.shard].append(entry.row)
    reading = Reading(manifest.options.column, job.max_bytes, job.max_pixels)
    source = reopen_source(locate(job.input), manifest.kind, reading)
    images: dict[tuple[int, int], str] = {}
    for shard, wanted in rows.items():
        pictures = source.read(manifest.shards[shard], locate(job.output) / PATHS, set(wanted))
        for row, picture in zip(sorted(wanted), pictures, strict=True):
            if image := _make_url(picture.data, job.max_pixels):
                images[shard, row] = image
    return images


def _make_url(data: bytes, max_pixels: int) -> str | None:
    """Return a small copy of the picture in the file `data` as the data URL of a PNG."""
    try:
        colours = decode(data, max_pixels)
    except PictureError:
        return None
    factor = SIDE / max(colours.shape)
    if factor < 1:
        size = max(1, round(colours.shape[1] * factor)), max(1, round(colours.shape[0] * factor))
        colours = np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), np.uint8)
    if colours.ndim == 3 and colours.shape[2] == 3:
        colours = colours[..., ::-1]  # OpenCV writes blue first
    return "data:image/png;base64," + base64.b64encode(cv2.imencode(".png", colours)[1].tobytes()).decode()

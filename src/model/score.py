"""Scores many pictures: `python -m src.model.score INPUT --out OUTPUT`.

INPUT is a folder of pictures, a Parquet file or a folder of them, an IDX file, or a list of paths; INPUT and OUTPUT may
be URLs (s3://, gs://, …). The same command continues after a stop. docs/scale.md says more.
"""

import argparse
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from tqdm import tqdm

from src.model.cores import count_cores
from src.model.errors import DigitError, ScoringError, SignatureError
from src.model.inference.artefact import find_newest
from src.model.inference.trust import verify_artefact
from src.model.scoring import report
from src.model.scoring.kubernetes import choose_share, prepare_share
from src.model.scoring.locations import locate
from src.model.scoring.manifest import SHARD_SIZE, Job, Manifest, Options, list_missing, prepare, remove_parts
from src.model.scoring.processes import run_in_processes
from src.model.scoring.ray_tasks import run_on_ray
from src.model.scoring.score_shard import Done
from src.model.scoring.summary import format_table, summarise
from src.settings import Settings, read_settings

INTERRUPTED: Final = 130  # the exit code after Ctrl-C


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(prog="python -m src.model.score", description="Score many pictures.")
    parser.add_argument("input", help="folder of pictures, Parquet, IDX or list of paths; a path or a URL")
    parser.add_argument("--out", required=True, help="folder for the results; a path or a URL")
    parser.add_argument(
        "--model", type=Path, help="the network: its .json, .onnx or .pt; by default the newest release"
    )
    parser.add_argument("--numbers", action="store_true", help="read numbers instead of single digits")
    parser.add_argument("--column", help="the column of Parquet files that holds the pictures")
    parser.add_argument("--shard-size", type=_positive, default=SHARD_SIZE, help="pictures in a shard (%(default)s)")
    parser.add_argument("--html", type=Path, help="file for a report with the pictures that are least certain")
    parser.add_argument("--launcher", choices=("processes", "kubernetes", "ray"), default="processes")
    parser.add_argument("--workers", type=_positive, help="processes; by default one for each core")
    parser.add_argument("--address", default="auto", help="of the Ray cluster; by default that of this machine")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def score(arguments: argparse.Namespace, settings: Settings) -> None:
    """Score what is missing, and print what there is. Raises `DigitError` and OSError."""
    job = Job(
        input=_make_absolute(arguments.input),
        output=_make_absolute(arguments.out),
        max_bytes=settings.max_body_bytes,
        max_pixels=settings.max_pixels,
        picture_cpu_s=settings.picture_cpu_s,
    )
    options = Options(numbers=arguments.numbers, column=arguments.column, shard_size=arguments.shard_size)
    model = arguments.model or settings.model_file or find_newest(settings.model_dir)
    signed = verify_artefact(model, settings)
    if arguments.launcher == "kubernetes":
        manifest = prepare_share(job, options, model, _get_share(settings)[0])
    else:
        manifest = prepare(job, options, model)
    if signed and manifest.model.sha256 != signed:
        raise SignatureError(f"{model} has changed since its signature was checked: start again.")
    _score_missing(job, manifest, arguments, settings)
    _conclude(job, manifest, arguments)


def _score_missing(job: Job, manifest: Manifest, arguments: argparse.Namespace, settings: Settings) -> None:
    """Score the shards without results, with a progress bar."""
    missing = list_missing(locate(job.output), manifest)
    done = sum(shard.stop - shard.start for shard in manifest.shards)
    done -= sum(manifest.shards[number].stop - manifest.shards[number].start for number in missing)
    if arguments.launcher == "kubernetes":
        missing = choose_share(missing, *_get_share(settings))
    progress = tqdm(total=manifest.pictures, initial=done, unit=" pictures", unit_scale=True)
    with progress, closing(_launch(job, missing, arguments)) as results:
        for result in results:
            progress.update(result.pictures)


def _launch(job: Job, shards: Sequence[int], arguments: argparse.Namespace) -> Generator[Done, None, None]:
    if arguments.launcher == "ray":
        return run_on_ray(job, shards, arguments.address)
    return run_in_processes(job, shards, arguments.workers or count_cores())


def _conclude(job: Job, manifest: Manifest, arguments: argparse.Namespace) -> None:
    """Print the counts, and write the report."""
    output = locate(job.output)
    summary = summarise(output, manifest)
    if not summary.missing:
        remove_parts(output)
    print(format_table(summary, manifest.options.numbers))
    print(f"\nResults: {output / 'shards'}, by network {manifest.model.version}.")
    if summary.missing:
        print(f"{summary.missing:,} of {len(manifest.shards):,} shards are still missing.")
    if arguments.html:
        report.write(arguments.html, job, manifest, summary)
        print(f"Report: {arguments.html}")


def _get_share(settings: Settings) -> tuple[int, int]:
    """Return the index of this pod and the number of pods. Raises `ScoringError`."""
    if settings.score_share is None or settings.score_shares is None:
        raise ScoringError("JOB_COMPLETION_INDEX and SCORE_SHARES must be set, as an Indexed Job does.")
    return settings.score_share, settings.score_shares


def _make_absolute(url: str) -> str:
    return url if "://" in url else str(Path(url).absolute())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        score(parse(arguments), read_settings())
    except (DigitError, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What is done is kept; the same command continues.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())

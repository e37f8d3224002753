"""The plan of a scoring run, kept beside its results: what is scored, with which network, in which shards.

A scoring folder holds

    manifest.json     written once, when everything else is in place; never changed
    model/            the network's files, so that every process and machine uses the same
    paths.parquet     the paths, if the input is picture files
    shards/           the results: shard-00000.parquet, …; each appears whole, when it is done
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, Literal

from pyarrow.fs import FileType
from pydantic import BaseModel, ConfigDict, ValidationError

from src.model.errors import ScoringError
from src.model.files import sha256
from src.model.inference.artefact import describe, get_paths
from src.model.preprocessing.preprocess import VERSION
from src.model.scoring.locations import PART, Location, locate
from src.model.scoring.sources.base import Kind, Shard
from src.model.scoring.sources.detect import Reading, open_source

# A killed process loses the shard it was at, five seconds of work on one core. A hundred million are 10,000 files.
SHARD_SIZE: Final = 10_000  # pictures
MANIFEST, MODEL, PATHS, SHARDS = "manifest.json", "model", "paths.parquet", "shards"


@dataclass(frozen=True)
class Job:
    """What a process needs to score a shard: where the input and the results are."""

    input: str  # paths or URLs
    output: str
    max_bytes: int  # of a picture's file
    max_pixels: int  # of a picture
    picture_cpu_s: float  # processor time to read a picture


class Options(BaseModel):
    """What decides the results, beside the input and the network."""

    model_config = ConfigDict(frozen=True)

    numbers: bool = False  # read numbers instead of digits
    column: str | None = None  # of Parquet files; None: the only one with pictures, or `image`
    shard_size: int = SHARD_SIZE


class Network(BaseModel):
    """The network that scores."""

    model_config = ConfigDict(frozen=True)

    version: str
    sha256: str  # of its .json, which holds the digests of the other files


class Manifest(BaseModel):
    """The plan of a scoring run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    kind: Kind
    pictures: int
    input_sha256: str
    model: Network
    preprocessing: int
    options: Options
    shards: list[Shard]


def prepare(job: Job, options: Options | None, model: Path) -> Manifest:
    """Return the manifest of a scoring folder, which is made first if it is new.

    `options` are None to keep those of an existing folder. Raises `ScoringError` if the folder belongs to another run
    or is no scoring folder, and `ArtefactError`.
    """
    output = locate(job.output)
    _require_apart(locate(job.input), output)
    existing = read_manifest(output) if _holds_manifest(output) else None
    options = options or (existing.options if existing else Options())
    source = open_source(locate(job.input), Reading(options.column, job.max_bytes, job.max_pixels))
    description = describe(model)
    plan = source.plan(options.shard_size, None if existing else output / PATHS)
    manifest = Manifest(
        kind=source.kind,
        pictures=plan.pictures,
        input_sha256=plan.digest,
        model=_identify(description.version, model),
        preprocessing=VERSION,
        options=options,
        shards=plan.shards,
    )
    if existing:
        _require_same(existing, manifest, output)
        return existing
    for path in get_paths(model.parent, description.version).values():
        (output / MODEL / path.name).write(path.read_bytes())
    (output / MANIFEST).write(manifest.model_dump_json(indent=1).encode())
    return manifest


def check(existing: Manifest, options: Options | None, model: Path, output: Location) -> None:
    """Raise `ScoringError` unless a manifest has these options and this network; the input is not looked at."""
    network = _identify(describe(model).version, model)
    wanted = existing.model_copy(update={"options": options or existing.options, "model": network})
    _require_same(existing, wanted, output)


def _identify(version: str, model: Path) -> Network:
    return Network(version=version, sha256=sha256(model.with_suffix(".json")))


def read_manifest(output: Location) -> Manifest:
    """Return the manifest of a scoring folder. Raises `ScoringError`."""
    try:
        return Manifest.model_validate_json((output / MANIFEST).read())
    except (OSError, ValidationError) as error:
        raise ScoringError(f"{output / MANIFEST} can't be read: choose another folder with --out.") from error


def fetch_model(output: Location, version: str) -> Path:
    """Return the .json of the network in a scoring folder, copied to this machine first if the folder is elsewhere."""
    if output.is_local:
        return get_paths(Path(output.path, MODEL), version)["json"]
    paths = get_paths(Path(mkdtemp(prefix="digits-model-")), version)
    for path in paths.values():
        path.write_bytes((output / MODEL / path.name).read())
    return paths["json"]


def name_shard(output: Location, number: int) -> Location:
    """Return where the results of a shard are."""
    return output / SHARDS / f"shard-{number:05}.parquet"


def list_missing(output: Location, manifest: Manifest) -> list[int]:
    """Return the numbers of the shards that have no results yet."""
    present = {entry.name for entry in (output / SHARDS).list()}
    return [number for number in range(len(manifest.shards)) if name_shard(output, number).name not in present]


def remove_parts(output: Location) -> None:
    """Remove what killed processes left half written; for when no process writes any more."""
    for folder in (output, output / MODEL, output / SHARDS):
        for entry in folder.list():
            if entry.name.startswith(".") and entry.name.endswith(PART):
                folder.files.delete_file((folder / entry.name).path)


def _holds_manifest(output: Location) -> bool:
    """Return whether a folder is a scoring folder. Raises `ScoringError` if it holds anything else."""
    if output.stat().type == FileType.File:
        raise ScoringError(f"{output} is a file: name a folder for the results.")
    names = {entry.name for entry in output.list()}
    if MANIFEST in names:
        return True
    if others := sorted(name for name in names if not name.startswith(".") and name not in (MODEL, PATHS)):
        raise ScoringError(
            f"{output} is not a scoring folder: it holds {others[0]}, but no {MANIFEST}. Name a new folder with --out."
        )
    return False


def _require_apart(source: Location, output: Location) -> None:
    if f"{output}/".startswith(f"{source}/"):
        raise ScoringError(f"The results can't be written into the input ({source}). Name another folder with --out.")


def _require_same(existing: Manifest, wanted: Manifest, output: Location) -> None:
    """Raise `ScoringError` unless the results that are there belong to what is to be scored now."""
    differences = {
        "another input": (existing.kind, existing.input_sha256) != (wanted.kind, wanted.input_sha256),
        f"network {existing.model.version}": existing.model != wanted.model,
        f"preprocessing {existing.preprocessing}": existing.preprocessing != wanted.preprocessing,
        "other options": existing.options != wanted.options,
    }
    if names := [name for name, differs in differences.items() if differs]:
        raise ScoringError(
            f"{output} holds results for {' and '.join(names)}, which can't be continued. "
            "Name another folder with --out."
        )

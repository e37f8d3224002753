"""The networks under `model_dir`: the one that serves, those requested by version, and their descriptions.

With `DIGITS_REQUIRE_SIGNATURE`, a network without a trusted signature is refused like one with damaged files.
What is wrong with a network's files is for the operator: the log has it, with paths. Clients get a sentence without.
"""

import logging
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from src.app.api.core.metrics import Metrics
from src.app.api.core.problems import ApiProblem
from src.model.errors import ArtefactError, SignatureError
from src.model.inference.artefact import SIGNATURE, Description, describe, get_paths, list_newest_first, list_versions
from src.model.inference.predictor import Predictor, open_predictor
from src.model.inference.traffic_plan import CANARY_FOLDER
from src.model.inference.trust import load_trust
from src.settings import Settings

if TYPE_CHECKING:
    from src.model.inference.signature import Trust

log = logging.getLogger(__name__)

RETRY: Final = {"Retry-After": "5"}
LOADING: Final = "The network is still being loaded. Try again in a moment."
NONE_LOADED: Final = "No network can be loaded: files are missing, damaged or not signed. The service's log says which."


class ModelRepository:
    """Opens networks when they are first needed and keeps them open. Thread-safe."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._trust: Trust | None = None  # loaded with the first network, if signatures are required
        self._serving: Predictor | None = None
        self._serving_path: Path | None = None
        self._serving_written = 0  # when its .json was written, see `_written_at`
        self._not_ready = LOADING  # what clients are told while no network serves
        self._failures: dict[Path, str] = {}  # what was logged last, by what could not be opened
        self._opened: dict[str, Predictor] = {}  # by version, without the one that serves
        self._lock = Lock()
        self._failures_lock = Lock()

    def serving(self) -> Predictor:
        """Return the network that serves. Raises `ApiProblem` if there is none."""
        if self._serving is None:
            raise ApiProblem("not-ready", self._not_ready, RETRY)
        return self._serving

    async def predictor(self, version: str | None) -> Predictor:
        """Return the network `version`, by default the one that serves. Raises `ApiProblem` if it can't be opened."""
        if version is None or self.is_serving(version):
            return self.serving()
        if opened := self._opened.get(version):
            return opened
        return await to_thread.run_sync(self.open, version)

    def open(self, version: str) -> Predictor:
        """Return the network `version`, opened if it is not yet. Raises `ApiProblem`."""
        path = self._find(version)
        with self._lock:  # another thread may have opened it meanwhile
            if not (predictor := self._opened.get(version)):
                try:
                    predictor = self._open(path)
                except ArtefactError as error:
                    raise self._refuse(version, path, error) from error
                self._failures.pop(path, None)
                self._opened[version] = predictor
                if len(self._opened) > self._settings.open_models:
                    del self._opened[next(iter(self._opened))]
        return predictor

    def refresh(self) -> None:
        """Serve the newest artefact that opens.

        An artefact that does not open is logged once and skipped. The one that serves is never replaced by an older one
        because its files were damaged, only because they were deleted.
        """
        for path in self._candidates():
            written = _written_at(path.with_suffix(".json"))
            if path == self._serving_path and written == self._serving_written:
                break
            try:
                predictor = self._open(path)
            except ArtefactError as error:
                self._report(path, error)
                if path == self._serving_path:
                    break
            else:
                self._serve(predictor, path, written)
                break
        self._not_ready = NONE_LOADED

    def list_versions(self) -> dict[str, Path]:
        """Return the .json of each version that can be requested, newest first; those on trial come last."""
        folder = self._settings.model_dir
        available: dict[str, Path] = {}
        for place in (folder, folder / CANARY_FOLDER):
            for version in reversed(list_versions(place)):
                available.setdefault(version, get_paths(place, version)["json"])
        if self._serving and self._serving_path:
            available.setdefault(self._serving.description.version, self._serving_path.with_suffix(".json"))
        return available

    def describe(self, version: str) -> tuple[Description, bool]:
        """Return a network's description and whether it serves. Raises `ApiProblem`."""
        path = self._find(version)
        try:
            written = (_written_at(path.with_suffix(".json")), _written_at(path.with_suffix(SIGNATURE)))
            return _describe_cached(path, written, self._get_trust()), self.is_serving(version)
        except ArtefactError as error:
            raise self._refuse(version, path, error) from error

    def is_serving(self, version: str) -> bool:
        """Return whether the network `version` answers requests that name none."""
        return self._serving is not None and self._serving.description.version == version

    def _open(self, path: Path) -> Predictor:
        """Open the network at `path`, if it is signed or no signature is required. Raises `ArtefactError`."""
        trust = self._get_trust()
        return open_predictor(path, self._settings.max_pixels, trust.verify(path) if trust else None)

    def _get_trust(self) -> "Trust | None":
        """Return whose signatures count, or None if none is required. Raises `SignatureError`."""
        if not self._trust:
            self._trust = load_trust(self._settings)
        return self._trust

    def _candidates(self) -> list[Path]:
        """Return the artefacts to try, newest first."""
        if self._settings.model_file:
            return [self._settings.model_file]
        folder = self._settings.model_dir
        try:
            candidates = list_newest_first(folder)
        except ArtefactError as error:
            self._report(folder, error)
            return []
        self._failures.pop(folder, None)
        return candidates

    def _report(self, path: Path, error: ArtefactError) -> None:
        """Log and count why `path` can't be opened, unless that was logged already."""
        with self._failures_lock:
            if self._failures.get(path) == str(error):
                return
            self._failures[path] = str(error)
        log.error("A network can't be served: %s", error)
        self._metrics.load("refused")

    def _refuse(self, version: str, path: Path, error: ArtefactError) -> ApiProblem:
        """Report `error` and return what a client that asked for `version` is told."""
        self._report(path, error)
        if isinstance(error, SignatureError):
            reason = f"Network {version} has no signature that this service trusts."
        else:
            reason = f"The files of network {version} are missing or damaged."
        return ApiProblem("not-ready", f"{reason} The service's log says more.", RETRY)

    def _serve(self, predictor: Predictor, path: Path, written: int) -> None:
        self._serving, self._serving_path, self._serving_written = predictor, path, written
        self._opened.clear()
        self._failures.pop(path, None)
        self._metrics.load("loaded")
        log.info("Network %s serves from now on.", predictor.description.version)

    def _find(self, version: str) -> Path:
        available = self.list_versions()
        if version not in available:
            raise ApiProblem(
                "unknown-model", f"There is no network {version}. There are: {', '.join(available) or 'none'}."
            )
        return available[version]


def _written_at(path: Path) -> int:
    """Return when a file was written, in nanoseconds; 0 if it can't be found."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=64)
def _describe_cached(
    path: Path,
    written: tuple[int, ...],  # noqa: ARG001 - a rewritten file gets a new entry
    trust: "Trust | None",
) -> Description:
    return describe(path, trust.verify(path) if trust else None)

"""The networks under `model_dir`: the one that serves, those requested by version, and their descriptions."""

import logging
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final

from anyio import to_thread

from src.app.api.core.metrics import Metrics
from src.app.api.core.problems import ApiProblem
from src.model.errors import ArtefactError
from src.model.inference.artefact import Description, describe, get_paths, list_newest_first, list_versions
from src.model.inference.predictor import Predictor, open_predictor
from src.settings import Settings

log = logging.getLogger(__name__)

RETRY: Final = {"Retry-After": "5"}


class ModelRepository:
    """Opens networks when they are first needed and keeps them open. Thread-safe."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._serving: Predictor | None = None
        self._serving_path: Path | None = None
        self._serving_written = 0  # when its .json was written, see `_written_at`
        self._failures: list[str] = ["The network is still being loaded. Try again in a moment."]
        self._opened: dict[str, Predictor] = {}  # by version, without the one that serves
        self._lock = Lock()

    def serving(self) -> Predictor:
        """Return the network that serves. Raises `ApiProblem` if there is none."""
        if self._serving is None:
            raise ApiProblem("not-ready", self._failures[0], RETRY)
        return self._serving

    async def predictor(self, version: str | None) -> Predictor:
        """Return the network `version`, by default the one that serves. Raises `ApiProblem` if it can't be opened."""
        if version is None or self._is_serving(version):
            return self.serving()
        if opened := self._opened.get(version):
            return opened
        return await to_thread.run_sync(self._open, version)

    def refresh(self) -> None:
        """Serve the newest artefact that opens.

        An artefact that does not open is logged once and skipped. The one that serves is never replaced by an older one
        because its files were damaged, only because they were deleted.
        """
        failures: list[str] = []
        for path in self._candidates(failures):
            written = _written_at(path)
            if path == self._serving_path and written == self._serving_written:
                break
            try:
                predictor = open_predictor(path, self._settings.max_pixels)
            except ArtefactError as error:
                failures.append(str(error))
                if path == self._serving_path:
                    break
            else:
                self._serve(predictor, path, written)
                break
        for failure in failures:
            if failure not in self._failures:
                log.error("A network can't be served: %s", failure)
                self._metrics.load("refused")
        self._failures = failures

    def list_versions(self) -> dict[str, Path]:
        """Return the .json of each version that can be requested, newest first."""
        folder = self._settings.model_dir
        available = {version: get_paths(folder, version)["json"] for version in reversed(list_versions(folder))}
        if self._serving and self._serving_path:
            available.setdefault(self._serving.description.version, self._serving_path.with_suffix(".json"))
        return available

    def describe(self, version: str) -> tuple[Description, bool]:
        """Return a network's description and whether it serves. Raises `ApiProblem` or `ArtefactError`."""
        path = self._find(version)
        return _describe_cached(path, _written_at(path)), self._is_serving(version)

    def _is_serving(self, version: str) -> bool:
        return self._serving is not None and self._serving.description.version == version

    def _candidates(self, failures: list[str]) -> list[Path]:
        """Return the artefacts to try, newest first; add to `failures` if there are none."""
        if self._settings.model_file:
            return [self._settings.model_file]
        try:
            return list_newest_first(self._settings.model_dir)
        except ArtefactError as error:
            failures.append(str(error))
            return []

    def _serve(self, predictor: Predictor, path: Path, written: int) -> None:
        self._serving, self._serving_path, self._serving_written = predictor, path, written
        self._opened.clear()
        self._metrics.load("loaded")
        log.info("Network %s serves from now on.", predictor.description.version)

    def _find(self, version: str) -> Path:
        available = self.list_versions()
        if version not in available:
            raise ApiProblem(
                "unknown-model", f"There is no network {version}. There are: {', '.join(available) or 'none'}."
            )
        return available[version]

    def _open(self, version: str) -> Predictor:
        path = self._find(version)
        with self._lock:  # another thread may have opened it meanwhile
            if not (predictor := self._opened.get(version)):
                try:
                    predictor = open_predictor(path, self._settings.max_pixels)
                except ArtefactError as error:
                    raise ApiProblem("not-ready", str(error), RETRY) from error
                self._opened[version] = predictor
                if len(self._opened) > self._settings.open_models:
                    del self._opened[next(iter(self._opened))]
        return predictor


def _written_at(path: Path) -> int:
    """Return when an artefact's .json was written, in nanoseconds; 0 if it does not exist."""
    try:
        return path.with_suffix(".json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=64)
def _describe_cached(path: Path, written: int) -> Description:  # noqa: ARG001 - a rewritten file gets a new entry
    return describe(path)

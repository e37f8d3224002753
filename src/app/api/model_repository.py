"""The networks under `model_dir`: the one that serves, those asked for by version, and what is known of each."""

import logging
from functools import lru_cache
from pathlib import Path
from threading import Lock

from anyio import to_thread

from src.app.api.core.metrics import Metrics
from src.app.api.core.problems import ApiProblem
from src.model.errors import ArtefactError
from src.model.inference.artefact import Description, describe, get_paths, list_newest_first, list_versions
from src.model.inference.predictor import Predictor, open_predictor
from src.settings import Settings

log = logging.getLogger(__name__)

RETRY = {"Retry-After": "5"}


class ModelRepository:
    """Readers by version, opened when they are first asked for. May be used from any thread."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._serving: Predictor | None = None
        self._source: tuple[Path, int] | None = None  # of the one that serves: its .json, and when that was written
        self._failures: list[str] = ["The network is still being loaded. Try again in a moment."]
        self._opened: dict[str, Predictor] = {}
        self._lock = Lock()

    def serving(self) -> Predictor:
        """Return the network that serves. Raises `ApiProblem` while there is none."""
        if self._serving is None:
            raise ApiProblem("not-ready", self._failures[0], RETRY)
        return self._serving

    async def predictor(self, version: str | None) -> Predictor:
        """Return the network `version`, by default the one that serves. Raises `ApiProblem`."""
        if version is None or (self._serving and version == self._serving.description.version):
            return self.serving()
        if opened := self._opened.get(version):
            return opened
        return await to_thread.run_sync(self._open, version)

    def refresh(self) -> None:
        """Serve the newest artefact that opens; one that doesn't is logged once, and the old one goes on serving."""
        failures: list[str] = []
        try:
            file = self._settings.model_file
            for path in [file] if file else list_newest_first(self._settings.model_dir):
                if self._serves(path) or self._serve(path, failures) or self._is_of_serving(path):
                    break
        except ArtefactError as error:
            failures.append(str(error))
        for failure in failures:
            if failure not in self._failures:
                log.error("A network can't be served: %s", failure)
                self._metrics.load("refused")
        self._failures = failures

    def known(self) -> dict[str, Path]:
        """Return the .json of each version that may be asked for, newest first."""
        folder = self._settings.model_dir
        found = {version: get_paths(folder, version)["json"] for version in reversed(list_versions(folder))}
        if self._serving and self._source:
            found.setdefault(self._serving.description.version, self._source[0].with_suffix(".json"))
        return found

    def describe(self, version: str) -> tuple[Description, bool]:
        """Return what the artefact says of itself, and whether it serves. Raises `ApiProblem` or `ArtefactError`."""
        path = self._path(version)
        serves = self._serving is not None and self._serving.description.version == version
        return _described(path, _written(path)), serves

    def _path(self, version: str) -> Path:
        known = self.known()
        if version not in known:
            raise ApiProblem(
                "unknown-model", f"There is no network {version}. There are: {', '.join(known) or 'none'}."
            )
        return known[version]

    def _open(self, version: str) -> Predictor:
        path = self._path(version)
        with self._lock:  # who asks for the same one meanwhile finds it opened
            if not (predictor := self._opened.get(version)):
                try:
                    predictor = open_predictor(path, self._settings.max_pixels)
                except ArtefactError as error:
                    raise ApiProblem("not-ready", str(error), RETRY) from error
                self._opened[version] = predictor
                if len(self._opened) > self._settings.open_models:
                    del self._opened[next(iter(self._opened))]
        return predictor

    def _serves(self, path: Path) -> bool:
        return self._source == (path, _written(path))

    def _is_of_serving(self, path: Path) -> bool:
        return self._source is not None and self._source[0] == path

    def _serve(self, path: Path, failures: list[str]) -> bool:
        """Serve the artefact at `path` and return True, or say why not."""
        written = _written(path)
        try:
            predictor = open_predictor(path, self._settings.max_pixels)
        except ArtefactError as error:
            failures.append(str(error))
            return False
        self._serving, self._source = predictor, (path, written)
        self._opened.clear()
        self._metrics.load("loaded")
        log.info("Network %s serves from now on.", predictor.description.version)
        return True


def _written(path: Path) -> int:
    """Return when the .json of an artefact was written, 0 if it isn't there."""
    try:
        return path.with_suffix(".json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=64)
def _described(path: Path, written: int) -> Description:  # noqa: ARG001 - it tells a file from its successor
    return describe(path)

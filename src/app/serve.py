"""`python -m src.app.serve`: the service with all its limits and with `DIGITS_WORKERS` processes.

SIGTERM and SIGINT: accept no new connections, answer the open requests, exit with code 0.
SIGHUP: look for a newer network now. It is blocked until a process has a handler for it: during the start it would end
the process, and blocked, it waits. Child processes inherit that.
"""

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from tempfile import TemporaryDirectory

import uvicorn
from uvicorn.supervisors import Multiprocess

from src.app.api.core import logs
from src.settings import Settings, read_settings


class Supervisor(Multiprocess):
    """Starts the workers, and restarts a worker that has died."""

    def terminate_all(self) -> None:
        """Stop the workers and close the port, so that new clients are refused instead of waiting for an answer."""
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def handle_signals(self) -> None:
        """Handle the signals that came since the last call. SIGHUP stays blocked here, for workers yet to start."""
        super().handle_signals()
        if signal.SIGHUP in signal.sigpending():
            signal.sigwait({signal.SIGHUP})
            self.handle_hup()

    def handle_hup(self) -> None:
        """Pass SIGHUP to the workers; uvicorn's own handler would replace them and cut their open connections."""
        for process in self.processes:
            if process.pid and process.process.is_alive():
                os.kill(process.pid, signal.SIGHUP)


def config(settings: Settings) -> uvicorn.Config:
    """Return uvicorn's configuration."""
    return uvicorn.Config(
        "src.app.main:app",
        host=settings.host,
        port=settings.api_port,
        workers=settings.workers,
        http="src.app.api.core.protocol:BoundedProtocol",
        ws="none",
        log_config=logs.config(settings.log_level),
        access_log=False,
        proxy_headers=False,  # the client's address is not used
        server_header=False,
        timeout_graceful_shutdown=settings.grace_s,
    )


def serve_alone(settings: Settings) -> None:
    """Serve from this process."""
    # uvicorn raises the signal again after its shutdown; ignored, so that the process ends with exit code 0.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = uvicorn.Server(config(settings))
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


def serve_with_workers(settings: Settings) -> None:
    """Serve from several processes, which share their metrics in a folder."""
    server_config = config(settings)
    with TemporaryDirectory(prefix="digits-metrics-") as folder:
        os.environ["DIGITS_METRICS_DIR"] = str(settings.metrics_dir or folder)
        Supervisor(server_config, [server_config.bind_socket()]).run()


def require_trial_networks(settings: Settings) -> None:
    """Raise SystemExit with the reason if the canary or the shadow of the settings can't be opened.

    Looks in a process of its own: this one should not keep what opening a network takes. A worker that replaces
    another does not look again, and goes without.
    """
    versions = {"DIGITS_CANARY": settings.canary and settings.canary.version, "DIGITS_SHADOW": settings.shadow}
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for name, version in versions.items():
            if version and (problem := pool.submit(_find_problem, settings, version).result()):
                raise SystemExit(f"{name}: {problem}")


def require_trust(settings: Settings) -> None:
    """Raise SystemExit with the reason if signatures are required but can't be checked.

    Looks in a process of its own, as for the trial networks.
    """
    if settings.require_signature:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            if problem := pool.submit(_find_trust_problem, settings).result():
                raise SystemExit(f"DIGITS_REQUIRE_SIGNATURE: {problem}")


def _find_trust_problem(settings: Settings) -> str:
    """Return why signatures can't be checked, or an empty text."""
    from src.model.errors import SignatureError  # noqa: PLC0415 - only the process that looks needs all this
    from src.model.inference.trust import load_trust  # noqa: PLC0415

    try:
        load_trust(settings)
    except SignatureError as error:
        return str(error)
    return ""


def _find_problem(settings: Settings, version: str) -> str:
    """Return why the network `version` can't be served, or an empty text."""
    from src.app.api.core.metrics import Metrics  # noqa: PLC0415 - only the process that looks needs all this
    from src.app.api.core.problems import ApiProblem  # noqa: PLC0415
    from src.app.api.model_repository import ModelRepository  # noqa: PLC0415

    logs.install(settings.log_level)
    try:
        ModelRepository(settings, Metrics(None)).open(version)
    except ApiProblem as problem:
        return str(problem)
    return ""


def main() -> None:
    """Serve until a signal stops the process."""
    if hasattr(signal, "SIGHUP"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    settings = read_settings()
    require_trust(settings)
    if settings.canary or settings.shadow:
        require_trial_networks(settings)
    if settings.workers > 1:
        serve_with_workers(settings)
    else:
        serve_alone(settings)


if __name__ == "__main__":
    main()

"""`python -m src.app.serve`: the service with all its limits and with `DIGITS_WORKERS` processes.

SIGTERM and SIGINT: accept no new connections, answer the open requests, exit with code 0.
SIGHUP: look for a newer network now.
"""

import os
import signal
import sys
from contextlib import suppress
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

    def handle_hup(self) -> None:
        """Pass SIGHUP to the workers; uvicorn's own handler would replace them and cut their open connections."""
        for process in self.processes:
            if process.pid and process.is_ready():  # SIGHUP would kill a worker that has no handler for it yet
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


def main() -> None:
    """Serve until a signal stops the process."""
    settings = read_settings()
    if settings.workers > 1:
        serve_with_workers(settings)
    else:
        serve_alone(settings)


if __name__ == "__main__":
    main()

"""`python -m src.app.serve`: the service with all its bounds, and as many workers as `DIGITS_WORKERS` says.

SIGTERM and SIGINT: no new connections, what is in hand is answered, exit code 0. SIGHUP: look for a newer network now.
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
    """Starts the workers, and starts one anew that has died."""

    def terminate_all(self) -> None:
        """Stop the workers, and let go of the port: whoever connects from now on must not wait for nobody."""
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def handle_hup(self) -> None:
        """Pass the wish on: uvicorn would replace the workers, and break off connections that are kept open."""
        for process in self.processes:
            if process.pid and process.is_ready():  # one that isn't would be killed by it, and finds the newest anyway
                os.kill(process.pid, signal.SIGHUP)


def config(settings: Settings) -> uvicorn.Config:
    """Return how the service is served."""
    return uvicorn.Config(
        "src.app.main:app",
        host=settings.host,
        port=settings.api_port,
        workers=settings.workers,
        http="src.app.api.core.protocol:BoundedProtocol",
        ws="none",
        log_config=logs.config(settings.log_level),
        access_log=False,
        proxy_headers=False,  # nobody asks who the client is
        server_header=False,
        timeout_graceful_shutdown=settings.grace_s,
    )


def serve_alone(settings: Settings) -> None:
    """Serve from this process."""
    # uvicorn sends itself the signal anew once it has stopped: that the service ends as asked is no failure
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = uvicorn.Server(config(settings))
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


def serve_with_workers(settings: Settings) -> None:
    """Serve from several processes, which share their counts in a folder."""
    how = config(settings)
    with TemporaryDirectory(prefix="digits-metrics-") as folder:
        os.environ["DIGITS_METRICS_DIR"] = str(settings.metrics_dir or folder)
        Supervisor(how, [how.bind_socket()]).run()


def main() -> None:
    """Serve until a signal asks to stop."""
    settings = read_settings()
    if settings.workers > 1:
        serve_with_workers(settings)
    else:
        serve_alone(settings)


if __name__ == "__main__":
    main()

"""Logs: a JSON object a line, with the id of the request that it belongs to. No picture and no client is in them."""

import json
import logging
import logging.config
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonLines(logging.Formatter):
    """Writes a record as JSON; what a caller gave as `extra={"fields": {…}}` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if known := request_id.get():
            line["request_id"] = known
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def install(level: str) -> None:
    """Have everything logged this way from here on, Python's warnings too."""
    logging.config.dictConfig(config(level))
    logging.captureWarnings(True)


def config(level: str) -> dict[str, Any]:
    """Return the configuration of `logging`. The service logs requests itself, so that uvicorn's access log is off."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "src": {"level": level.upper()},
            "uvicorn": {"handlers": [], "level": level.upper()},
            "uvicorn.access": {"handlers": [], "propagate": False},
            # these tell of bad forms and pictures, which are answered already; Pillow does so as errors
            "python_multipart": {"level": "ERROR"},
            "PIL": {"level": "CRITICAL"},
            "py.warnings": {"level": "ERROR"},
        },
    }

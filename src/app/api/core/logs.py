"""Logging as JSON, one object per line, with the id of the request. Nothing of pictures or clients is logged."""

import json
import logging
import logging.config
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")

_encode = json.JSONEncoder(default=str).encode  # json.dumps with options makes a new encoder for each line


class JsonLines(logging.Formatter):
    """Formats a record as JSON; a caller adds fields of its own with `extra={"fields": {…}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "time": f"{_format_second(int(record.created))}.{int(record.msecs):03}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)


@lru_cache(1)
def _format_second(seconds: int) -> str:
    """Return a time since 1970 as ISO 8601; most lines are written in the same second as the one before."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def install(level: str) -> None:
    """Configure `logging` for the whole process, including Python's warnings."""
    logging.config.dictConfig(config(level))
    logging.captureWarnings(True)


def config(level: str) -> dict[str, Any]:
    """Return the configuration of `logging`, without uvicorn's access log: `RequestMiddleware` logs the requests."""
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
            # These report malformed forms and pictures, which the client is told about; Pillow even as errors.
            "python_multipart": {"level": "ERROR"},
            "PIL": {"level": "CRITICAL"},
            "py.warnings": {"level": "ERROR"},
        },
    }

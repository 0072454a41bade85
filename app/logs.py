"""Logging: one line an event, a constant sentence and its fields.

Owns the format and the levels of noisy libraries. Refuses to log texts or handles (I9).
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Lines(logging.Formatter):
    """For people: time in UTC, level, sentence, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and the traceback where there is one."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%SZ")
        fields = " ".join(f"{key}={value}" for key, value in _fields(record).items())
        line = f"{at} {record.levelname.lower():7} {record.name}: {record.getMessage()}" + (
            f"  {fields}" if fields else ""
        )
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class JsonLines(logging.Formatter):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object."""
        event: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str, ensure_ascii=False)


def without_its_text(record: logging.LogRecord) -> bool:
    """Of a request that is no HTTP, or too long, aiohttp would log the start, which may hold what somebody sought."""
    error = record.exc_info[1] if record.exc_info else None
    # By name: the console's commands, which log too, do without aiohttp.
    if type(error).__module__ == "aiohttp.http_exceptions":
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args, record.exc_info = "a request could not be read", (), None
        record.__dict__["error"] = type(error).__name__
    return True


def set_up(*, level: str = "INFO", as_json: bool = False) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else Lines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # tweepy prints the Authorization header at DEBUG.
    for name in ("tweepy", "asyncpraw", "asyncprawcore", "oauthlib", "requests_oauthlib", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(without_its_text)
    # Apprise names the URL it cannot use, password and all, at ERROR; we say the same without it.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    for name in ("aiohttp.access", "aiosqlite", "alembic", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}

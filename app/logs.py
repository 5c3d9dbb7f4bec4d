"""Logging to standard error, as lines for people or as JSON for machines.

Clients can make neither a line long nor the log full: long values are cut, and of the warnings of libraries only a few
of each kind are written in a minute.
"""

import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

LONGEST_VALUE = 500
"""The most characters of one value in a line."""
MOST_ALIKE = 10
"""The most lines of one kind that are written in a minute."""
MINUTE = 60.0


def shortened(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut the long texts of a log line; this is a processor of structlog."""
    for name, value in line.items():
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            line[name] = f"{value[:LONGEST_VALUE]}... ({len(value)} characters)"
    return line


class FewAlike(logging.Filter):
    """Passes a few log records of each message a minute; the first one of a later minute says how many were dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        """The start of the present minute of each message, and the number of its records since then."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written."""
        key, now = (record.name, str(record.msg)[:LONGEST_VALUE]), time.monotonic()
        began, count = self._seen.get(key, (now, 0))
        if now - began >= MINUTE:
            if count > MOST_ALIKE:
                record.msg = f"{record.msg} ({count - MOST_ALIKE} more like it were not written)"
            began, count = now, 0
        if key in self._seen or len(self._seen) < 1000:
            self._seen[key] = began, count + 1
        return count < MOST_ALIKE


_SHARED: list[Any] = [
    shortened,
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def set_up(log_format: str) -> None:
    """Set up structlog and the logging of libraries; `log_format` is `json`, or another word for lines for people."""
    as_json = log_format == "json"
    # Plain traces, because the rich ones print the values of variables, which may be secret.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    shown: Any = structlog.processors.JSONRenderer() if as_json else plain
    traces: Any = structlog.processors.format_exc_info if as_json else structlog.processors.StackInfoRenderer()
    structlog.configure(
        processors=[*_SHARED, traces, shown],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        if not any(isinstance(one, FewAlike) for one in handler.filters):
            handler.addFilter(FewAlike())

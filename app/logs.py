"""Log lines: for people, or as JSON for machines; both to standard error."""

import logging
import sys
from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def set_up(log_format: str) -> None:
    as_json = log_format == "json"
    # Plain traces: the colourful ones print the values of variables, and a log is no place for those.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    shown: Any = structlog.processors.JSONRenderer() if as_json else plain
    traces: Any = structlog.processors.format_exc_info if as_json else structlog.processors.StackInfoRenderer()
    structlog.configure(
        processors=[*_SHARED, traces, shown],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)

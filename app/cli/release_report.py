"""Printing the changes of a release, or of its preview, as lines for people."""

import sys

import orjson

from app.common.strict_json import Json

MOST_RECORDS = 100
"""The most records of a report that are printed; as JSON it has up to a thousand."""
WIDEST = 60
"""The most characters of a value that are printed."""


def counted(counts: Json) -> str:
    """Return the numbers of a report as text, such as `3 created, 1 updated`."""
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "nothing"


def print_records(report: Json) -> None:
    """Print the first records of a report, field by field."""
    records = report.get("records", ())[:MOST_RECORDS]
    for record in records:
        _line(f"{record['change']:9} {record['type']}/{record['id']}")
        for field in record.get("fields", ()):
            _line(f"          {field['pointer']}: {_short(field, 'before')} -> {_short(field, 'after')}")
    rest = report.get("records_total", 0) - len(records)
    if rest > 0:
        _line(f"... and {rest} more")


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _short(field: Json, name: str) -> str:
    if name not in field:
        return "-"
    text = orjson.dumps(field[name]).decode()
    return text if len(text) <= WIDEST else f"{text[:WIDEST]} ..."

"""A list as an Apache Parquet file, written by pyarrow, which only the extra `[parquet]` installs.

Columns of whole numbers, numbers and booleans have these types; all others are text, as in CSV.
"""

import io
from collections.abc import Iterator
from typing import Any

import orjson

from app.common.problems import Problem
from app.exports.cells import Scalar, column_type, columns, joined, shown_by_id, values_of
from app.exports.content import Content


class _Sink(io.RawIOBase):
    """Collects what is written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._collected = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._collected += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since it was last taken."""
        taken, self._collected = bytes(self._collected), bytearray()
        return taken


def _pyarrow() -> tuple[Any, Any]:
    """Import pyarrow, which takes some 50 MB of memory; raise a `Problem` if it is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        detail = "This service is installed without parquet (its extra is [parquet]); ask for csv, ndjson or xlsx."
        raise Problem("not-acceptable", detail) from None
    return pyarrow, parquet


def _cell(values: list[Scalar], type: type[Scalar]) -> Scalar | None:
    if not values:
        return None
    return joined(values) if type is str else values[0]


def write_parquet(content: Content) -> Iterator[bytes]:
    """Write a row group for each batch of records; raise a `Problem` (406) without pyarrow."""
    pyarrow, parquet = _pyarrow()
    resource, sink = content.of_type(), _Sink()
    by_id = shown_by_id(resource, content.include)
    types = {path: column_type(resource, path) for path in columns(resource, content.fields)}
    stored = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(path, stored[type]) for path, type in types.items()])
    with parquet.ParquetWriter(pyarrow.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for batch in content.batches:
            documents = [orjson.loads(body) for body in batch]
            cells = {
                path: [_cell(values_of(document, path, by_id), type) for document in documents]
                for path, type in types.items()
            }
            writer.write_table(pyarrow.table(cells, schema=schema))
            yield sink.take()
    yield sink.take()

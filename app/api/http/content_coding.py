"""Content codings (RFC 9110 §8.4): negotiation, and compression at once or piece by piece."""

import gzip
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, Protocol

import brotli
import zstandard

from app.api.http.negotiation import LONGEST, read_weights


class Compressor(Protocol):
    """Compresses one stream piece by piece."""

    def compress(self, piece: bytes) -> bytes:
        """Return the next compressed bytes, which may be none."""

    def finish(self) -> bytes:
        """Return the last compressed bytes."""


class _Brotli:
    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=4)

    def compress(self, piece: bytes) -> bytes:
        return bytes(self._compressor.process(piece))

    def finish(self) -> bytes:
        return bytes(self._compressor.finish())


class _Zstandard:
    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=6).compressobj()

    def compress(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece)

    def finish(self) -> bytes:
        return self._compressor.flush()


class _Gzip:
    def __init__(self) -> None:
        self._compressor = zlib.compressobj(5, wbits=31)

    def compress(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece)

    def finish(self) -> bytes:
        return self._compressor.flush()


class Coding(NamedTuple):
    """A content coding: a function that compresses a whole body, and one that makes a compressor of a stream."""

    compress: Callable[[bytes], bytes]
    compressor: Callable[[], Compressor]


CODINGS: dict[str, Coding] = {
    "br": Coding(lambda body: bytes(brotli.compress(body, quality=5)), _Brotli),
    "zstd": Coding(lambda body: zstandard.ZstdCompressor(level=6).compress(body), _Zstandard),
    "gzip": Coding(lambda body: gzip.compress(body, 5, mtime=0), _Gzip),
}
"""The content codings by name, in the order of preference where a client weighs several alike."""


@lru_cache(maxsize=512)
def _coding(header: str) -> str | None:
    weights = dict(read_weights(header))
    wanted = {name: weights.get(name, weights.get("*", 0.0)) for name in CODINGS}
    best = max(wanted, key=lambda name: wanted[name])
    return best if wanted[best] > 0 else None


def coding_of(header: str) -> str | None:
    """Return the coding to use for an `Accept-Encoding` header, or None for no coding (RFC 9110 §12.5.3)."""
    return _coding(header[:LONGEST])

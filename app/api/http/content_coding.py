"""Content codings (RFC 9110 §8.4): which one a client takes, and compressing by it, whole or piece by piece."""

import gzip
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, Protocol

import brotli
import zstandard

from app.api.http.negotiation import LONGEST, weighted


class Packer(Protocol):
    def pack(self, piece: bytes) -> bytes: ...
    def end(self) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        self._packer = brotli.Compressor(quality=4)

    def pack(self, piece: bytes) -> bytes:
        return bytes(self._packer.process(piece))

    def end(self) -> bytes:
        return bytes(self._packer.finish())


class _Zstandard:
    def __init__(self) -> None:
        self._packer = zstandard.ZstdCompressor(level=6).compressobj()

    def pack(self, piece: bytes) -> bytes:
        return self._packer.compress(piece)

    def end(self) -> bytes:
        return self._packer.flush()


class _Gzip:
    def __init__(self) -> None:
        self._packer = zlib.compressobj(5, wbits=31)

    def pack(self, piece: bytes) -> bytes:
        return self._packer.compress(piece)

    def end(self) -> bytes:
        return self._packer.flush()


class Coding(NamedTuple):
    compress: Callable[[bytes], bytes]
    packer: Callable[[], Packer]


CODINGS: dict[str, Coding] = {
    "br": Coding(lambda body: bytes(brotli.compress(body, quality=5)), _Brotli),
    "zstd": Coding(lambda body: zstandard.ZstdCompressor(level=6).compress(body), _Zstandard),
    "gzip": Coding(lambda body: gzip.compress(body, 5, mtime=0), _Gzip),
}
"""In the order of preference where a client takes several alike."""


@lru_cache(maxsize=512)
def _coding(header: str) -> str | None:
    weights = dict(weighted(header))
    wanted = {name: weights.get(name, weights.get("*", 0.0)) for name in CODINGS}
    best = max(wanted, key=lambda name: wanted[name])
    return best if wanted[best] > 0 else None


def coding_of(header: str) -> str | None:
    """The coding to use for an `Accept-Encoding` header; nothing: send it as it is."""
    return _coding(header[:LONGEST])

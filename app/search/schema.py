"""The fields of the search index, which all types share, and the digest that an index on disk is named by.

The digest follows from the fields, from where values and texts are in documents and from the analyzers, so that no
index is read by code that would have made another one.
"""

from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import orjson
from tantivy import Index, Schema, SchemaBuilder

from app.common import spelling
from app.records.document_paths import value_paths
from app.records.filters import Kind
from app.records.registry import RESOURCES
from app.search import analysis

ENTRIES = 6
"""Counts how the code that makes entries of documents has changed: the rest of the layout is in the digest."""

TEXT_FIELDS = ("title", "name", "body")
OWN = ("title", "name")
"""The parts of a record with a field of their own. The others are in `part`, each under its name.

`body` holds the texts of all parts but `name`.
"""
META = "meta"
"""The key of the only entry that is not a record; it holds the revision that the index has seen."""


@cache
def range_fields() -> dict[str, str]:
    """The filters that accept ranges, with their fields: `n_NAME` for numbers, `d_NAME` for dates as 20100730."""
    every = {name: kind for resource in RESOURCES.values() for name, kind in resource.kinds.items()}
    return {name: f"{kind.name[0]}_{name}" for name, kind in every.items() if kind.ranged}


def value_field(name: str, kind: Kind) -> str:
    """The field of a filter without ranges: `exact` for texts, which have too many values to count, else `value`."""
    return f"exact.{name}" if kind.name == "text" else f"value.{name}"


FIELDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("text", "key", {"stored": True, "tokenizer_name": "raw", "index_option": "basic"}),
    ("text", "type", {"tokenizer_name": "raw", "index_option": "basic", "fast": True}),
    ("unsigned", "revision", {"stored": True}),
    *(("text", name, {"tokenizer_name": analysis.STEMMED}) for name in TEXT_FIELDS),
    ("json", "part", {"tokenizer_name": analysis.STEMMED, "index_option": "position"}),
    ("text", "word", {"tokenizer_name": analysis.PLAIN, "index_option": "basic"}),
    ("json", "value", {"tokenizer_name": "raw", "index_option": "basic", "fast": True}),
    ("json", "exact", {"tokenizer_name": "raw", "index_option": "basic"}),
    ("text", "has", {"tokenizer_name": "raw", "index_option": "basic"}),
)
"""The fields that all types have: what tantivy calls the kind of each, its name and its options."""


@cache
def schema() -> Schema:
    """Return tantivy's schema: the fields above and one for each filter that knows ranges."""
    builder = SchemaBuilder()
    for kind, name, options in FIELDS:
        getattr(builder, f"add_{kind}_field")(name, **options)
    for field in range_fields().values():
        builder.add_float_field(field, fast=True)
    return builder.build()


def layout() -> dict[str, Any]:
    """Return everything that decides what an index holds of a document, and how it is written to disk."""
    return {
        "tantivy": version("tantivy"),
        "entries": ENTRIES,
        "fields": FIELDS,
        "ranges": range_fields(),
        "analyzers": analysis.FILTERS,
        "spelling": spelling.TABLES,
        "texts": {type: resource.texts for type, resource in RESOURCES.items()},
        "values": {type: value_paths(type) for type in RESOURCES},
        "kinds": {
            type: {name: kind.name for name, kind in resource.kinds.items()} for type, resource in RESOURCES.items()
        },
    }


def digest_of(layout: dict[str, Any]) -> str:
    """Return the name that an index of this layout has on disk, 16 hexadecimal digits."""
    return blake2b(orjson.dumps(layout, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


@cache
def digest() -> str:
    """Return the name of today's layout: an index of another layout is not opened, but made anew."""
    return digest_of(layout())


def open_index(path: str | None) -> Index:
    """Open or create the index in a directory, or in memory where `path` is None."""
    index = Index(schema(), path)
    index.register_tokenizer(analysis.STEMMED, analysis.stemmed())
    index.register_tokenizer(analysis.PLAIN, analysis.plain())
    index.config_reader("manual")
    return index

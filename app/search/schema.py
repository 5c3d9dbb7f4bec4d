"""The fields of the search index, which all record types share.

A change of the fields or of their contents needs a new `VERSION`, which makes every process build a new index.
"""

from functools import cache

from tantivy import Index, Schema, SchemaBuilder

from app.records.filters import Kind, kinds
from app.records.registry import RESOURCES
from app.search import analysis

VERSION = 5

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
    every = {name: kind for resource in RESOURCES.values() for name, kind in kinds(resource.filter).items()}
    return {name: f"{kind.name[0]}_{name}" for name, kind in every.items() if kind.ranged}


def value_field(name: str, kind: Kind) -> str:
    """The field of a filter without ranges: `exact` for texts, which have too many values to count, else `value`."""
    return f"exact.{name}" if kind.name == "text" else f"value.{name}"


@cache
def schema() -> Schema:
    """The schema of the index."""
    builder = SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("type", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_unsigned_field("revision", stored=True)
    for name in TEXT_FIELDS:
        builder.add_text_field(name, tokenizer_name=analysis.STEMMED)
    builder.add_json_field("part", tokenizer_name=analysis.STEMMED, index_option="position")
    builder.add_text_field("word", tokenizer_name=analysis.PLAIN, index_option="basic")
    builder.add_json_field("value", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_json_field("exact", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("has", tokenizer_name="raw", index_option="basic")
    for field in range_fields().values():
        builder.add_float_field(field, fast=True)
    return builder.build()


def open_index(path: str | None) -> Index:
    """Open or create the index in a directory, or in memory where `path` is None."""
    index = Index(schema(), path)
    index.register_tokenizer(analysis.STEMMED, analysis.stemmed())
    index.register_tokenizer(analysis.PLAIN, analysis.plain())
    index.config_reader("manual")
    return index

"""The index's fields. All types share one index; a change here needs a new `VERSION`, which rebuilds what is there."""

from functools import cache

from tantivy import Index, Schema, SchemaBuilder

from app.records.filters import Kind, kinds
from app.records.registry import RESOURCES
from app.search import analysis

VERSION = 5

TEXT_FIELDS = ("title", "name", "body")
OWN = ("title", "name")
"""Parts with a field of their own; the others are in `body` together, and in `part` one by one."""
META = "meta"
"""The key of the one entry that is no record: it holds the revision the index has seen."""


@cache
def range_fields() -> dict[str, str]:
    """Filters that know ranges, and the field each has of its own: numbers `n_...`, dates `d_...`, both as numbers."""
    every = {name: kind for resource in RESOURCES.values() for name, kind in kinds(resource.filter).items()}
    return {name: f"{kind.name[0]}_{name}" for name, kind in every.items() if kind.ranged}


def value_field(name: str, kind: Kind) -> str:
    """Where the values of a filter are that knows no ranges: texts are too many to be counted, the others can be."""
    return f"exact.{name}" if kind.name == "text" else f"value.{name}"


@cache
def schema() -> Schema:
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
    """The index in a directory, or in memory."""
    index = Index(schema(), path)
    index.register_tokenizer(analysis.STEMMED, analysis.stemmed())
    index.register_tokenizer(analysis.PLAIN, analysis.plain())
    index.config_reader("manual")
    return index

"""Entries of the search index: the contents of its fields (see `schema`), made from a record's document."""

from typing import Any

import orjson

from app.common.spelling import search_form
from app.records.document_paths import first_day, term_of, text_filters, text_term, texts, values
from app.records.vocabularies import RecordType
from app.search.schema import OWN, range_fields


def entry_of(type: RecordType, id: str, body: bytes) -> str:
    """The entry of a document, as JSON: Tantivy parses it in parallel, while building it from Python would block."""
    document = orjson.loads(body)
    entry = {"key": f"{type}/{id}", "type": type, **_text(texts(type, document)), **_values(type, document)}
    return orjson.dumps(entry).decode()


def _text(parts: dict[str, list[str]]) -> dict[str, Any]:
    forms = {part: [search_form(text) for text in some] for part, some in parts.items()}
    joined = {part: "\n".join(some) for part, some in forms.items()}
    body = [text for part, text in joined.items() if part != "name"]  # the title is in the body too
    own = {part: joined[part] for part in OWN if part in joined}
    others = {part: some for part, some in forms.items() if part not in OWN}
    return {**own, "body": body, "part": others, "word": "\n".join(joined.values())}


def _values(type: RecordType, document: Any) -> dict[str, Any]:
    found = values(type, document)
    entry: dict[str, Any] = {"has": list(found), "value": {}, "exact": {}}
    ranges, texts = range_fields(), text_filters(type)
    for name, some in found.items():
        if name in ranges:
            entry[ranges[name]] = [float(value) if ranges[name][0] == "n" else first_day(value) for value in some]
        else:
            field, term = ("exact", text_term) if name in texts else ("value", term_of)
            entry[field][name] = [term(some[0])] if len(some) == 1 else list(dict.fromkeys(map(term, some)))
    return entry

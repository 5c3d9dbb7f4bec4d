"""`fields=` and `include=`: which parts of a document are sent, and which referenced records are embedded whole."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from app.common.problems import Invalid
from app.common.suggestions import nearest
from app.records.base_schemas import ProvenanceOut
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.records.sources.schemas import SourceOut
from app.records.vocabularies import RecordType

Json = Any
Tree = dict[str, "Tree | None"]
"""The chosen fields by name; `None` means the whole field."""

PROVENANCE = "provenance"


class CitedWhole(ProvenanceOut):
    """With `include=provenance`."""

    source_record: SourceOut


def _model_in(hint: Any) -> type[BaseModel] | None:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    return next((model for inner in get_args(hint) if (model := _model_in(inner))), None)


@cache
def _fields_of(model: type[BaseModel]) -> Mapping[str, type[BaseModel] | None]:
    return {name: _model_in(field.annotation) for name, field in model.model_fields.items()}


def includable(resource: Resource) -> list[str]:
    """The names that `include=` accepts for a record type."""
    cited = [PROVENANCE] if PROVENANCE in resource.out.model_fields else []
    return [*resource.includes, *cited]


def read_include(resource: Resource, names: Iterable[str]) -> tuple[str, ...]:
    """Check the names of `include=` and drop repetitions; raises `Invalid`."""
    known = includable(resource)
    for name in names:
        if name not in known:
            raise Invalid(f"{name!r} is not one of the embedded records", nearest(name, known) or known)
    return tuple(dict.fromkeys(names))


def _known_fields(resource: Resource, include: tuple[str, ...]) -> Mapping[str, type[BaseModel] | None]:
    wider = {name: RESOURCES[resource.includes[name]].out for name in include if name in resource.includes}
    cited = {PROVENANCE: CitedWhole} if PROVENANCE in include else {}
    return {**_fields_of(resource.out), **wider, **cited}


def _walk(resource: Resource, include: tuple[str, ...], path: str) -> list[str]:
    """Split a dotted path into names and check each one against the schema; raises `Invalid`."""
    known: Mapping[str, type[BaseModel] | None] = _known_fields(resource, include)
    names = path.split(".")
    for index, name in enumerate(names):
        if name not in known:
            prefix = "".join(f"{above}." for above in names[:index])
            near = [prefix + choice for choice in nearest(name, known)]
            raise Invalid(f"there is no field {path!r}", near)
        model = known[name]
        known = _fields_of(model) if model else {}
    return names


def read_fields(resource: Resource, include: tuple[str, ...], paths: Iterable[str]) -> Tree:
    """Parse dotted paths into a tree; a whole field overrides parts of it. Raises `Invalid`.

    It is an error to leave out a field that `include` embeds.
    """
    tree: Tree = {}
    for path in paths:
        *above, last = _walk(resource, include, path)
        branch: Tree | None = tree
        for name in above:
            branch = branch.setdefault(name, {}) if branch is not None else None
        if branch is not None:
            branch[last] = None
    for name in include:
        if name not in tree:
            raise Invalid(f"leaves out {name!r}, which include asks for", [name])
    return tree


def project(value: Json, tree: Tree | None) -> Json:
    """The chosen parts of a document, in the document's own order; the whole document where `tree` is None."""
    if tree is None or value is None:
        return value
    if isinstance(value, list):
        return [project(item, tree) for item in value]
    return {name: project(inner, tree[name]) for name, inner in value.items() if name in tree}


def _embedded_items(document: Json, names: Iterable[str]) -> Iterator[tuple[str, Json]]:
    """The items of a document that are to be embedded whole, each with the name of its field."""
    for name in names:
        value = document.get(name)  # a document of the past may lack a field that the schema has now
        yield from ((name, item) for item in (value if isinstance(value, list) else [value] if value else []))


def _key(resource: Resource, name: str, item: Json) -> tuple[RecordType, str]:
    return ("sources", item["source"]) if name == PROVENANCE else (resource.includes[name], item["id"])


def included_keys(
    resource: Resource, documents: Iterable[Json], include: tuple[str, ...]
) -> set[tuple[RecordType, str]]:
    """The keys of the records that `include=` embeds in some documents."""
    return {_key(resource, name, item) for doc in documents for name, item in _embedded_items(doc, include)}


def embed(
    resource: Resource, documents: Iterable[Json], include: tuple[str, ...], found: Mapping[tuple[str, str], Json]
) -> None:
    """Embed the records of `found` in some documents, in place.

    An item that shows a few fields of a record gets its other fields. An item of `provenance` gets its source as
    `source_record`.
    """
    for document in documents:
        for name, item in _embedded_items(document, include):
            record = found[_key(resource, name, item)]
            if name == PROVENANCE:
                item["source_record"] = record
            else:
                item.update({field: value for field, value in record.items() if field not in item})

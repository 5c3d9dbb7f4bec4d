"""The answers that are written as bytes, as models for OpenAPI alone: validating each answer would slow down reads.

Tests compare every answer with these schemas. The models of releases stand with their operations; webhooks and imports
are written from models of their own rooms.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, create_model

from app.common.problems import KINDS
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.store.documents import Change as ChangeKind
from app.store.reconciliation.precedence import RULES

NEXT = "Path of the next page; null on the last."


def _plain(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Leave out of a schema what Pydantic adds of itself: titles, and the description of a model's base."""
    schema.pop("title", None)
    if not schema["properties"]:
        del schema["properties"]
    if not model.__dict__.get("__doc__"):
        schema.pop("description", None)


class Answer(BaseModel):
    """The base of the models."""

    model_config = ConfigDict(json_schema_extra=_plain)


def sometimes(description: str | None = None, **more: Any) -> Any:
    """Return the field of a member that an answer may not have; a default would be shown as one."""
    return Field(default_factory=dict, description=description, **more)


class Count(Answer):
    value: str | float
    count: int
    by: list["Count"] = sometimes("With `a*b`.")


class Facet(Answer):
    values: list[Count]
    distinct: int = Field(description="How many values there are; `facet_limit` lists more.")
    missing: int = Field(description="Records without a value.")


class Facets(RootModel[dict[str, Facet]]):
    """By the name asked for."""


Mark = Annotated[list[int], Field(min_length=2, max_length=2)]


class Snippet(Answer):
    part: str
    text: str
    marks: list[Mark] = Field(description="Where the terms stand in `text`: start and end in Unicode code points.")


class Hit(Answer):
    """Why a record was found; one for each of `items`, in the same order."""

    id: str
    type: str = sometimes()
    score: float = Field(description="BM25, with titles and names weighing more; 0 when sorted otherwise.")
    matched: dict[str, Annotated[list[str], Field(description="Terms found in this part of the record.")]] = sometimes()
    snippet: Snippet | None = sometimes()


class TotalWithout(Answer):
    parameter: str
    total: int


class Spelling(Answer):
    word: str
    nearest: list[str] = Field(description="Words that there are.")


class Search(Answer):
    match: Literal["all", "any"] = sometimes("How words were matched in the end.")
    expanded: dict[str, Annotated[list[str], Field(description="Other names that were looked for too.")]] = sometimes()
    plain_words: list[str] = sometimes(
        "Words searched for as any other, which are operators in capital letters: not, and, or."
    )
    hits: list[Hit]
    types: dict[str, int] = sometimes("Hits by type.")
    without: list[TotalWithout] = sometimes("Where nothing was found: how many there would be without each filter.")
    spelling: list[Spelling] = sometimes("Where nothing was found: words that are nowhere, and the nearest that are.")


class RecordPage(Answer):
    """The members of a page of records beside its items."""

    total: int = Field(ge=0, description="How many records match, on all pages.")
    next: str | None = Field(description=NEXT)
    search: Search = sometimes("With `q`.")
    facets: Facets = sometimes("With `facets`.")


def page_name(resource: Resource) -> str:
    """Return the name of the schema of a page of a record type's list."""
    return resource.out.__name__.removesuffix("Out") + "Page"


def _page(name: str, item: Any, description: str) -> type[BaseModel]:
    return create_model(name, __base__=RecordPage, __doc__=description, items=(list[item], ...))


def _any_record() -> Any:
    found: Any = None
    for resource in RESOURCES.values():
        found = resource.out if found is None else found | resource.out
    return found


class Change(Answer):
    revision: int = Field(description="All changes of one revision came at once.")
    at: datetime
    actor: str = Field(description="Whose key it was, by its name or by a pseudonym that stands for it.")
    reason: str
    type: RecordType
    id: str
    version: int = Field(ge=1)
    change: Literal["created", "updated", "refreshed", "deleted", "restored"] = Field(
        description="`refreshed`: a record that this one shows has changed. `deleted`: a tombstone."
    )
    fields: list[str] | None = Field(
        description="Fields of the document that differ from the version before; null where it is new or gone."
    )
    href: str = Field(description="Path of this version.")


class ChangePage(Answer):
    items: list[Change]
    next: str | None = Field(description=NEXT)
    revision: int = Field(description="All changes up to this one are told when `next` is null.")


class Conflict(Answer):
    type: RecordType
    id: str = Field(description="Id of the record.")
    field: str = Field(description="Its field.")
    current: Any = Field(description="The record's own value; of a long one, the beginning of its JSON.")
    current_source: str | None = Field(
        description="The imported source of the record's value; null: people entered it."
    )
    proposed: Any = Field(description="The source's value; of a long one, the beginning of its JSON.")
    source: str = Field(description="Id of the source.")
    rule: str = Field(description="By which the record's value stands.", json_schema_extra={"enum": [*RULES]})
    revision: int = Field(description="Since when it is so.")
    href: str = Field(description="Path of the record.")


class ConflictPage(Answer):
    items: list[Conflict]
    total: int = Field(ge=0)
    next: str | None = Field(description=NEXT)


class Reason(Answer):
    """A change."""

    version: int = Field(ge=1, description="Counts the record's versions from 1 on.")
    change: ChangeKind = Field(
        description="`refreshed`: nothing was entered, but a record that this one shows has changed."
    )
    revision: int = Field(ge=1, description="Counts the database's changes.")
    at: datetime = Field(description="Since when it was to be seen.")
    actor: str = Field(description="Who changed it, by name or by a pseudonym.")
    reason: str = Field(description="Why, as it was given.")


class Version(Reason):
    """One version of a record."""

    etag: str = Field(description="Hash of the document as it was sent.")
    href: str = Field(description="Path of this version.")


class VersionPage(Answer):
    """A page of versions."""

    items: list[Version]
    total: int = Field(ge=1, description="How many versions there are.")
    next: str | None = Field(description=NEXT)


class WholeVersion(Reason):
    """One version of a record, whole."""

    document: dict[str, Any] | None = Field(
        description="As it was sent; null where this version is a deletion. The type's shape, as it was then."
    )
    entered: dict[str, Any] | None = Field(description="As it was entered; null where nothing was.")


class PatchOperation(Answer):
    """One operation of a JSON Patch (RFC 6902)."""

    op: Literal["add", "remove", "replace"]
    path: str = Field(description="JSON pointer (RFC 6901).")
    value: Any = sometimes("Not with `remove`.")


class Diff(Answer):
    """What turns one version of a record into another."""

    from_: int = Field(ge=1, alias="from")
    to: int = Field(ge=1)
    patch: list[PatchOperation]
    reasons: list[Reason] = Field(
        description="The changes after the earlier and up to the later of the two, the oldest first."
    )


class Tombstone(Answer):
    """What is left of a deleted record beside its history."""

    id: str
    type: str
    deleted: Literal[True]
    version: int = Field(ge=2)


class ProblemFault(Answer):
    parameter: str = sometimes()
    pointer: str = sometimes("RFC 6901")
    file: str = sometimes("Of a release: in which file.")
    line: int = sometimes("Of a release: in which line.")
    record: str = sometimes("Of a release: in which record.")
    detail: str
    nearest: list[str] = Field(description="Nearest valid values.")


PROBLEM_TYPES: list[JsonValue] = [f"/problems/{kind}" for kind in KINDS]


class Problem(Answer):
    """RFC 9457 problem details."""

    type: str = Field(
        description="A page about it.", json_schema_extra={"enum": [f"/problems/{kind}" for kind in KINDS]}
    )
    title: str
    status: int
    detail: str
    request_id: str = Field(description="Names this request in our log.")
    errors: list[ProblemFault]


ANSWERS: tuple[type[BaseModel], ...] = (
    *(_page(page_name(resource), resource.out, f"A page of {resource.title}.") for resource in RESOURCES.values()),
    _page("SearchPage", _any_record(), "Records of all types, by relevance."),
    *(ChangePage, ConflictPage, VersionPage, WholeVersion, Diff, Tombstone, Problem),
)
"""The models whose schemas, with those that they refer to, are components of the OpenAPI document."""

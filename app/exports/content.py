"""What is written in a representation: one record, a page of records, or a whole list."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.query.pages import Page
from app.query.projection import Tree
from app.query.record_queries import RecordQuery
from app.records.resource import Resource
from app.search.all_types import AllTypesQuery, SimilarQuery

Query = RecordQuery | AllTypesQuery | SimilarQuery
Batches = Iterator[Sequence[bytes]]


@dataclass(slots=True)
class Content:
    """The documents that answer a query.

    A page and the record of a paged representation hold what `fields=` selects. The documents of a streamed one are
    whole, because its columns follow `fields=`, which its writer applies.
    """

    resource: Resource | None
    """The record type; None of a search across types, whose documents tell their `type`."""
    query: Query
    batches: Batches
    """The documents as JSON; of one record one batch with one document."""
    page: Page | None = None
    """The page that the documents are the items of, with its total and `next`."""

    @property
    def fields(self) -> Tree | None:
        """What `fields=` names; None if it is not given, or has no place in the query."""
        return self.query.fields if isinstance(self.query, RecordQuery) else None

    @property
    def raw(self) -> bool:
        """Whether `raw=true` is given."""
        return isinstance(self.query, RecordQuery) and bool(self.query.raw)

    @property
    def has_mark(self) -> bool:
        """Whether `bom=true` is given."""
        return isinstance(self.query, RecordQuery) and bool(self.query.bom)

    @property
    def include(self) -> tuple[str, ...]:
        """The embedded records that `include=` asks for."""
        return self.query.include if isinstance(self.query, RecordQuery) else ()

    def of_type(self) -> Resource:
        """Return the record type, for writers that answer no search across types."""
        assert self.resource is not None
        return self.resource


Writer = Callable[[Content], Iterator[bytes]]
"""A function that writes a content in a representation, piece by piece."""

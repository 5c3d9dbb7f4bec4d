"""The one way from a question to its response, in whichever representation the client accepts."""

from typing import ClassVar, Protocol

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer, next_link
from app.api.http.negotiation import negotiate
from app.api.representations import REPRESENTATIONS, QuestionKind, Representation
from app.api.routes.exports import answer_export
from app.api.services import service_of
from app.common.problems import invalid_parameter
from app.exports.content import Content, Query
from app.query import pages
from app.query.pages import Page, StoredDocument
from app.query.record_queries import ListQuery, RecordQuery
from app.records.resource import Resource
from app.store.rendering import etag_of


class Question(Protocol):
    """A parsed request for a record, a list or a search."""

    kind: ClassVar[QuestionKind]

    @property
    def resource(self) -> Resource | None:
        """The record type, or None of a search across types."""

    @property
    def query(self) -> Query:
        """The parsed query string."""

    async def at_hand(self, request: Request, chosen: Representation) -> Response | None:
        """Return the response if it can be made on the event loop in less time than handing it to a thread takes."""

    def answer(self, connection: Connection, request: Request, chosen: Representation) -> Response:
        """Return the response, made in a thread."""


async def respond(request: Request, question: Question) -> Response:
    """Answer a question in the representation that `format=` or `Accept` chooses.

    Raise a `Problem`: 406 if none is accepted, 422 if the query has a parameter of another representation.
    """
    resource, query = question.resource, question.query
    chosen = negotiate(request, question.kind, resource.type if resource else None, query.format)
    if isinstance(query, RecordQuery):
        _require_options(query, chosen)
    if chosen.streams and resource and isinstance(query, ListQuery):
        return await answer_export(request, resource, query, chosen)
    if response := await question.at_hand(request, chosen):
        return response
    return await service_of(request).reader.run(question.answer, request, chosen)


def _require_options(query: RecordQuery, chosen: Representation) -> None:
    """Raise a `Problem` if the query has an option of another representation; the options' default is never wrong."""
    for name in ("raw", "bom"):
        if getattr(query, name) and name not in chosen.options:
            owners = " and ".join(one.name for one in REPRESENTATIONS.values() if name in one.options)
            raise invalid_parameter(name, f"{name} belongs to {owners}; the format here is {chosen.name}.")


def page_response(
    request: Request, question: Question, chosen: Representation, page: Page, validators: Validators
) -> Response:
    """Return the response for a page of a list or a search."""
    content = Content(question.resource, question.query, iter([page.documents]), page)
    headers = next_link(page.next) | chosen.disposition(question.resource.type if question.resource else "search")
    return answer(request, chosen.written(content), validators, media_type=chosen.media_type, headers=headers)


def record_response(
    connection: Connection,
    request: Request,
    resource: Resource,
    query: RecordQuery,
    chosen: Representation,
    stored: StoredDocument,
    headers: dict[str, str],
    *,
    permanent: bool = False,
) -> Response:
    """Return the response for one record, whose document is stored; `headers` are those beside the usual ones.

    `query.revision` is the revision that embedded records are read at.
    """
    include = tuple(dict.fromkeys((*query.include, *chosen.embeds(resource))))
    selected = RecordQuery(None, include, None, revision=query.revision) if chosen.streams else query
    document = pages.select_parts(connection, resource, selected, [stored.body])[0]
    body = chosen.written(Content(resource, query, iter([[document]])))
    headers = chosen.disposition(stored.id) | headers
    validators = Validators(etag_of(body), None, permanent)
    return answer(request, body, validators, media_type=chosen.media_type, headers=headers)

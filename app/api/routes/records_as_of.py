"""Reading the records of a type as of a moment (`as_of`) over HTTP."""

from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer_from_loop, is_fresh, not_modified
from app.api.http.request_state import validators_at
from app.api.representations import JSON, QuestionKind, Representation
from app.api.routes.respond import page_response, record_response
from app.api.services import service_of
from app.query import as_of_lists, pages
from app.query.as_of import newest_at
from app.query.as_of_records import RECORD_AS_OF, Found, by_name_as_of, is_there
from app.query.record_queries import ListQuery, RecordQuery
from app.records.resource import Resource


@dataclass(slots=True)
class PastList:
    """A question for a page of the list as it was at a moment."""

    kind: ClassVar[QuestionKind] = "list"
    resource: Resource
    query: ListQuery

    async def at_hand(self, request: Request, chosen: Representation) -> Response | None:
        """Return nothing: a list as of a moment is always read in a thread."""

    def answer(self, connection: Connection, request: Request, chosen: Representation) -> Response:
        """Return a page, or a 304 without reading it."""
        at, service = pages.now(connection), service_of(request)
        past = as_of_lists.past_of(connection, self.resource, self.query, at)
        validators = validators_at(past.state, request, chosen.name, permanent=past.permanent)
        if is_fresh(request, validators):
            return not_modified(request, validators)
        page = as_of_lists.page(
            connection,
            self.resource,
            past.query,
            at,
            service.totals,
            service.sort_positions,
            service.settings.page_bytes,
        )
        return page_response(request, self, chosen, page, validators)


@dataclass(slots=True)
class PastRecord:
    """A question for a record as it was at a moment; one version never changes, so it may be cached for ever."""

    kind: ClassVar[QuestionKind] = "record"
    resource: Resource
    query: RecordQuery

    async def at_hand(self, request: Request, chosen: Representation) -> Response | None:
        """Return the stored document of the record that had the id, if it is wanted as it is."""
        if not self.query.is_plain or chosen is not JSON:
            return None
        name, reader = request.path_params["id"], service_of(request).reader
        found = await reader.look_up(RECORD_AS_OF, self.resource.type, name, self.query.as_of)
        if found is None or not is_there(self.resource, found):
            return None
        validators = Validators(found.stored.etag, found.stored.modified, self._is_permanent(found))
        return await answer_from_loop(request, found.stored.body, validators)

    def _is_permanent(self, found: Found) -> bool:
        assert self.query.as_of is not None
        return self.query.as_of < found.changed_at

    def answer(self, connection: Connection, request: Request, chosen: Representation) -> Response:
        """Return the record that had the id, or that has the name."""
        assert self.query.as_of is not None
        name = request.path_params["id"]
        found = by_name_as_of(connection, self.resource, name, self.query.as_of)
        named = found.stored.id != name
        headers = {"content-location": f"{self.resource.path}/{quote(found.stored.id)}"} if named else {}
        query = replace(self.query, revision=newest_at(connection, self.query.as_of).revision)
        permanent = self._is_permanent(found) and not named
        return record_response(
            connection, request, self.resource, query, chosen, found.stored, headers, permanent=permanent
        )

"""A whole list in batches of documents: memory holds some hundred records at a time."""

from itertools import chain

from sqlalchemy import Connection

from app.exports.content import Content
from app.query import as_of_lists, name_resolution, pages
from app.query.pages import DatabaseState
from app.query.record_queries import ListQuery, RecordQuery
from app.records.resource import Resource
from app.search.lists import Search, all_found


def whole_list(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    at: DatabaseState,
    search: Search,
    embeds: tuple[str, ...] = (),
) -> Content:
    """Return all records of a list as of one revision; `embeds` are embedded in them beside what `include=` asks for.

    A wrong query raises its `Problem` here, before the first batch is taken.
    """
    resolved = name_resolution.resolve(connection, resource, query)
    if resolved.revision is None:
        rest = all_found(connection, resource, resolved, at, search)
    else:
        rest = as_of_lists.every_page(connection, resource, resolved)
    batches = chain([next(rest)], rest)
    whole = RecordQuery(None, tuple(dict.fromkeys((*query.include, *embeds))), None, revision=query.revision)
    return Content(resource, query, (pages.select_parts(connection, resource, whole, batch) for batch in batches))

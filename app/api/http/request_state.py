"""Validators of responses that follow from the state of the database."""

from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.api.http.conditional import Validators, is_fresh, not_modified
from app.api.services import service_of
from app.query import pages
from app.query.pages import DatabaseState
from app.settings import PublicActors


def query_string(request: Request) -> str:
    """Return the query of a request, which `RequestGuard` has found to be UTF-8."""
    return str(request.scope["query_string"], "utf-8")


async def unchanged(request: Request, actors: PublicActors = "names", *, format: str = "json") -> Response | None:
    """Return a 304 if the client's copy follows from the present state of the database, or None.

    It reads only the state, so an unchanged page costs no query. `format` and `actors` are those of
    `validators_at`.
    """
    now = await service_of(request).reader.look_up(pages.NOW)
    validators = validators_at(pages.certain(now), request, format, actors=actors)
    return not_modified(request, validators) if is_fresh(request, validators) else None


def validators_at(
    at: DatabaseState,
    request: Request,
    format: str = "json",
    *,
    permanent: bool = False,
    actors: PublicActors = "names",
) -> Validators:
    """Return the validators of a response that follows from the state `at`, the target, the format and this code.

    The settings that a response depends on are a part of its entity tag too. `actors` is the setting of how actors are
    shown, for responses that show any. A change of it is not seen in a date, so with pseudonyms there is no date.
    """
    state = f"{__version__} {at.epoch} {at.revision} {at.changed_at.timestamp()}"
    state += f" {service_of(request).settings.page_bytes}"
    known = f"{state} {format} {request.scope['path']}?{query_string(request)}"
    if actors == "names":
        return Validators(blake2b(known.encode(), digest_size=12).hexdigest(), at.changed_at, permanent)
    return Validators(blake2b(f"{known} {actors}".encode(), digest_size=12).hexdigest(), None, permanent)

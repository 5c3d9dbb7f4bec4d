"""Errors that become answers of the type `application/problem+json` (RFC 9457), and the faults that they list.

Fault        what is wrong, where, and the nearest valid values: the same from parsing to the answer or the console
Exception
  Problem    an error answer; it may be raised anywhere
  Invalid    a value that cannot be parsed; it is caught where the parameter is known, and becomes part of a `Problem`
"""

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """A kind of problem: its HTTP status, its title, and what a client can do about it."""

    status: int
    title: str
    meaning: str


KINDS: dict[str, Kind] = {
    "ambiguous-name": Kind(
        300, "Several records have this name", "Ask for one of the records listed in `errors` by its id."
    ),
    "malformed-request": Kind(
        400, "The request cannot be read", "The target or a header breaks HTTP's or UTF-8's rules."
    ),
    "unexpected-content": Kind(
        400, "This request takes no content", "GET and HEAD have no body here; send them without one."
    ),
    "bad-cursor": Kind(
        400,
        "The cursor does not belong to this query",
        "A cursor works only in the `next` link it came in, with nothing else changed. Start again without it.",
    ),
    "malformed-content": Kind(
        400, "The content cannot be read", "It is no JSON, or says a name twice, or is nested too deeply."
    ),
    "unauthorized": Kind(
        401,
        "A valid key is needed",
        "Send it as `Authorization: Bearer evk_...`; `detail` says what was wrong with yours.",
    ),
    "forbidden": Kind(403, "The key may not do this", "`detail` says which role is needed; an admin makes keys."),
    "not-found": Kind(404, "There is nothing here", "No record or page has this address; `errors` names near ones."),
    "gone": Kind(
        410, "The record was deleted", "Its history is still there: `Link` and `errors` name its last version."
    ),
    "method-not-allowed": Kind(405, "This method is not for this address", "The `Allow` header says which are."),
    "not-acceptable": Kind(
        406, "None of the accepted formats can be sent", "Ask for `application/json`, or use `?format=json`."
    ),
    "conflict": Kind(409, "It cannot be done as things are", "`errors` names the records that stand in the way."),
    "precondition-failed": Kind(
        412,
        "The record has changed meanwhile",
        "Get it again, look at what changed, and send its new `ETag` in `If-Match`.",
    ),
    "request-timeout": Kind(
        408, "The request did not come in time", "Send it again, whole; `detail` says what was waited for."
    ),
    "content-too-large": Kind(413, "The content is too large", "`detail` says how much is read."),
    "uri-too-long": Kind(414, "The address is too long", "Ask for less at once, such as fewer `ids`."),
    "range-not-satisfiable": Kind(
        416, "The range lies behind the end", "`Content-Range` says how many bytes there are; you may have them all."
    ),
    "unsupported-media-type": Kind(415, "This content type is not read here", "`detail` says which are, in UTF-8."),
    "invalid-record": Kind(
        422,
        "The record breaks a rule",
        "Each entry of `errors` names the place by a JSON pointer, and the nearest valid values.",
    ),
    "idempotency-key-reused": Kind(
        422, "The Idempotency-Key belongs to another request", "Take a new key for each new request."
    ),
    "invalid-parameter": Kind(
        422,
        "A parameter is unknown or has a value that cannot be used",
        "Each entry of `errors` names the parameter, what is wrong and the nearest valid names or values.",
    ),
    "cannot-pool": Kind(
        422,
        "There is no pooled effect",
        "`detail` says what is missing, and in which study; `excluded` never hides it.",
    ),
    "precondition-required": Kind(
        428, "Say which version you change", "Send the record's `ETag` in `If-Match`, so that nobody's change is lost."
    ),
    "slow-down": Kind(
        429,
        "Too many requests in a short time",
        "Wait the seconds in `Retry-After`; `RateLimit` says how many are left.",
    ),
    "quota-spent": Kind(
        429,
        "The day's requests are spent",
        "They come back after the seconds in `Retry-After`; ask for a key with more.",
    ),
    "headers-too-large": Kind(
        431, "The headers are too large", "Send less in the headers and the address; `detail` says how much is read."
    ),
    "internal-error": Kind(
        500, "Something broke on our side", "It is logged under the `request_id`; nothing was changed."
    ),
    "insufficient-storage": Kind(
        507, "There is no room left for it", "Nothing was changed; try again when its keepers have made room."
    ),
    "too-busy": Kind(503, "Others take all the room there is", "Try again after the seconds in `Retry-After`."),
    "export-not-ready": Kind(
        503,
        "The export is not made yet",
        "It is being made, or waits for others; try again after the seconds in `Retry-After`.",
    ),
    "search-not-ready": Kind(
        503,
        "The search index is being made",
        "Lists without `q` and `facets` answer meanwhile; try again after the seconds in `Retry-After`.",
    ),
    "database-unavailable": Kind(503, "The database does not answer", "Try again after the seconds in `Retry-After`."),
    "database-read-only": Kind(
        503,
        "The database can only be read",
        "Nothing was changed; `detail` says what its keepers have to give the service permission for.",
    ),
    "database-not-ready": Kind(
        503, "The database does not fit this version", "It is missing, empty or migrated by another version."
    ),
}
"""All kinds of problems. Each is documented at `/problems/{kind}`, which is the `type` of its answers."""


def is_full(error: BaseException) -> bool:
    """Whether an error is due to a full disk, an exhausted quota or the maximum size of a file."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def no_room() -> "Problem":
    """The 507 for a full disk."""
    return Problem("insufficient-storage", "There is no room left to keep it; nothing was changed.")


@dataclass(frozen=True, slots=True)
class Location:
    """The record, among several, that a fault is in."""

    number: int = 0
    """The place of the record in its batch."""
    file: str = ""
    """The file that holds it, or its name in a registry; empty if it was not sent in a file."""
    line: int | None = None
    record: str = ""
    """The id of the record, as far as it is known."""


NOWHERE = Location()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: in a parameter, or at a JSON pointer (RFC 6901) of what was sent."""

    detail: str
    pointer: str = ""
    parameter: str | None = None
    nearest: tuple[str, ...] = ()
    """The nearest valid values, or the addresses that lead on."""
    location: Location = NOWHERE

    @property
    def number(self) -> int:
        """The place of the record in its batch."""
        return self.location.number

    def at(self, number: int) -> "Fault":
        """Return the same fault in the record at a place of a batch."""
        return replace(self, location=Location(number))

    def as_json(self) -> dict[str, Any]:
        """Return the fault as an item of `errors` in a problem."""
        where = {"pointer": self.pointer} if self.parameter is None else {"parameter": self.parameter}
        found: dict[str, Any] = {**where, "detail": self.detail, "nearest": [*dict.fromkeys(self.nearest)]}
        location = self.location
        if location.file:
            line = {} if location.line is None else {"line": location.line}
            found |= {"file": location.file, **line, "record": location.record}
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Fault":
        """Return the fault that `as_json` has written."""
        location = Location(0, found.get("file", ""), found.get("line"), found.get("record", ""))
        pointer, parameter = found.get("pointer", ""), found.get("parameter")
        return cls(found["detail"], pointer, parameter, tuple(found["nearest"]), location)

    def __str__(self) -> str:
        """Return the fault as a line for people: where it is, what is wrong, and the nearest valid values."""
        location = self.location
        file = location.file if location.line is None else f"{location.file}:{location.line}:"
        where = " ".join(filter(None, (file, location.record, self.parameter or self.pointer)))
        place = where if not where or location.line is not None else f"{where}:"
        near = f"(nearest: {', '.join(self.nearest)})" if self.nearest else ""
        return " ".join(filter(None, (place, self.detail, near)))


class Problem(Exception):
    """An error answer. `kind` is one of `KINDS`, `detail` is for people, and `errors` is for programs."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.errors, self.headers = kind, detail, list(errors), dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return KINDS[self.kind].status

    def as_json(self) -> dict[str, Any]:
        """Return the problem as a JSON object (RFC 9457), without the id of its request."""
        return {
            "type": f"/problems/{self.kind}",
            "title": KINDS[self.kind].title,
            "status": self.status,
            "detail": self.detail,
            "errors": [fault.as_json() for fault in self.errors],
        }


class Invalid(Exception):
    """A value that cannot be parsed, and the nearest valid values."""

    def __init__(self, detail: str, near: Iterable[str] = ()) -> None:
        super().__init__(detail)
        self.detail, self.near = detail, list(near)


MOST_SUMMED_UP = 3
"""The most faults that the `detail` of a problem repeats for people."""


def parameter_fault(parameter: str, detail: str, near: Iterable[str] = ()) -> Fault:
    """A fault in a parameter, with the nearest valid values."""
    return Fault(detail, parameter=parameter, nearest=tuple(near))


def invalid_parameters(faults: Sequence[Fault]) -> Problem:
    """The 422 for faults in parameters."""
    return Problem("invalid-parameter", " ".join(fault.detail for fault in faults[:MOST_SUMMED_UP]), errors=faults)


def invalid_parameter(name: str, detail: str, near: Iterable[str] = ()) -> Problem:
    """The 422 for one wrong parameter, with the nearest valid values."""
    return invalid_parameters([parameter_fault(name, detail, near)])


def invalid_content(faults: Sequence[Fault], noun: str) -> Problem:
    """The 422 for content with faults; `noun` stands in the text for the pointer of one without any."""
    detail = " ".join(f"{fault.pointer or noun}: {fault.detail}." for fault in faults[:MOST_SUMMED_UP])
    return Problem("invalid-record", detail, errors=faults)


def not_found(detail: str, near: Iterable[str] = ()) -> Problem:
    """The 404 for a path that leads nowhere, with the nearest paths that lead somewhere."""
    return Problem("not-found", detail, errors=[Fault(detail, nearest=tuple(near))])


def conflict(detail: str, *paths: str) -> Problem:
    """A 409 that lists the addresses of what it conflicts with."""
    return Problem("conflict", detail, errors=[Fault(path, nearest=(path,)) for path in paths])

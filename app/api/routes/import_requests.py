"""Reading the request that starts an import: a file with parameters, or JSON with a query."""

from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from app.api.http.negotiation import JSON
from app.api.http.request_body import parse_json, read_content, receive, require_type
from app.api.http.request_state import query_string
from app.api.openapi.imports import UPLOAD_TYPES
from app.api.routes.edits import read_reason
from app.api.routes.releases import read_name
from app.common.problems import Fault, Invalid, Problem, invalid_content, invalid_parameter, parameter_fault
from app.common.suggestions import nearest
from app.common.validation_errors import shape_faults
from app.imports.registry import FORMATS
from app.jobs.schemas import Day, ImportIn, Upload
from app.jobs.vocabulary import OnError
from app.query.parameters import Parameters, read_boolean

PARAMETERS = ["format", "since", "on_error", "allow_older", "dry_run", "name", "reason"]
MOST_BYTES = 10_000
DAY: TypeAdapter[str] = TypeAdapter(Day)


class ReceivedImport(NamedTuple):
    """A request for an import, with its uploaded file if it has one."""

    wanted: ImportIn
    upload: Upload | None
    content: bytes
    """The bytes that tell the request from another one: its JSON, or the hash of its file."""


def _read_format(value: str) -> str:
    if value not in FORMATS:
        raise Invalid(f"{value!r} is not one of the formats here", nearest(value, FORMATS))
    return value


def _read_on_error(value: str) -> OnError:
    if value == "stop":
        return "stop"
    if value == "skip":
        return "skip"
    raise Invalid(f"{value!r} is not stop or skip", ("stop", "skip"))


def _read_since(value: str) -> str:
    try:
        return DAY.validate_python(value)
    except ValidationError:
        raise Invalid(f"{value!r} is no day like 2026-01-31") from None


def read_upload_query(raw: str) -> ImportIn:
    """Return the import that the parameters of an upload describe; raise a `Problem` (422) for faults in them."""
    parameters = Parameters(raw, PARAMETERS)
    nothing: str | None = None
    on_error: OnError = "stop"
    wanted = ImportIn(
        format=parameters.read("format", _read_format, ""),
        since=parameters.read("since", _read_since, nothing),
        on_error=parameters.read("on_error", _read_on_error, on_error),
        allow_older=parameters.read("allow_older", read_boolean, False),
        dry_run=parameters.read("dry_run", read_boolean, False),
        name=parameters.read("name", read_name, nothing),
        reason=parameters.read("reason", read_reason, nothing),
    )
    if wanted.since and wanted.format and not FORMATS[wanted.format].updated:
        detail = f"since: files of {wanted.format} do not say when each record was updated."
        parameters.faults.append(parameter_fault("since", detail))
    if wanted.name and wanted.format and not FORMATS[wanted.format].is_release:
        parameters.faults.append(parameter_fault("name", f"name: what {wanted.format} brings becomes no release."))
    if wanted.allow_older and wanted.format and not FORMATS[wanted.format].is_release:
        detail = f"allow_older: what {wanted.format} brings does not say how new it is."
        parameters.faults.append(parameter_fault("allow_older", detail))
    parameters.end()
    return wanted


async def receive_import(request: Request, incoming: Path, most: int) -> ReceivedImport:
    """Return the import that a request describes; its file, of at most `most` bytes, is written to `incoming`."""
    raw = query_string(request)
    if not raw and request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON:
        content = await read_content(request, MOST_BYTES)
        return ReceivedImport(_read_content(content), None, content)
    wanted = _read_upload_query_with_format(raw)
    require_type(request, *UPLOAD_TYPES)
    with (incoming / "upload").open("wb") as file:
        digest = await receive(request, most, file)
    size = (incoming / "upload").stat().st_size
    if not size:
        raise Problem("malformed-content", "There is no content: send the file that is to be imported.")
    return ReceivedImport(wanted, Upload(bytes=size, sha256=digest), digest.encode())


def _read_upload_query_with_format(raw: str) -> ImportIn:
    wanted = read_upload_query(raw)
    if not wanted.format:
        detail = "format is needed: whose records the file holds; or send a query as JSON, without parameters."
        raise invalid_parameter("format", detail, FORMATS)
    return wanted


def _read_content(content: bytes) -> ImportIn:
    data = parse_json(content)
    try:
        wanted = ImportIn.model_validate(data)
    except ValidationError as error:
        raise invalid_content(shape_faults(ImportIn, error), "The import") from None
    faults = list(_faults(wanted))
    if faults:
        raise invalid_content(faults, "The import")
    return wanted


def _faults(wanted: ImportIn) -> list[Fault]:
    format = FORMATS.get(wanted.format)
    if format is None:
        detail = f"{wanted.format!r} is not one of the formats here"
        return [Fault(detail, "/format", nearest=tuple(nearest(wanted.format, FORMATS)))]
    if format.live is None:
        return [Fault(f"nobody answers queries for {format.name}; send a file", "/format", nearest=_live())]
    if wanted.query is None:
        return [Fault("this field is required, or send a file with the parameter `format`", "/query")]
    return []


def _live() -> tuple[str, ...]:
    return tuple(name for name, format in FORMATS.items() if format.live)

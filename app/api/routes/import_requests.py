"""What is asked of an import: a file with parameters, or JSON with a query."""

from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from app.api.http.request_body import JSON_TYPE, parse_json, read_content, receive, require_type
from app.api.http.request_state import query_string
from app.api.openapi.imports import UPLOAD_TYPES
from app.api.routes.edits import read_reason
from app.api.routes.releases import read_name
from app.common.problems import Invalid, Problem, parameter_fault
from app.common.suggestions import nearest
from app.common.validation_errors import ShapeFault, shape_faults
from app.imports.registry import FORMATS
from app.jobs.schemas import Day, ImportIn, Upload
from app.jobs.vocabulary import OnError
from app.query.parameters import Parameters, read_boolean

PARAMETERS = ["format", "since", "on_error", "dry_run", "name", "reason"]
MOST_BYTES = 10_000
DAY: TypeAdapter[str] = TypeAdapter(Day)


class Sent(NamedTuple):
    wanted: ImportIn
    upload: Upload | None
    content: bytes
    """What tells this request from another one."""


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
    given = Parameters(raw, PARAMETERS)
    nothing: str | None = None
    on_error: OnError = "stop"
    wanted = ImportIn(
        format=given.read("format", _read_format, ""),
        since=given.read("since", _read_since, nothing),
        on_error=given.read("on_error", _read_on_error, on_error),
        dry_run=given.read("dry_run", read_boolean, False),
        name=given.read("name", read_name, nothing),
        reason=given.read("reason", read_reason, nothing),
    )
    if wanted.since and wanted.format and not FORMATS[wanted.format].updated:
        detail = f"since: files of {wanted.format} do not say when each record was updated."
        given.faults.append(parameter_fault("since", detail))
    if wanted.name and wanted.format and not FORMATS[wanted.format].is_release:
        given.faults.append(parameter_fault("name", f"name: what {wanted.format} brings becomes no release."))
    given.end()
    return wanted


async def received(request: Request, incoming: Path, most: int) -> Sent:
    """Reads a request; a file that is sent goes to `incoming`."""
    raw = query_string(request)
    if not raw and request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON_TYPE:
        content = await read_content(request, MOST_BYTES)
        return Sent(_entered(content), None, content)
    wanted = _needing_format(raw)
    require_type(request, *UPLOAD_TYPES)
    with (incoming / "upload").open("wb") as file:
        digest = await receive(request, most, file)
    size = (incoming / "upload").stat().st_size
    if not size:
        raise Problem("malformed-content", "There is no content: send the file that is to be imported.")
    return Sent(wanted, Upload(bytes=size, sha256=digest), digest.encode())


def _needing_format(raw: str) -> ImportIn:
    wanted = read_upload_query(raw)
    if not wanted.format:
        detail = "format is needed: whose records the file holds; or send a query as JSON, without parameters."
        raise Problem("invalid-parameter", detail, errors=[parameter_fault("format", detail, FORMATS)])
    return wanted


def _entered(content: bytes) -> ImportIn:
    data = parse_json(content)
    try:
        wanted = ImportIn.model_validate(data)
    except ValidationError as error:
        raise _invalid(shape_faults(ImportIn, error)) from None
    faults = list(_faults(wanted))
    if faults:
        raise _invalid(faults)
    return wanted


def _faults(wanted: ImportIn) -> list[ShapeFault]:
    format = FORMATS.get(wanted.format)
    if format is None:
        detail = f"{wanted.format!r} is not one of the formats here"
        return [("/format", detail, nearest(wanted.format, FORMATS))]
    if format.live is None:
        return [("/format", f"nobody answers queries for {format.name}; send a file", _live())]
    if wanted.query is None:
        return [("/query", "this field is required, or send a file with the parameter `format`", [])]
    return []


def _live() -> list[str]:
    return [name for name, format in FORMATS.items() if format.live]


def _invalid(faults: list[ShapeFault]) -> Problem:
    errors = [{"pointer": pointer, "detail": detail, "nearest": near} for pointer, detail, near in faults]
    return Problem("invalid-record", " ".join(f"{f[0] or 'The import'}: {f[1]}." for f in faults[:3]), errors=errors)

"""Imports over HTTP: accepted onto the disk, followed, gone on with, cancelled. `import_runs` sees to their turn."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_body import read_content
from app.api.http.request_state import query_string
from app.api.middleware.authentication import require_role, who_of
from app.api.routes.edits import asked_of
from app.api.routes.import_requests import received
from app.api.routes.import_status import NO_STORE, body_of, seen
from app.api.services import Service, service_of
from app.auth.audit import Event
from app.common.problems import Problem
from app.editing.idempotency import KEPT, Asked, Given, given
from app.jobs import status as records
from app.jobs import views as seeing
from app.jobs.queue import Folder, OpenRun, new_id
from app.jobs.schemas import ImportOut, Kept, Standing
from app.jobs.views import Seen
from app.jobs.vocabulary import OVER, STOPPED
from app.query.parameters import read_no_query

MOST_WAITING = 20
SOON = 5.0
"""Seconds in which an import that is cancelled has ended, or is told as it is."""

Json = dict[str, Any]


def _response(answer: Given, **more: str) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, **NO_STORE, **more}, JSON)


def _accepted(folder: Folder, run: OpenRun) -> Given:
    return Given(202, {"location": f"/v1/imports/{run.ordered.id}"}, body_of(seeing.of_open(folder, run)))


class Answered(NamedTuple):
    answer: Given
    again: bool

    def response(self) -> Response:
        return _response(self.answer, **({"idempotent-replayed": "true"} if self.again else {}))


def _kept(asked: Asked | None, answer: Given) -> Json | None:
    if asked is None:
        return None
    said = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body.decode()}
    return {"asked": [*asked], "at": datetime.now(UTC).isoformat(), **said}


def _given_before(folder: Folder, asked: Asked | None) -> Given | None:
    """An answer that is not in the database yet; raises a `Problem` if the name is another request's."""
    if asked is None:
        return None
    for answer in (answer for id in folder.ids() for answer in folder.answers(id)):
        if datetime.fromisoformat(answer["at"]) < datetime.now(UTC) - KEPT:
            continue
        before = Asked(*answer["asked"])
        if before[:2] == asked[:2] and before.fingerprint != asked.fingerprint:
            raise Problem("idempotency-key-reused", "Another request was sent with this Idempotency-Key.")
        if before == asked:
            return Given(answer["status"], answer["headers"], answer["body"].encode())
    return None


async def _once(service: Service, asked: Asked | None, make: Callable[[Folder], Given]) -> Answered:
    """What a request brings about, once; `make` runs with the folder to itself."""
    if asked and (before := await service.reader.run(given, asked)):
        return Answered(before, again=True)
    return await asyncio.to_thread(_made_once, service.imports.folder, asked, make)


def _made_once(folder: Folder, asked: Asked | None, make: Callable[[Folder], Given]) -> Answered:
    with folder.door():
        before = _given_before(folder, asked)
        return Answered(before, again=True) if before else Answered(make(folder), again=False)


def _refuse_too_many(folder: Folder) -> None:
    if sum(run.standing.state == "queued" for run in folder.runs()) >= MOST_WAITING:
        raise Problem("conflict", f"{MOST_WAITING} imports wait already; come back when some are done.")


def _told(request: Request, service: Service, action: str, answered: Answered) -> Response:
    """What was asked for is noted a moment later: the database may be locked by an import."""
    if not answered.again:
        id = answered.answer.headers["location"].rpartition("/")[2]
        service.audit_buffer.add(Event(who_of(request.scope), action, answered.answer.status, detail=id))
        service.imports.wake()
    return answered.response()


async def answer_start(request: Request) -> Response:
    identity = require_role(request, "admin")
    service, who = service_of(request), who_of(request.scope)
    folder = service.imports.folder
    incoming = await asyncio.to_thread(folder.incoming)
    try:
        sent = await received(request, incoming, service.settings.max_import_bytes)
        asked = asked_of(request, identity, sent.content)
        kept = Kept(
            **sent.wanted.model_dump(),
            id=new_id(),
            upload=sent.upload,
            created_at=datetime.now(UTC),
            created_by=who.actor,
            address=who.address,
            request_id=who.request_id,
        )

        def accept(folder: Folder) -> Given:
            _refuse_too_many(folder)
            answer = _accepted(folder, OpenRun(kept, Standing(), settled=False))
            folder.accept(incoming, kept, _kept(asked, answer))
            return answer

        answered = await _once(service, asked, accept)
    finally:
        await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)
    return _told(request, service, "start import", answered)


async def answer_resume(request: Request) -> Response:
    identity, id = require_role(request, "admin"), request.path_params["id"]
    require_acceptable(request, JSON)
    read_no_query(query_string(request))
    await read_content(request, 0)
    service = service_of(request)
    asked = asked_of(request, identity, b"")

    def resume(folder: Folder) -> Given:
        run = folder.find(id)
        if run is None or run.standing.state not in STOPPED or not run.settled:
            raise Problem("conflict", _why_not(run.standing.state if run else found.shown.state, found))
        again = run._replace(standing=Standing(attempt=run.standing.attempt + 1), settled=False)
        folder.go_on(id, again.standing)
        answer = _accepted(folder, again)
        kept = _kept(asked, answer)
        if kept:
            folder.add_answer(id, kept)
        return answer

    found = await seen(service, id)
    answered = await _once(service, asked, resume)
    return _told(request, service, "resume import", answered)


def _why_not(state: str, found: Seen) -> str:
    if not found.is_here:
        return "Another service runs it, with a folder of its own; it is gone on with there."
    if state in STOPPED:
        return "What it needs is not kept any more; start it anew."
    return f"It is {state}; only one that failed or was interrupted is gone on with."


def _stop(folder: Folder, id: str) -> bool:
    """Says no where nothing of it is here."""
    with folder.door():
        run = folder.find(id)
        if run is None:
            return False
        if run.settled and run.standing.state in STOPPED:
            ended = {"state": "cancelled", "ended_at": datetime.now(UTC)}
            folder.put(id, run.standing.model_copy(update=ended))
        else:
            folder.cancel(id)
        return True


async def answer_cancel(request: Request) -> Response:
    require_role(request, "admin")
    require_acceptable(request, JSON)
    read_no_query(query_string(request))
    await read_content(request, 0)
    service, id = service_of(request), request.path_params["id"]
    before = (await seen(service, id)).shown
    if before.state not in OVER and not await asyncio.to_thread(_stop, service.imports.folder, id):
        await service.writer.aside(records.cancel, id)
    if before.state not in OVER:
        service.audit_buffer.add(Event(who_of(request.scope), "cancel import", detail=id))

    async def ended() -> ImportOut | None:
        now = (await seen(service, id)).shown
        return now if now.state in OVER else None

    found = await service.imports.until(ended, SOON) or (await seen(service, id)).shown
    if found.state == "done" or before.state in OVER:
        raise _too_late(found)
    return Response(body_of(found), 200 if found.state == "cancelled" else 202, NO_STORE, JSON)


def _too_late(found: ImportOut) -> Problem:
    if found.release:
        path = f"/v1/releases/{found.release}"
        fault = {"pointer": "", "detail": path, "nearest": [path]}
        return Problem("conflict", "It is done; revert its release to undo it.", errors=[fault])
    return Problem("conflict", f"It is {found.state}; there is nothing to cancel.")

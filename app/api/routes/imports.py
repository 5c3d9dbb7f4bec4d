"""Starting, resuming and cancelling imports over HTTP.

A request only changes the queue on disk (`app.jobs.queue`); the supervisor (`app.jobs.supervisor`) runs the imports.
"""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import NO_STORE
from app.api.http.negotiation import JSON
from app.api.middleware.authentication import require_role, who_of
from app.api.routes.admin_requests import begin_action
from app.api.routes.idempotency import idempotency_of, response_of
from app.api.routes.import_requests import receive_import
from app.api.routes.import_status import body_of, find_import
from app.api.services import Service, service_of
from app.auth.audit import Event
from app.common.problems import Problem, conflict
from app.editing.idempotency import KEPT, REPLAYED, Asked, Given, given, replayed
from app.jobs import status as import_rows
from app.jobs import views
from app.jobs.queue import OpenRun, QueueFolder, new_id
from app.jobs.schemas import ImportOut, KeptAnswer, RunStatus, StoredRequest
from app.jobs.views import ImportView
from app.jobs.vocabulary import OVER, STOPPED

MOST_WAITING = 20
"""The most imports that may wait to be run."""
SOON = 5.0
"""Seconds to wait for the end of a cancelled import, before the response shows it as it is then."""


def _accepted(folder: QueueFolder, run: OpenRun) -> Given:
    return Given(202, {"location": f"/v1/imports/{run.request.id}"}, body_of(views.of_open(folder, run)))


def _kept(asked: Asked | None, answer: Given) -> KeptAnswer | None:
    """Return an answer as the queue folder keeps it until the database does; None without an `Idempotency-Key`."""
    return KeptAnswer(asked=asked, at=datetime.now(UTC), **answer._asdict()) if asked else None


def _given_in(folder: QueueFolder, asked: Asked | None) -> Given | None:
    """Return the answer to the same request that the queue folder keeps, or None.

    Raise a `Problem` (422) if the `Idempotency-Key` belongs to another request.
    """
    if asked is None:
        return None
    since = datetime.now(UTC) - KEPT
    kept = (answer for id in folder.ids() for answer in folder.answers(id))
    before = next((answer for answer in kept if answer.asked[:2] == asked[:2] and answer.at >= since), None)
    if before is not None and before.asked != asked:
        raise Problem("idempotency-key-reused", "Another request was sent with this Idempotency-Key.")
    return before.given if before else None


async def _once(service: Service, asked: Asked | None, make: Callable[[QueueFolder], Given]) -> Given:
    """Return the answer to the same request from the database or the queue folder, or else make one.

    `make` runs in a thread while no other process changes the folder.
    """
    if asked and (before := await service.reader.run(given, asked)):
        return replayed(before)
    return await asyncio.to_thread(_once_in, service.jobs.folder, asked, make)


def _once_in(folder: QueueFolder, asked: Asked | None, make: Callable[[QueueFolder], Given]) -> Given:
    with folder.lock():
        before = _given_in(folder, asked)
        return replayed(before) if before else make(folder)


def _refuse_too_many(folder: QueueFolder) -> None:
    if sum(run.status.state == "queued" for run in folder.runs()) >= MOST_WAITING:
        raise Problem("conflict", f"{MOST_WAITING} imports wait already; come back when some are done.")


def _respond(request: Request, service: Service, action: str, answer: Given) -> Response:
    """Answer, and for a new request wake the supervisor and note the action in the audit.

    The audit is written by the buffer, because a running import may have the database locked.
    """
    if REPLAYED not in answer.headers:
        id = answer.headers["location"].rpartition("/")[2]
        service.audit_buffer.add(Event(who_of(request.scope), action, answer.status, detail=id))
        service.jobs.wake()
    return response_of(answer)


async def answer_start(request: Request) -> Response:
    """Answer a request that starts an import: it is added to the queue (202)."""
    identity = require_role(request, "admin")
    service, who = service_of(request), who_of(request.scope)
    folder = service.jobs.folder
    incoming = await asyncio.to_thread(folder.incoming)
    try:
        received = await receive_import(request, incoming, service.settings.max_import_bytes)
        asked = idempotency_of(request, identity, received.content)
        stored = StoredRequest(
            **received.wanted.model_dump(),
            id=new_id(),
            upload=received.upload,
            created_at=datetime.now(UTC),
            created_by=who.actor,
            address=who.address,
            request_id=who.request_id,
        )

        def accept(folder: QueueFolder) -> Given:
            _refuse_too_many(folder)
            answer = _accepted(folder, OpenRun(stored, RunStatus(), settled=False))
            folder.accept(incoming, stored, _kept(asked, answer))
            return answer

        answer = await _once(service, asked, accept)
    finally:
        await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)
    return _respond(request, service, "start import", answer)


async def answer_resume(request: Request) -> Response:
    """Answer a request that resumes an import which failed or was interrupted: it waits again (202)."""
    identity, id = await begin_action(request), request.path_params["id"]
    service = service_of(request)
    asked = idempotency_of(request, identity, b"")

    def resume(folder: QueueFolder) -> Given:
        run = folder.find(id)
        if run is None or run.status.state not in STOPPED or not run.settled:
            raise Problem("conflict", _why_not(run.status.state if run else found.shown.state, found))
        again = run._replace(status=RunStatus(attempt=run.status.attempt + 1), settled=False)
        folder.requeue(id, again.status)
        answer = _accepted(folder, again)
        kept = _kept(asked, answer)
        if kept:
            folder.add_answer(id, kept)
        return answer

    found = await find_import(service, id)
    return _respond(request, service, "resume import", await _once(service, asked, resume))


def _why_not(state: str, found: ImportView) -> str:
    if not found.is_local:
        return "Another service runs it, with a folder of its own; it is gone on with there."
    if state in STOPPED:
        return "What it needs is not kept any more; start it anew."
    return f"It is {state}; only one that failed or was interrupted is gone on with."


def _cancel_in(folder: QueueFolder, id: str) -> bool:
    """Cancel an import of the queue folder; return False if it is not there."""
    with folder.lock():
        run = folder.find(id)
        if run is None:
            return False
        if run.settled and run.status.state in STOPPED:
            changes = {"state": "cancelled", "ended_at": datetime.now(UTC)}
            folder.put(id, run.status.model_copy(update=changes))
        else:
            folder.cancel(id)
        return True


async def answer_cancel(request: Request) -> Response:
    """Answer a request that cancels an import: with a 200 if it has ended soon, else with a 202."""
    await begin_action(request)
    service, id = service_of(request), request.path_params["id"]
    before = (await find_import(service, id)).shown
    if before.state not in OVER and not await asyncio.to_thread(_cancel_in, service.jobs.folder, id):
        await service.writer.aside(import_rows.cancel, id)
    if before.state not in OVER:
        service.audit_buffer.add(Event(who_of(request.scope), "cancel import", detail=id))

    async def ended() -> ImportOut | None:
        now = (await find_import(service, id)).shown
        return now if now.state in OVER else None

    found = await service.jobs.until(ended, SOON) or (await find_import(service, id)).shown
    if found.state == "done" or before.state in OVER:
        raise _too_late(found)
    return Response(body_of(found), 200 if found.state == "cancelled" else 202, NO_STORE, JSON)


def _too_late(found: ImportOut) -> Problem:
    if found.release:
        return conflict("It is done; revert its release to undo it.", f"/v1/releases/{found.release}")
    return conflict(f"It is {found.state}; there is nothing to cancel.")

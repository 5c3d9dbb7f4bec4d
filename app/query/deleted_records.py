"""Deleted records: their ids are never reused and their history stays readable, so the answer is 410 and not 404."""

from sqlalchemy import Connection, select

from app.common.problems import Fault, Problem
from app.records.resource import Resource
from app.store.documents import Document


def gone_problem(resource: Resource, id: str, version: int) -> Problem:
    """The 410 for a deleted record; `version` is its tombstone, so the version before is its last document."""
    last = f"{resource.path}/{id}/versions/{version - 1}"
    detail = f"The {resource.singular} {id!r} was deleted; {last} is what it was before."
    return Problem(
        "gone",
        detail,
        errors=[Fault(detail, nearest=(last,))],
        headers={"link": f'<{last}>; rel="predecessor-version"'},
    )


def raise_if_deleted(connection: Connection, resource: Resource, id: str) -> None:
    """Raise the 410 if a record that does not exist now was deleted."""
    tombstones = select(Document.version).where(Document.type == resource.type, Document.id == id)
    query = tombstones.where(Document.change == "deleted").order_by(Document.version.desc()).limit(1)
    version = connection.scalars(query).first()
    if version is not None:
        raise gone_problem(resource, id, version)

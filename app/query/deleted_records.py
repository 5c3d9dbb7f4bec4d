"""Deleted records: their ids stay taken and their history stays readable; they are gone, and not just unknown."""

from sqlalchemy import Connection, select

from app.common.problems import Problem
from app.records.resource import Resource
from app.store.documents import Document


def gone_problem(resource: Resource, id: str, version: int) -> Problem:
    """Of a record whose tombstone is this version."""
    last = f"{resource.path}/{id}/versions/{version - 1}"
    detail = f"The {resource.singular} {id!r} was deleted; {last} is what it was before."
    fault = {"pointer": "", "detail": detail, "nearest": [last]}
    return Problem("gone", detail, errors=[fault], headers={"link": f'<{last}>; rel="predecessor-version"'})


def raise_if_deleted(connection: Connection, resource: Resource, id: str) -> None:
    """For what is not there: whether it was, once."""
    tombstones = select(Document.version).where(Document.type == resource.type, Document.id == id)
    query = tombstones.where(Document.change == "deleted").order_by(Document.version.desc()).limit(1)
    version = connection.scalars(query).first()
    if version is not None:
        raise gone_problem(resource, id, version)

"""Computes the keys of names anew: identifiers are found by their canonical form, titles by their search form.

Only `names.key` changes, and for title keys `names.name`, which is the key itself. Documents, versions and the change
feed stay. The way back computes the title keys of the version before; a key of an identifier that was written in
another than its canonical form stays canonical.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.records.base_models import fold
from app.records.publications.title_key import title_key

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: None = None
depends_on: None = None

SOME = 500
NAMES = sa.table(
    "names",
    *(sa.column(name) for name in ("record_type", "record_id", "position", "kind", "name", "key", "exclusive")),
)
PUBLICATIONS = sa.table("publications", *(sa.column(name) for name in ("id", "title", "year", "title_kind")))
KEY = (NAMES.c.record_type, NAMES.c.record_id, NAMES.c.position)
IDENTIFIERS = ("pmid", "doi", "pmcid", "registry-id")

_MARKUP = re.compile(r"</?[a-z]{1,6}>", re.IGNORECASE)
_NOT_PART = re.compile(r"\(author.?s transl\)\s*\]?\.?\s*$", re.IGNORECASE)


def upgrade() -> None:
    _rekey_identifiers()
    _rekey_titles(title_key)


def downgrade() -> None:
    _rekey_titles(_title_key_before)


def _title_key_before(title: str | None, year: int | None) -> str | None:
    """The title key of the version before, kept as it was."""
    if not title:
        return None
    plain = unicodedata.normalize("NFKC", _NOT_PART.sub("", _MARKUP.sub("", title))).casefold()
    letters = "".join(filter(str.isalnum, unicodedata.normalize("NFC", plain)))
    return f"{letters[:300]} {year}" if year is not None and len(letters) >= 20 else None


def _rekey_identifiers() -> None:
    query = sa.select(*KEY, NAMES.c.name, NAMES.c.key).where(NAMES.c.kind.in_(IDENTIFIERS))
    rows = op.get_bind().execute(query).all()
    _set_keys([(row, fold(row.record_type, row.name), row.name) for row in rows])


def _set_keys(keys: Sequence[tuple[Any, str, str]]) -> None:
    """Store `(row, key, name)` where the key changes and no other record of the type has it for itself."""
    changed = [(row, key, name) for row, key, name in keys if key != row.key]
    this = [column == sa.bindparam(f"its_{column.name}") for column in KEY]
    change = NAMES.update().where(*this).values(key=sa.bindparam("new_key"), name=sa.bindparam("new_name"))
    connection = op.get_bind()
    for row, key, name in changed:
        taken = sa.select(NAMES.c.key).where(
            NAMES.c.record_type == row.record_type, NAMES.c.key == key, NAMES.c.exclusive
        )
        if connection.execute(taken.limit(1)).first() is None:
            its = {"its_record_type": row.record_type, "its_record_id": row.record_id, "its_position": row.position}
            connection.execute(change, its | {"new_key": key, "new_name": name})


def _title_rows(made: Callable[[str | None, int | None], str | None]) -> Iterator[dict[str, Any]]:
    """The names that publications have for their titles, each after the publication's other names."""
    last = sa.select(sa.func.max(NAMES.c.position)).where(
        NAMES.c.record_type == "publications", NAMES.c.record_id == PUBLICATIONS.c.id
    )
    printed = sa.or_(PUBLICATIONS.c.title_kind.is_(None), PUBLICATIONS.c.title_kind == "printed")
    columns = (PUBLICATIONS.c.id, PUBLICATIONS.c.title, PUBLICATIONS.c.year, last.scalar_subquery().label("last"))
    for row in op.get_bind().execute(sa.select(*columns).where(printed)).all():
        if key := made(row.title, row.year):
            owner = {
                "record_type": "publications",
                "record_id": row.id,
                "position": 0 if row.last is None else row.last + 1,
            }
            yield {**owner, "kind": "title-key", "name": key, "key": fold("publications", key), "exclusive": False}


def _rekey_titles(made: Callable[[str | None, int | None], str | None]) -> None:
    op.execute(NAMES.delete().where(NAMES.c.kind == "title-key"))
    rows = list(_title_rows(made))
    for start in range(0, len(rows), SOME):
        op.bulk_insert(NAMES, rows[start : start + SOME])

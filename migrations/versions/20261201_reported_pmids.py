"""Adds `reported_pmids` to studies: the PubMed ids of reports that their registry names.

They are names of a study in the table of names, so that only documents change: each gets the field, empty, in all
versions, without a new version or an entry in the feed. The way back takes the field out of documents and entries, and
the names with it.
"""

import re
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op
from zstandard import ZstdCompressor, ZstdDecompressor

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: None = None
depends_on: None = None

NAMES = sa.table("names", sa.column("kind"))
DOCUMENTS = sa.table("documents", *map(sa.column, ("type", "id", "version", "etag", "body", "entered")))
KEY = (DOCUMENTS.c.type, DOCUMENTS.c.id, DOCUMENTS.c.version)
CHANGED = ("etag", "body", "entered")
BEHIND, EMPTY = b',"comparators":', b',"reported_pmids":[]'
"""The field stands before this one. Quotes within JSON strings are escaped, so the first of these bytes is the name."""
FIELD = re.compile(rb',"reported_pmids":\[[^\]]*\]')
ZSTD = b"\x28\xb5\x2f\xfd"


def upgrade() -> None:
    _rewrite(lambda body, entered: (body.replace(BEHIND, EMPTY + BEHIND, 1), entered))


def downgrade() -> None:
    op.execute(NAMES.delete().where(NAMES.c.kind == "reported-pmid"))
    _rewrite(lambda body, entered: (FIELD.sub(b"", body, count=1), _without_field(entered)))


def _without_field(entered: bytes | None) -> bytes | None:
    if entered is None:
        return None
    packed = entered.startswith(ZSTD)
    plain = ZstdDecompressor().decompress(entered) if packed else entered
    left = FIELD.sub(b"", plain, count=1)
    if left == plain:
        return entered
    return ZstdCompressor().compress(left) if packed else left


def _rewrite(change: Any) -> None:
    """Replace the documents of studies, one at a time: there may be more than memory holds."""
    this = [column == sa.bindparam(f"its_{column.name}") for column in KEY]
    read = sa.select(*(DOCUMENTS.c[name] for name in CHANGED)).where(*this)
    write = DOCUMENTS.update().where(*this).values({name: sa.bindparam(f"new_{name}") for name in CHANGED})
    connection = op.get_bind()
    for key in connection.execute(sa.select(*KEY).where(DOCUMENTS.c.type == "studies")).all():
        its = {f"its_{name}": value for name, value in key._mapping.items()}
        row = connection.execute(read, its).one()
        body, entered = change(bytes(row.body), None if row.entered is None else bytes(row.entered))
        if body != bytes(row.body):
            etag = blake2b(body, digest_size=12).hexdigest()
            connection.execute(write, {**its, "new_etag": etag, "new_body": body, "new_entered": entered})

"""The PMID or DOI in the address of a source as a column, so that an index finds who cites a publication."""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: None = None
depends_on: None = None

PLACES = ("pubmed.ncbi.nlm.nih.gov/", "www.ncbi.nlm.nih.gov/pubmed/", "doi.org/", "dx.doi.org/", "www.doi.org/")
NAME = "ix_sources_identifier"
COMMENT = "Derived: PMID or DOI of the publication that it is"


def upgrade() -> None:
    text = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.add_column("sources", sa.Column("identifier", text, nullable=True, comment=COMMENT))
    sources = sa.table("sources", sa.column("url"), sa.column("kind"), sa.column("identifier"))
    address = sa.func.replace(sa.func.replace(sa.func.lower(sources.c.url), "%2f", "/"), "?dopt=abstract", "")
    starts = [f"{scheme}://{place}" for scheme in ("https", "http") for place in PLACES]
    rest = [
        (address.startswith(start, autoescape=True), sa.func.rtrim(sa.func.substr(address, len(start) + 1), "/"))
        for start in starts
    ]
    found = sa.func.nullif(sa.case(*rest, else_=None), "")
    is_one = sources.c.kind.in_(("article", "bibliographic-record"))
    op.execute(sources.update().where(is_one).values(identifier=found))
    there = sa.text("identifier IS NOT NULL")
    op.create_index(NAME, "sources", ["identifier"], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    op.drop_index(NAME, table_name="sources")
    op.drop_column("sources", "identifier")

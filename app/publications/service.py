"""Publications in and out of their tables."""

from collections.abc import Iterator

from app.publications.models import Author, Publication, PublicationType
from app.publications.rules import RULES
from app.publications.schemas import Citation, PublicationFilter, PublicationIn, PublicationOut, ReportedStudy
from app.record_targets import cited_targets
from app.resources import Found, Linked, Name, Part, Resource, Row, Rows, columns, links, pick
from app.studies.models import StudyPublication


def rows(publication: PublicationIn) -> Rows:
    owner = {"publication_id": publication.id}
    return {
        "publications": [columns(Publication, publication)],
        "publication_authors": links(owner, "name", publication.authors),
        "publication_types": links(owner, "name", publication.publication_types),
    }


def names(publication: PublicationIn) -> Iterator[Name]:
    if publication.pmid:
        yield "pmid", publication.pmid
    if publication.doi:
        yield "doi", publication.doi


def render(rows: Rows, found: Found) -> Row:
    studies = sorted(row["study_id"] for row in rows["study_publications"])
    return {
        **rows["publications"][0],
        "studies": [pick(ReportedStudy, found["studies"][id]) for id in studies],
        "authors": [row["name"] for row in rows["publication_authors"]],
        "publication_types": [row["name"] for row in rows["publication_types"]],
    }


def embed(rows: Rows) -> Row:
    authors = [row["name"] for row in rows["publication_authors"]]
    return pick(Citation, rows["publications"][0]) | {"authors": authors}


PUBLICATIONS = Resource(
    type="publications",
    singular="publication",
    entered=PublicationIn,
    out=PublicationOut,
    filter=PublicationFilter,
    rules=RULES,
    main=Part(Publication, "id"),
    parts=(Part(Author, "publication_id"), Part(PublicationType, "publication_id")),
    views=(Part(StudyPublication, "publication_id"),),
    rows=rows,
    names=names,
    render=render,
    embed=embed,
    embed_parts=(Part(Author, "publication_id"),),
    filters={
        **cited_targets("publications"),
        "scope": Publication.scope,
        "pmid": Publication.pmid,
        "doi": Publication.doi,
        "title": Publication.title,
        "title_kind": Publication.title_kind,
        "journal": Publication.journal,
        "year": Publication.year,
        "author": Linked(Author.name, Author.publication_id),
        "publication_type": Linked(PublicationType.name, PublicationType.publication_id),
        "abstract": Publication.abstract,
        "retraction_state": Publication.retraction_state,
        "study": Linked(StudyPublication.study_id, StudyPublication.publication_id),
    },
    sorts={
        "id": Publication.id,
        "year": Publication.year,
        "title": Publication.title,
        "journal": Publication.journal,
        "pmid": Publication.pmid,
        "doi": Publication.doi,
    },
    includes={"studies": "studies"},
    example="pmid-20647170",
)

"""The declaration of the record type `publications`: its tables, names, filters, sort keys and texts for search."""

from collections.abc import Iterator

from app.records.base_filters import cited_filters, name_target
from app.records.filter_declarations import coded, identifier, number, reference, text, when, word
from app.records.link_tables import Linked, Part
from app.records.publications.models import Author, Publication, PublicationLanguage, PublicationMesh, PublicationType
from app.records.publications.rules import RULES
from app.records.publications.schemas import (
    LANGUAGE,
    Citation,
    MeshHeading,
    PublicationIn,
    PublicationOut,
    ReportedStudy,
)
from app.records.publications.title_key import title_key
from app.records.resource import EmbeddedRecords, Name, Resource, Row, Rows, part_rows, pick, row_of
from app.records.studies.models import StudyPublication

LANGUAGES = Linked(PublicationLanguage.code, PublicationLanguage.publication_id)
AUTHORS = Linked(Author.name, Author.publication_id)
TYPES = Linked(PublicationType.name, PublicationType.publication_id)


def _mesh_row(heading: MeshHeading) -> Row:
    return row_of(PublicationMesh, heading, mesh_id=heading.id)


def _columns(publication: PublicationIn) -> Row:
    return {"notices": [notice.model_dump() for notice in publication.notices]}


def _mesh_rows(publication: PublicationIn) -> Rows:
    return {"publication_mesh": part_rows({"publication_id": publication.id}, map(_mesh_row, publication.mesh))}


def _title_key(publication: PublicationIn) -> Iterator[Name]:
    key = title_key(publication.title, publication.year) if publication.title_kind in (None, "printed") else None
    if key:
        yield "title-key", key


def _mesh(row: Row) -> Row:
    return pick(MeshHeading, row | {"id": row["mesh_id"]})


def _fields(rows: Rows, found: EmbeddedRecords) -> Row:
    studies = sorted(row["study_id"] for row in rows["study_publications"])
    return {
        "studies": [pick(ReportedStudy, found["studies"][id]) for id in studies],
        "mesh": [_mesh(row) for row in rows["publication_mesh"]],
    }


def _embed(rows: Rows) -> Row:
    authors = [row["name"] for row in rows["publication_authors"]]
    return pick(Citation, rows["publications"][0]) | {"authors": authors}


PUBLICATIONS = Resource(
    type="publications",
    singular="publication",
    entered=PublicationIn,
    out=PublicationOut,
    rules=RULES,
    main=Part(Publication, "id"),
    lists={"languages": LANGUAGES, "authors": AUTHORS, "publication_types": TYPES},
    named_by={"pmid": "pmid", "doi": "doi", "pmcid": "pmcid", "registry_ids": "registry-id"},
    own_parts=(Part(PublicationMesh, "publication_id"),),
    views=(Part(StudyPublication, "publication_id"),),
    more_columns=_columns,
    more_rows=_mesh_rows,
    more_names=_title_key,
    more_fields=_fields,
    embed=_embed,
    embed_parts=(AUTHORS.part,),
    filters={
        **cited_filters("publications"),
        "scope": word(Publication.scope, "One publication or a body of them."),
        "pmid": identifier(Publication.pmid, "pmid", "20647170"),
        "doi": identifier(Publication.doi, "doi", "10.1177/0333102410364676", "DOI."),
        "pmcid": identifier(Publication.pmcid, "pmcid", "PMC5799088"),
        "registry_id": identifier(
            name_target("publications", "registry-id"),
            "registration",
            "NCT00156910",
            "Registration of a trial it reports.",
            path="registry_ids",
        ),
        "title": text(Publication.title, "missing", "Exact title."),
        "title_kind": word(Publication.title_kind, "What the title is."),
        "journal": text(Publication.journal, "Cephalalgia", "Journal as written."),
        "journal_abbreviation": text(Publication.journal_abbreviation, "Cephalalgia", "Journal as abbreviated."),
        "issn": identifier(Publication.issn, "issn", "0333-1024", "The journal's ISSN."),
        "language": coded(LANGUAGES, LANGUAGE, "eng", "Language of its text, ISO 639-2.", path="languages"),
        "year": number(Publication.year, "2005..2015"),
        "date": when(Publication.date, "2010-07..", "When its issue was published."),
        "epub_date": when(Publication.epub_date, "2010-03.."),
        "author": text(AUTHORS, "Aurora SK", "Author as `Surname Initials`.", path="authors"),
        "publication_type": text(TYPES, "Review", "NLM publication type.", path="publication_types"),
        "mesh_id": identifier(
            Linked(PublicationMesh.mesh_id, PublicationMesh.publication_id),
            "mesh",
            "D008881",
            "MeSH descriptor of a heading.",
            path="mesh.id",
        ),
        "mesh_heading": text(
            Linked(PublicationMesh.heading, PublicationMesh.publication_id),
            "Migraine Disorders",
            "MeSH heading.",
            path="mesh.heading",
        ),
        "abstract": text(Publication.abstract, "present", "`present` or `missing`."),
        "retraction_state": word(Publication.retraction_state, "Retraction state."),
        "study": reference(
            Linked(StudyPublication.study_id, StudyPublication.publication_id),
            "preempt-1",
            "Study it reports.",
            path="studies.id",
        ),
    },
    sorted_by=("year", "date", "epub_date", "title", "journal", "pmid", "doi"),
    texts={
        "title": ("title",),
        "name": ("pmid", "doi", "pmcid", "registry_ids", "studies.acronym"),
        "vernacular": ("vernacular_title",),
        "author": ("authors",),
        "journal": ("journal", "journal_abbreviation"),
        "mesh": ("mesh.heading", "keywords"),
        "abstract": ("abstract", "summary"),
        "note": ("note",),
    },
    example="pmid-20647170",
)

"""The declaration of the record type `publications`: its rows, names and rendering, filters and sort keys."""

from collections.abc import Iterator

from app.records.base_targets import cited_targets, name_target
from app.records.publications.models import Author, Publication, PublicationLanguage, PublicationMesh, PublicationType
from app.records.publications.rules import RULES
from app.records.publications.schemas import (
    Citation,
    MeshHeading,
    PublicationFilter,
    PublicationIn,
    PublicationOut,
    ReportedStudy,
)
from app.records.publications.title_key import title_key
from app.records.resource import (
    EmbeddedRecords,
    Linked,
    Name,
    Part,
    Resource,
    Row,
    Rows,
    links,
    names_of_kind,
    part_rows,
    pick,
    row_of,
)
from app.records.studies.models import StudyPublication


def _mesh_row(heading: MeshHeading) -> Row:
    return row_of(PublicationMesh, heading, mesh_id=heading.id)


def _rows(publication: PublicationIn) -> Rows:
    owner = {"publication_id": publication.id}
    notices = [notice.model_dump() for notice in publication.notices]
    return {
        "publications": [row_of(Publication, publication, notices=notices)],
        "publication_languages": links(owner, "code", publication.languages),
        "publication_mesh": part_rows(owner, map(_mesh_row, publication.mesh)),
        "publication_authors": links(owner, "name", publication.authors),
        "publication_types": links(owner, "name", publication.publication_types),
    }


def _names(publication: PublicationIn) -> Iterator[Name]:
    if publication.pmid:
        yield "pmid", publication.pmid
    if publication.doi:
        yield "doi", publication.doi
    if publication.pmcid:
        yield "pmcid", publication.pmcid
    yield from (("registry-id", registry_id) for registry_id in publication.registry_ids)
    key = title_key(publication.title, publication.year) if publication.title_kind in (None, "printed") else None
    if key:
        yield "title-key", key


def _mesh(row: Row) -> Row:
    return pick(MeshHeading, row | {"id": row["mesh_id"]})


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    studies = sorted(row["study_id"] for row in rows["study_publications"])
    return {
        **rows["publications"][0],
        "studies": [pick(ReportedStudy, found["studies"][id]) for id in studies],
        "registry_ids": names_of_kind(rows, "registry-id"),
        "languages": [row["code"] for row in rows["publication_languages"]],
        "mesh": [_mesh(row) for row in rows["publication_mesh"]],
        "authors": [row["name"] for row in rows["publication_authors"]],
        "publication_types": [row["name"] for row in rows["publication_types"]],
    }


def _embed(rows: Rows) -> Row:
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
    parts=(
        Part(Author, "publication_id"),
        Part(PublicationType, "publication_id"),
        Part(PublicationLanguage, "publication_id"),
        Part(PublicationMesh, "publication_id"),
    ),
    views=(Part(StudyPublication, "publication_id"),),
    rows=_rows,
    names=_names,
    render=_render,
    embed=_embed,
    embed_parts=(Part(Author, "publication_id"),),
    filters={
        **cited_targets("publications"),
        "scope": Publication.scope,
        "pmid": Publication.pmid,
        "doi": Publication.doi,
        "pmcid": Publication.pmcid,
        "registry_id": name_target("publications", "registry-id"),
        "title": Publication.title,
        "title_kind": Publication.title_kind,
        "journal": Publication.journal,
        "journal_abbreviation": Publication.journal_abbreviation,
        "issn": Publication.issn,
        "language": Linked(PublicationLanguage.code, PublicationLanguage.publication_id),
        "year": Publication.year,
        "date": Publication.date,
        "epub_date": Publication.epub_date,
        "author": Linked(Author.name, Author.publication_id),
        "publication_type": Linked(PublicationType.name, PublicationType.publication_id),
        "mesh_id": Linked(PublicationMesh.mesh_id, PublicationMesh.publication_id),
        "mesh_heading": Linked(PublicationMesh.heading, PublicationMesh.publication_id),
        "abstract": Publication.abstract,
        "retraction_state": Publication.retraction_state,
        "study": Linked(StudyPublication.study_id, StudyPublication.publication_id),
    },
    sorts={
        "id": Publication.id,
        "year": Publication.year,
        "date": Publication.date,
        "epub_date": Publication.epub_date,
        "title": Publication.title,
        "journal": Publication.journal,
        "pmid": Publication.pmid,
        "doi": Publication.doi,
    },
    includes={"studies": "studies"},
    example="pmid-20647170",
)

"""Domain rules of publications."""

from collections.abc import Iterator
from datetime import UTC, datetime

from app.common.problems import Fault
from app.records.publications.schemas import PublicationIn
from app.records.rules import Rule, unique


def _is_identifiable(publication: PublicationIn) -> Iterator[Fault]:
    if not (publication.title or publication.pmid or publication.doi):
        yield Fault("a publication needs a title, a pmid or a doi", "/title")


def _body_has_no_bibliography(publication: PublicationIn) -> Iterator[Fault]:
    if publication.scope == "body-of-literature":
        for field in ("pmid", "doi", "pmcid", "journal", "year", "date", "epub_date", "volume", "issue", "pages"):
            if getattr(publication, field) is not None:
                yield Fault(f"a body of literature has no {field}: it is no single publication", f"/{field}")


def _authors_are_named(publication: PublicationIn) -> Iterator[Fault]:
    for index, author in enumerate(publication.authors):
        if author.rstrip(".").casefold() == "et al":
            yield Fault("et al. is no author; say authors_complete: false", f"/authors/{index}")


def _collectives_are_authors(publication: PublicationIn) -> Iterator[Fault]:
    authors = set(publication.authors)
    for index, name in enumerate(publication.collective_authors):
        if name not in authors:
            yield Fault(f"{name!r} is not among the authors, where it has its place", f"/collective_authors/{index}")


def _year_matches_date(publication: PublicationIn) -> Iterator[Fault]:
    day, year = publication.date, publication.year
    if day is not None and year is not None and int(day[:4]) != year:
        yield Fault(f"{day} is not in the year {year}", "/date")


def latest_year() -> int:
    """Return the latest year that a publication may have: journals date issues ahead, but by no more than a year."""
    return datetime.now(UTC).year + 1


def _year_is_not_in_the_future(publication: PublicationIn) -> Iterator[Fault]:
    if publication.year is not None and publication.year > latest_year():
        yield Fault(f"{publication.year} is in the future; the latest year is {latest_year()}", "/year")


def _registrations_are_unique(publication: PublicationIn) -> Iterator[Fault]:
    yield from unique("/registry_ids", publication.registry_ids, "the registration")


RULES: tuple[Rule[PublicationIn], ...] = (
    _is_identifiable,
    _body_has_no_bibliography,
    _authors_are_named,
    _collectives_are_authors,
    _year_matches_date,
    _year_is_not_in_the_future,
    _registrations_are_unique,
)

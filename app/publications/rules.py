"""Domain rules of publications."""

from collections.abc import Iterator

from app.publications.schemas import PublicationIn
from app.rules import Fault, Rule


def _can_be_told_apart(publication: PublicationIn) -> Iterator[Fault]:
    if not (publication.title or publication.pmid or publication.doi):
        yield "/title", "a publication needs a title, a pmid or a doi"


def _a_body_is_no_publication(publication: PublicationIn) -> Iterator[Fault]:
    if publication.scope == "body-of-literature":
        for field in ("pmid", "doi", "journal", "year", "volume", "issue", "pages"):
            if getattr(publication, field) is not None:
                yield f"/{field}", f"a body of literature has no {field}: it is no single publication"


def _et_al_is_no_author(publication: PublicationIn) -> Iterator[Fault]:
    for index, author in enumerate(publication.authors):
        if author.rstrip(".").casefold() == "et al":
            yield f"/authors/{index}", "et al. is no author; say authors_complete: false"


RULES: tuple[Rule[PublicationIn], ...] = (_can_be_told_apart, _a_body_is_no_publication, _et_al_is_no_author)

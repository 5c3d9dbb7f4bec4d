"""Maps the XML of a book or a chapter to a publication: NCBI Bookshelf, StatPearls, GeneReviews."""

from lxml.etree import _Element

from app.common.identifiers import pmcid
from app.imports.formats.pubmed.articles import add_abstract, add_keywords, add_pages, add_types, ids, issue_date
from app.imports.formats.pubmed.elements import Parts, each, parts, text, texts
from app.imports.formats.pubmed.people import add_author_list
from app.imports.formats.pubmed.records import add_dates, add_doi, add_languages, add_notices, add_title
from app.imports.readers.record_builder import PROSE, Entry


def _add_container(entry: Entry, book: Parts) -> None:
    """Adds the book of a chapter as a note, because it is not a journal."""
    publisher = texts(parts(book.get("Publisher")), "PublisherName", "PublisherLocation")
    name = text(book.get("BookTitle"))
    entry.line("note", f"In: {name}. {publisher}.".replace(". .", "."), PROSE)


def _authors(document: _Element, book: Parts) -> _Element | None:
    """The list of authors, which is never the list of a book's editors."""
    lists = [*document.iterchildren("AuthorList"), *([book["AuthorList"]] if "AuthorList" in book else [])]
    return next((some for some in lists if some.get("Type") != "editors"), None)


def add_document(entry: Entry, document: _Element, data: _Element | None, store_abstracts: bool) -> None:
    """Sets all fields from BookDocument and PubmedBookData."""
    found = parts(document)
    book = parts(found.get("Book"))
    chapter = text(found.get("ArticleTitle"))
    if chapter:
        _add_container(entry, book)
    add_title(entry, chapter or text(book.get("BookTitle")), text(found.get("VernacularTitle")))
    written = issue_date(found.get("ContributionDate")) if chapter else ""
    add_dates(entry, written or issue_date(book.get("PubDate")))
    entry.line("volume", text(book.get("Volume")))
    add_pages(entry, found.get("Pagination"))
    add_languages(entry, map(text, document.iterchildren("Language")))
    add_author_list(entry, _authors(document, book))
    add_types(entry, list(each(document, "PublicationType")))
    add_abstract(entry, found.get("Abstract"), store_abstracts)
    add_keywords(entry, document)
    own = ids(found.get("ArticleIdList")) | ids(parts(data).get("ArticleIdList"))
    add_doi(entry, [own["doi"]] if own.get("doi") else [])
    entry.identifier("pmcid", own.get("pmc", ""), pmcid)
    add_notices(entry, [])

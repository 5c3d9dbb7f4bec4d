"""Maps the XML of a journal article to a publication."""

from collections.abc import Iterator

from lxml.etree import _Element

from app.common.identifiers import issn, mesh, pmcid
from app.common.text import plain
from app.imports.candidates import Json
from app.imports.formats.pubmed.elements import Parts, each, parts, text, texts
from app.imports.formats.pubmed.notices import OF_XML
from app.imports.formats.pubmed.people import add_author_list
from app.imports.formats.pubmed.records import (
    MOST_KEYWORDS,
    MOST_MESH,
    MOST_TYPES,
    add_dates,
    add_doi,
    add_languages,
    add_notices,
    add_title,
    notice,
)
from app.imports.formats.pubmed.registrations import add_registrations
from app.imports.readers.record_builder import NAME, Entry, cut


def _add_journal(entry: Entry, journal: Parts, more: Parts) -> None:
    entry.line("journal", text(journal.get("Title")) or text(more.get("MedlineTA")))
    entry.line("journal_abbreviation", text(more.get("MedlineTA")) or text(journal.get("ISOAbbreviation")))
    entry.identifier("issn", text(more.get("ISSNLinking")) or text(journal.get("ISSN")), issn)
    issue = parts(journal.get("JournalIssue"))
    entry.line("volume", text(issue.get("Volume")))
    entry.line("issue", text(issue.get("Issue")))
    add_dates(entry, issue_date(issue.get("PubDate")))


def issue_date(printed: _Element | None) -> str:
    """The parts of a date in one line, as MEDLINE prints them."""
    return texts(parts(printed), "Year", "Month", "Day", "Season", "MedlineDate")


def add_pages(entry: Entry, pagination: _Element | None) -> None:
    """Sets the pages as MEDLINE prints them, or else from the first to the last page."""
    found = parts(pagination)
    ends = filter(None, (text(found.get("StartPage")), text(found.get("EndPage"))))
    entry.line("pages", text(found.get("MedlinePgn")) or "-".join(ends))


def _add_epub_date(entry: Entry, printed: _Element | None) -> None:
    if printed is not None:
        issue = Entry()
        add_dates(issue, issue_date(printed))
        entry.put("epub_date", issue.data.get("date"))


def _section(section: _Element) -> str:
    label = plain(section.get("Label") or "")
    prose = text(section)
    return f"{label}: {prose}" if label and prose else prose


def add_abstract(entry: Entry, abstract: _Element | None, store: bool) -> None:
    """Sets the labels of the sections; the text and its copyright are set only if `store` is true."""
    if abstract is None:
        return
    labels = [section.get("Label") or "" for section in each(abstract, "AbstractText")]
    entry.lines("abstract_sections", [label for label in labels if label != "UNLABELLED"], 100)
    if store:
        sections = [*map(_section, each(abstract, "AbstractText")), text(abstract.find("CopyrightInformation"))]
        entry.prose("abstract", "\n\n".join(filter(None, sections)))


def _heading(heading: _Element) -> Json | None:
    terms = [term for term in heading if isinstance(term.tag, str)]
    if not terms or not text(terms[0]):
        return None
    id = mesh(terms[0].get("UI") or "")
    return {
        **({"id": id} if id else {}),
        "heading": cut(text(terms[0]), NAME),
        "major": any(term.get("MajorTopicYN") == "Y" for term in terms),
        "qualifiers": [cut(text(term), NAME) for term in terms[1:101] if text(term)],
    }


def _notices(corrections: _Element | None) -> Iterator[Json]:
    for correction in each(corrections, "CommentsCorrections"):
        kind = OF_XML.get(correction.get("RefType") or "")
        if kind:
            found = parts(correction)
            yield notice(kind, text(found.get("PMID")), text(found.get("RefSource")))


def _accessions(banks: _Element | None) -> Iterator[tuple[str, str]]:
    for bank in each(banks, "DataBank"):
        found = parts(bank)
        for number in each(found.get("AccessionNumberList"), "AccessionNumber"):
            yield text(found.get("DataBankName")), text(number)


def ids(list_: _Element | None) -> dict[str, str]:
    """The ids of the record itself in other systems, by their type."""
    return {id.get("IdType") or "": text(id) for id in each(list_, "ArticleId")}


def add_types(entry: Entry, types: list[_Element]) -> None:
    """Sets the publication types."""
    entry.lines("publication_types", [text(type) for type in types], MOST_TYPES)


def add_keywords(entry: Entry, record: _Element) -> None:
    """Sets the keywords of all lists."""
    lists = record.iterchildren("KeywordList")
    words = [text(word).rstrip(".") for some in lists for word in each(some, "Keyword")]
    entry.lines("keywords", words, MOST_KEYWORDS)


def _add_article(entry: Entry, article: _Element, store_abstracts: bool) -> Parts:
    found = parts(article)
    add_title(entry, text(found.get("ArticleTitle")), text(found.get("VernacularTitle")))
    add_languages(entry, map(text, article.iterchildren("Language")))
    add_pages(entry, found.get("Pagination"))
    add_author_list(entry, found.get("AuthorList"))
    add_registrations(entry, _accessions(found.get("DataBankList")))
    add_abstract(entry, found.get("Abstract"), store_abstracts)
    add_types(entry, list(each(found.get("PublicationTypeList"), "PublicationType")))
    _add_epub_date(entry, found.get("ArticleDate"))
    return found


def add_citation(entry: Entry, citation: _Element, data: _Element | None, store_abstracts: bool) -> list[Json]:
    """Sets all fields from MedlineCitation and PubmedData; returns the notices."""
    found = parts(citation)
    article = found.get("Article")
    inside = {} if article is None else _add_article(entry, article, store_abstracts)
    _add_journal(entry, parts(inside.get("Journal")), parts(found.get("MedlineJournalInfo")))
    own = ids(parts(data).get("ArticleIdList"))
    located = [] if article is None else article.iterchildren("ELocationID")
    dois = [text(id) for id in located if id.get("EIdType") == "doi" and id.get("ValidYN") != "N"]
    add_doi(entry, [*dois, own["doi"]] if own.get("doi") else dois)
    entry.identifier("pmcid", own.get("pmc", ""), pmcid)
    headings = [heading for each_ in each(found.get("MeshHeadingList"), "MeshHeading") if (heading := _heading(each_))]
    entry.put("mesh", headings[:MOST_MESH])
    add_keywords(entry, citation)
    notices = list(_notices(found.get("CommentsCorrectionsList")))
    add_notices(entry, notices)
    return notices

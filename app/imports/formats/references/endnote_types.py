"""EndNote's names of reference types, under the types of RIS."""

RIS_TYPES = {
    "journal article": "JOUR",
    "electronic article": "EJOUR",
    "magazine article": "MGZN",
    "newspaper article": "NEWS",
    "book": "BOOK",
    "edited book": "BOOK",
    "electronic book": "EBOOK",
    "book section": "CHAP",
    "electronic book section": "ECHAP",
    "conference paper": "CPAPER",
    "conference proceedings": "CONF",
    "report": "RPRT",
    "government document": "GOVDOC",
    "thesis": "THES",
    "dataset": "DATA",
    "online database": "DBASE",
    "web page": "ELEC",
    "blog": "BLOG",
    "unpublished work": "UNPB",
    "legal rule or regulation": "LEGAL",
    "statute": "STAT",
    "standard": "STAND",
    "patent": "PAT",
    "personal communication": "PCOMM",
}


def ris_type(name: str) -> str:
    """The type of RIS; an unknown name is a generic reference, and no name is no type."""
    return RIS_TYPES.get(name.strip().casefold(), "GEN") if name.strip() else ""


def full_date(year: str, day: str) -> str:
    """A year together with the day or month that is printed apart from it."""
    if not day or not year:
        return year or day
    return day if year in day else f"{year} {day}"

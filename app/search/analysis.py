"""How text becomes terms: words in their search form, without case, accents and endings, and without the commonest."""

from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from app.common.spelling import search_form

STEMMED, PLAIN = "stemmed", "plain"
LONGEST = 80


# İ is folded to I before it is lowered: lowered first, it would become an i with a dot of its own.
FOLDED: tuple[tuple[str | int, ...], ...] = (("remove_long", LONGEST), ("ascii_fold",), ("lowercase",))
FILTERS = {
    STEMMED: (*FOLDED, ("stopword", "english"), ("stemmer", "english")),
    PLAIN: FOLDED,
}
"""The filters of each analyzer in their order: the name of each and what it is given. The name of an index on disk
follows from them."""


def _analyzer(name: str) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple())
    for kind, *arguments in FILTERS[name]:
        builder = builder.filter(getattr(Filter, str(kind))(*arguments))
    return builder.build()


@cache
def stemmed() -> TextAnalyzer:
    """Return the analyzer of searched text."""
    return _analyzer(STEMMED)


@cache
def plain() -> TextAnalyzer:
    """Return the analyzer that leaves words as they are written, for spelling and for beginnings of words."""
    return _analyzer(PLAIN)


def terms(text: str) -> list[str]:
    """Return the stemmed terms of a text's search form, as the index has them."""
    return stemmed().analyze(search_form(text))


def words(text: str) -> list[str]:
    """Return the words of a text's search form, without case and accents but with their endings."""
    return plain().analyze(search_form(text))

"""How text becomes terms: words without case, accents and endings, and without the commonest of them."""

from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

STEMMED, PLAIN = "stemmed", "plain"
LONGEST = 80


FOLDED: tuple[tuple[str | int, ...], ...] = (("remove_long", LONGEST), ("lowercase",), ("ascii_fold",))
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
    return stemmed().analyze(text)


def words(text: str) -> list[str]:
    return plain().analyze(text)

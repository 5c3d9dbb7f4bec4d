"""Text analysis: text is split into words, which are lower-cased, stripped of accents and stemmed."""

from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

STEMMED, PLAIN = "stemmed", "plain"
LONGEST = 80


@cache
def stemmed() -> TextAnalyzer:
    """The analyser for search terms: English stop words are removed, and the other words are stemmed."""
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST)).filter(Filter.lowercase())
    folded = builder.filter(Filter.ascii_fold()).filter(Filter.stopword("english"))
    return folded.filter(Filter.stemmer("english")).build()


@cache
def plain() -> TextAnalyzer:
    """The analyser for spelling suggestions and prefixes: it keeps stop words and endings."""
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST)).filter(Filter.lowercase())
    return builder.filter(Filter.ascii_fold()).build()


def terms(text: str) -> list[str]:
    """The stemmed terms of a text, without stop words."""
    return stemmed().analyze(text)


def words(text: str) -> list[str]:
    """The words of a text in lower case and without accents."""
    return plain().analyze(text)

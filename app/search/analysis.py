"""How text becomes terms: words without case, accents and endings, and without the commonest of them."""

from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

STEMMED, PLAIN = "stemmed", "plain"
LONGEST = 80


@cache
def stemmed() -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST)).filter(Filter.lowercase())
    folded = builder.filter(Filter.ascii_fold()).filter(Filter.stopword("english"))
    return folded.filter(Filter.stemmer("english")).build()


@cache
def plain() -> TextAnalyzer:
    """Words as they are written, for spelling and for beginnings of words."""
    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(LONGEST)).filter(Filter.lowercase())
    return builder.filter(Filter.ascii_fold()).build()


def terms(text: str) -> list[str]:
    return stemmed().analyze(text)


def words(text: str) -> list[str]:
    return plain().analyze(text)

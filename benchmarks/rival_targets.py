"""The requests of `benchmarks.rivals`: addresses that our service, Datasette and Django answer with equal content."""

from typing import NamedTuple
from urllib.parse import urlencode


class Targets(NamedTuple):
    """The addresses of one request."""

    ours: str
    datasette: str
    django: str
    django_documents: str | None = None
    """The address at which the Django app answers with our ready-made documents."""


def _query(path: str, **parameters: object) -> str:
    return f"{path}?{urlencode(parameters)}"


TABLE, DOCUMENTS = "/rival/studies.json", "/rival/documents.json"
NO_SUGGESTIONS = "&_nosuggest=1"
OBJECTS = {"_shape": "objects"}


COLUMNS = "id,title,acronym,summary,conclusion,population,design,phase,year,enrolled,follow_up_weeks,status"
FIELDS = f"{COLUMNS},indications.id,products.id"
RANKED = """SELECT {columns}, rank, snippet(studies_fts, -1, '<b>', '</b>', '...', 16) AS snippet,
(SELECT count(*) FROM studies_fts WHERE studies_fts MATCH :words) AS total
FROM studies_fts JOIN {table} AS found ON found.number = studies_fts.rowid
WHERE studies_fts MATCH :words ORDER BY rank LIMIT 20"""


def _ranked(phrase: str, table: str, columns: str) -> str:
    quoted = " ".join(f'"{word}"' for word in phrase.split())
    sql = RANKED.format(table=table, columns=", ".join(f"found.{column}" for column in columns.split(",")))
    return _query("/rival.json", sql=sql, words=quoted, **OBJECTS)


def words(some: str) -> Targets:
    """The best 20 hits of some words, as whole documents."""
    return Targets(
        _query("/v1/studies", q=some, limit=20),
        _ranked(some, "documents", "id,document"),
        _query("/search", q=some),
        _query("/given/search", q=some),
    )


def words_columns(some: str) -> Targets:
    """The best 20 hits of some words, as the columns of a plain table."""
    return Targets(
        _query("/v1/studies", q=some, limit=20, fields=FIELDS),
        _ranked(some, "studies", f"{COLUMNS},indication,product"),
        _query("/plain/search", q=some),
    )


def words_unranked(some: str) -> Targets:
    """20 hits of some words; Datasette answers with the first ones of its table, without ranking or snippets."""
    first = _query(TABLE, _search=some, _size=20, **OBJECTS) + NO_SUGGESTIONS
    return Targets(_query("/v1/studies", q=some, limit=20), first, _query("/plain/search", q=some))


def facets(low: int, high: int) -> Targets:
    """The counts of designs and phases in a range of years."""
    return Targets(
        _query("/v1/studies", facets="design,phase", limit=0, year=f"{low}..{high}"),
        _query(TABLE, year__gte=low, year__lte=high, _size=0, **OBJECTS)
        + f"&_facet=design&_facet=phase{NO_SUGGESTIONS}",
        _query("/facets", facets="design,phase", **{"from": low, "to": high}),
    )


Low = int | None


def filtered(indication: str, low: Low) -> Targets:
    """The 50 newest studies of an indication, from a year on if one is given, as whole documents."""
    ours, datasette, django = ({"year": f"{low}.."}, {"year__gte": low}, {"from": low}) if low else ({}, {}, {})
    page = {"indication__exact": indication, "_sort_desc": "year", "_size": 50, **OBJECTS, **datasette}
    return Targets(
        _query("/v1/studies", indication=indication, sort="-year", limit=50, **ours),
        _query(DOCUMENTS, _col="document", **page) + NO_SUGGESTIONS,
        _query("/studies", indication=indication, **django),
        _query("/given", indication=indication, **django),
    )


def filtered_columns(indication: str, low: Low) -> Targets:
    """The same page as `filtered`, as the columns of a plain table."""
    whole = filtered(indication, low)
    return Targets(
        f"{whole.ours}&fields={FIELDS}",
        whole.datasette.replace(f"{DOCUMENTS}?_col=document&", f"{TABLE}?"),
        whole.django.replace("/studies", "/plain"),
    )

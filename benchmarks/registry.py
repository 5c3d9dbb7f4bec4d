"""Any number of registry records and PubMed articles: real ones under new ids, in the formats of their sources."""

import gzip
import re
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import IO, Any

import orjson

DATA = Path(__file__).parents[2] / "shared" / "data"
"""The folder of real records, which are not shipped with this project; without them, nothing can be measured."""

FIRST_NCT = 10_000_000
FIRST_PMID = 500_000_000
_PMID = re.compile(rb"(<PMID Version=\"\d+\">)(\d+)(</PMID>)")
_ARTICLE = re.compile(rb"<PubmedArticle>.*?</PubmedArticle>", re.DOTALL)
_DIGIT = re.compile(r"\d")


class NoData(Exception):
    """There are no real records."""


def _renumbered(id: str, number: int) -> str:
    """An id of the same form whose digits are those of a number, padded with zeros."""
    digits = iter(f"{number:0{len(_DIGIT.findall(id))}}")
    return _DIGIT.sub(lambda _: next(digits), id)


def _with_new_ids(study: dict[str, Any], number: int) -> dict[str, Any]:
    protocol = study["protocolSection"]
    identification = protocol["identificationModule"]
    others = [other for other in identification.get("secondaryIdInfos", ()) if len(_DIGIT.findall(other["id"])) >= 8]
    changed = {
        **{name: value for name, value in identification.items() if name != "nctIdAliases"},
        "nctId": f"NCT{FIRST_NCT + number}",
        "secondaryIdInfos": [{**other, "id": _renumbered(other["id"], number)} for other in others],
    }
    return {**study, "protocolSection": {**protocol, "identificationModule": changed}}


def studies(wanted: int) -> Iterator[bytes]:
    """Lines of NDJSON, each with the whole registry record of a study."""
    files = sorted((DATA / "ctgov" / "studies").glob("*.json"))
    if not files:
        raise NoData(f"there are no registry records in {DATA}")
    real = [orjson.loads(file.read_bytes()) for file in files]
    for number, study in enumerate(islice(cycle(real), wanted)):
        yield orjson.dumps(_with_new_ids(study, number)) + b"\n"


def articles(wanted: int) -> Iterator[bytes]:
    """The pieces of a PubMed XML file."""
    found = [_ARTICLE.findall(file.read_bytes()) for file in sorted((DATA / "pubmed").glob("*.xml"))]
    real = [article for some in found for article in some]
    if not real:
        raise NoData(f"there are no PubMed articles in {DATA}")
    yield b'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n'
    for number, article in enumerate(islice(cycle(real), wanted)):
        yield _renumbered_article(article, number) + b"\n"
    yield b"</PubmedArticleSet>\n"


def _renumbered_article(article: bytes, number: int) -> bytes:
    """An article with another PMID, PMCID, title and DOI; its references to other articles by PMID stay."""
    pmid = str(FIRST_PMID + number).encode()
    first = _PMID.search(article)
    if first:
        article = article.replace(b">" + first[2] + b"<", b">" + pmid + b"<")
    article = re.sub(rb"(?<=>)PMC\d+(?=<)", b"PMC" + pmid, article)
    article = re.sub(rb"(?<=<ArticleTitle>)", b"Case %d. " % number, article, count=1)
    return re.sub(rb'(IdType="doi">|EIdType="doi"[^>]*>)10\.(\d+)/', rb"\g<1>10.\g<2>/" + pmid + b".", article)


def write_studies(file: Path, wanted: int) -> None:
    """Write studies as NDJSON."""
    with file.open("wb") as out:
        _write(out, studies(wanted))


def write_articles(file: Path, wanted: int) -> None:
    """Write articles as gzipped XML."""
    with gzip.open(file, "wb", compresslevel=1) as out:
        _write(out, articles(wanted))


def _write(out: IO[bytes] | gzip.GzipFile, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        out.write(piece)

"""SciFact's judged queries, nDCG (Järvelin and Kekäläinen 2002) as the quality of a ranking, and a plain BM25."""

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, log2
from pathlib import Path
from typing import Any

import orjson

from app.search import analysis

SCIFACT = Path(__file__).parents[2] / "shared/data/retrieval/scifact"
DEPTH = 10
K1, B = 0.9, 0.4
"""The parameters of BM25 that Anserini and BEIR use for abstracts."""


class Missing(Exception):
    """A file of SciFact is not there."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query with the relevance judgements of its documents."""

    query: str
    gains: Mapping[str, int]
    """The gain of each relevant document, by its id."""


def _lines(name: str) -> Iterator[Any]:
    file = SCIFACT / name
    if not file.is_file():
        raise Missing(f"{file} is missing: SciFact in BEIR's layout is expected there.")
    return map(
        orjson.loads, (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).splitlines()
    )


def corpus() -> list[Any]:
    """All abstracts, as objects with `_id`, `title` and `text`."""
    return list(_lines("corpus.jsonl.gz"))


def judged() -> list[JudgedQuery]:
    """All queries of the training set that have judgements, in the order of the queries."""
    file = SCIFACT / "qrels/train.tsv"
    if not file.is_file():
        raise Missing(f"{file} is missing: SciFact's training judgements are expected there.")
    gains: dict[str, dict[str, int]] = defaultdict(dict)
    for line in file.read_text().splitlines()[1:]:
        query, document, gain = line.split("\t")
        gains[query][document] = int(gain)
    return [
        JudgedQuery(query["text"], gains[query["_id"]]) for query in _lines("queries.jsonl") if query["_id"] in gains
    ]


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / log2(rank + 2) for rank, gain in enumerate(gains[:DEPTH]))


def ndcg(ranked: Sequence[str], gains: Mapping[str, int]) -> float:
    """The nDCG of the first ten documents: the sum of gain / log2(rank + 1), divided by that of the best ranking."""
    best = _dcg(sorted(gains.values(), reverse=True))
    return _dcg([gains.get(id, 0) for id in ranked]) / best if best else 0.0


class PlainBM25:
    """BM25 (Robertson and Zaragoza 2009) on title and abstract as one text, without field weights or phrases."""

    def __init__(self, documents: Sequence[Any]) -> None:
        self.ids = [document["_id"] for document in documents]
        texts = [analysis.terms(f"{document['title']}\n{document['text']}") for document in documents]
        self.average = sum(map(len, texts)) / max(1, len(texts))
        self.postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, terms in enumerate(texts):
            longer = K1 * (1 - B + B * len(terms) / self.average)
            for term, times in Counter(terms).items():
                self.postings[term].append((number, times / (times + longer)))

    def ranked(self, query: str) -> list[str]:
        """The ids of the ten best documents."""
        scores: dict[int, float] = defaultdict(float)
        for term in analysis.terms(query):
            found = self.postings.get(term, [])
            rarity = log(1 + (len(self.ids) - len(found) + 0.5) / (len(found) + 0.5))
            for number, weight in found:
                scores[number] += rarity * weight
        best = sorted(scores, key=lambda number: (-scores[number], number))[:DEPTH]
        return [self.ids[number] for number in best]

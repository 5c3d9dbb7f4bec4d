"""Nothing was lost on the way in: every sentence of the article is quoted, every value of the evidence corpus served.

The corpus is read here anew, by tables of its own: a key that no table knows, a value that no document has and a value
that no corpus record has all fail.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

Json = dict[str, Any]
Reader = Callable[[Any], Json]

SEEDS = Path(__file__).parents[1] / "seeds"
DATA = Path(__file__).parents[2] / "shared/data"
CORPUS = DATA / "corpus"

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the evidence corpus is not at {CORPUS}")


# The article


def article() -> str:
    return (SEEDS / "article.txt").read_bytes().decode("utf-8")


def quotes() -> Iterator[tuple[str, Json]]:
    for path in sorted(SEEDS.glob("*.yaml")):
        for record in yaml.safe_load(path.read_text(encoding="utf-8")):
            entries = record.get("provenance", [])
            yield from ((record["id"], entry) for entry in entries if entry["source"] == "article")


def span(text: str, entry: Json) -> range:
    start = entry.get("start", text.find(entry["quote"]))
    return range(start, start + len(entry["quote"]))


def sentences(text: str) -> Iterator[range]:
    """All but the headings: the first line and those that end with a colon. A list's numbers are no text."""
    lines = re.compile(r"^ *(?:\d+\. )?(.*[^\s:]) *$", re.MULTILINE)
    for line in lines.finditer(text, text.index("\n")):
        for sentence in re.compile(r"[^\s.][^.]*\.?").finditer(text, *line.span(1)):
            yield range(*sentence.span())


def test_every_sentence_of_the_article_is_quoted() -> None:
    text = article()
    found = list(sentences(text))
    quoted = {position for _, entry in quotes() for position in span(text, entry)}
    missing = [text[s.start : s.stop] for s in found if not quoted.issuperset(s)]
    assert len(found) == 15
    assert not missing


def test_every_quote_is_in_the_article_exactly_once_or_has_its_start() -> None:
    text = article()
    for record, entry in quotes():
        where = span(text, entry)
        assert text[where.start : where.stop] == entry["quote"], f"{record}: not in the article: {entry['quote']}"
        assert "start" in entry or text.count(entry["quote"]) == 1, f"{record}: give start for {entry['quote']}"


@needs_corpus
def test_the_article_is_kept_byte_for_byte() -> None:
    (original,) = (DATA / "article").glob("*.txt")
    assert (SEEDS / "article.txt").read_bytes() == original.read_bytes()


# The corpus: what a document must say, by the corpus's own keys


def same(name: str) -> Reader:
    return lambda value: {name: value}


def each(names: str) -> dict[str, Reader]:
    return {name: same(name) for name in names.split()}


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def translate(record: Json, table: dict[str, Reader]) -> Json:
    """A corpus record in the document's fields; a key that the table does not know is a KeyError."""
    fields: Json = {}
    for key, value in record.items():
        fields |= table[key](value)
    return fields


def cited(sources: list[Json]) -> Json:
    """Where a record names no source, the corpus as a whole stands as one: of tier other, without an address."""
    return {"provenance": in_order(sources or [{"url": None, "tier": "other"}])}


def in_order(sources: Iterable[Json]) -> list[Json]:
    return sorted(sources, key=lambda source: json.dumps(source, sort_keys=True))


def products(names: list[str]) -> Json:
    return {"products": [slug(name) for name in names]}


def authors(names: list[str]) -> Json:
    named = [name for name in names if name != "et al."]
    return {"authors": named} if named == names else {"authors": named, "authors_complete": False}


def title_kind(word: str) -> Reader:
    return lambda flag: {"title_kind": word} if flag else {}


CITATION = each("pmid doi title journal year volume issue pages") | {"authors": authors}
FLAGS: dict[str, Reader] = {
    "title_truncated": title_kind("truncated"),
    "title_is_descriptive": title_kind("descriptive"),
    "title_is_registry_record": title_kind("registry-record"),
    "title_not_seen": lambda flag: {"absent": {"title": "not-seen"}} if flag else {},
}
LINKS = ("reports_pooled_data", "shared_with")


def without(record: Json, *keys: str) -> Json:
    return {key: value for key, value in record.items() if key not in keys}


def reported(publication: Json) -> Json:
    """What a study's document says of its publication; the rest is in the publication's own document."""
    pooled = publication.get("reports_pooled_data")
    return {
        "publication": translate(without(publication, *FLAGS, *LINKS), CITATION),
        "publications": [{"reports_pooled_data": pooled}],
        "year": publication.get("year"),
    }


SUBMISSION = {
    "application": same("application_number"),
    "submission": same("submission"),
    "status_date": same("submission_status_date"),
}
CITED = {"sources": cited} | each("needs_primary_source note")
PRODUCT = CITED | {"key": lambda key: {"id": key.lower()}}
PRODUCT |= each(
    "name brand_names former_brand_names us_suffix_name serotype manufacturer former_manufacturers atc_code unii "
    "cas_number cas_number_note contains_complexing_proteins units_interchangeable"
)
INDICATION = CITED | {"slug": same("id")} | each("name category synonyms description mesh")
STUDY = CITED | {"key": same("id"), "notes": same("note"), "status": same("standing")}
STUDY |= {"products": products, "publication": reported}
STUDY |= each(
    "acronym design masking phase registry_ids comparators indications population enrolled included_studies "
    "follow_up_weeks arms outcomes adverse_events conclusion overlaps_with overlaps_note overlaps_inferred"
)
MECHANISM = CITED | {"key": same("id"), "related_indications": same("indications")}
MECHANISM |= each(
    "title summary action_type molecular_target toxin_uniprot toxin_ec_number tissue effect serotypes studies"
)
SAFETY_NOTE = CITED | {"key": lambda key: {"id": key.lower()}}
SAFETY_NOTE |= {"products": products, "frequency": same("frequencies")}
SAFETY_NOTE |= each("kind title statement indications")
USE: dict[str, Reader] = {"product": lambda name: {"product": slug(name)}}
APPROVAL = CITED | USE | each("indication regulator date population")
APPROVAL |= {"brand": same("brand_name"), "fda_submission": lambda found: translate(found, SUBMISSION)}
DOSING = CITED | USE | {"label": same("label_country")}
DOSING |= each(
    "indication population dose unit dose_initial dose_min dose_max dose_min_per_kg dose_max_per_kg dose_per "
    "max_dose max_dose_basis max_cumulative_dose max_cumulative_basis sites onset duration "
    "retreatment_interval_weeks retreatment_interval_weeks_min retreatment_interval_months_min"
)


STUDY_DEFAULTS = {"scope": "study", "standing": "current"}
APPROVAL_IDENTITY = ("product", "indication", "regulator", "date")
DOSING_IDENTITY = ("product", "indication", "population", "label_country")


@dataclass(frozen=True)
class Kind:
    """One file of the corpus: where it is served, how it is read, and by which fields a record is found again."""

    file: str
    path: str
    count: int
    table: dict[str, Reader]
    identity: tuple[str, ...] = ("id",)
    defaults: Json = field(default_factory=dict)
    derived: tuple[str, ...] = ()


KINDS = (
    Kind("products", "products", 8, PRODUCT, defaults={"kind": "product"}),
    Kind("indications", "indications", 32, INDICATION, derived=("regulatory_status",)),
    Kind("studies", "studies", 188, STUDY, defaults=STUDY_DEFAULTS, derived=("evidence_level",)),
    Kind("mechanisms", "mechanisms", 14, MECHANISM),
    Kind("safety", "safety-notes", 78, SAFETY_NOTE),
    Kind("approvals", "approvals", 46, APPROVAL, APPROVAL_IDENTITY, derived=("id",)),
    Kind("dosing", "dosing", 39, DOSING, DOSING_IDENTITY, derived=("id",)),
)


@cache
def corpus(file: str) -> list[Json]:
    records: list[Json] = yaml.safe_load((CORPUS / f"{file}.yaml").read_text(encoding="utf-8"))[file]
    return records


def basis(record: Json) -> str:
    primary = any(source["tier"] == "primary" for source in record["sources"])
    return "primary" if primary and not record.get("needs_primary_source") else "secondary"


def wanted(record: Json, kind: Kind) -> Json:
    given = {"needs_primary_source": False, "evidence_basis": basis(record), "type": kind.path}
    back: Json = {"mechanisms": supported(record["key"])} if kind.file == "studies" else {}
    if kind.file == "studies" and record["key"] in within_person():
        back["intervention_model"] = "within-person"
    return given | kind.defaults | back | translate(record, kind.table)


@cache
def within_person() -> frozenset[str]:
    """The studies that compare sides of the same person, as a later reading of the corpus's sources found."""
    text = (DATA / "corpus-2/vocabulary/within-person.yaml").read_text(encoding="utf-8")
    return frozenset(each["study"] for each in yaml.safe_load(text)["corpus"] if "crossover" not in each["design"])


def supported(study: str) -> list[str]:
    """The mechanisms that name a study: its document names them back."""
    return sorted(record["key"] for record in corpus("mechanisms") if study in record["studies"])


# The documents: in the corpus's terms


REFERENCES = ("product", "products", "indication", "indications", "studies", "overlaps_with", "mechanisms")


def listed(api: httpx.Client, path: str) -> list[Json]:
    response = api.get(f"/v1/{path}", params={"limit": 1000})
    assert response.status_code == 200, response.text
    items: list[Json] = response.json()["items"]
    return items


def served(api: httpx.Client, path: str) -> list[Json]:
    """The documents of a type, but for those that come from the article alone."""
    return [doc for doc in listed(api, path) if {entry["source"] for entry in doc["provenance"]} != {"article"}]


def ids(value: Any) -> Any:
    return [ref["id"] for ref in value] if isinstance(value, list) else value["id"]


def proof(document: Json) -> list[Json]:
    entries = [entry for entry in document["provenance"] if entry["source"] != "article"]
    return in_order({"url": entry["url"], "tier": entry["tier"]} for entry in entries)


def simple(document: Json, kind: Kind) -> Json:
    """A document with ids for what it embeds and addresses for its provenance, without what is derived."""
    found = without(document, *kind.derived)
    found |= {name: ids(found[name]) for name in REFERENCES if found.get(name)}
    if kind.file == "studies":
        found |= simple_report(found)
    return found | {"provenance": proof(document)}


def simple_report(study: Json) -> Json:
    """A corpus study has no title of its own: at most its publication's stands in its place."""
    cited_first, links = study["publication"], study["publications"]
    assert [link["id"] for link in links] == [cited_first["id"]], study["id"]
    own = study["title"] if study["title"] != cited_first["title"] else None
    pooled = [{"reports_pooled_data": link["reports_pooled_data"]} for link in links]
    return {"title": own, "publication": without(cited_first, "id"), "publications": pooled}


def bare(value: Any) -> Any:
    """Without what is absent (null, empty) and without the bounds derived from p values."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    if isinstance(value, dict):
        inner = {key: bare(item) for key, item in value.items() if key != "p_bound"}
        return {key: item for key, item in inner.items() if item is not None and item not in ([], {})}
    return value


def printed(value: Any) -> str:
    """As JSON: 40 and 40.0, 0 and false differ."""
    return json.dumps(bare({"value": value}), sort_keys=True, ensure_ascii=False)


def differences(want: Json, got: Json) -> Iterator[str]:
    for name in sorted(want.keys() | got.keys()):
        expected, found = printed(want.get(name)), printed(got.get(name))
        if expected != found:
            yield f"{want.get('id', got.get('id'))} {name}: expected {expected}, found {found}"


def by(names: tuple[str, ...], records: Iterable[Json]) -> dict[tuple[Any, ...], Json]:
    return {tuple(record.get(name) for name in names): record for record in records}


def compare(want: dict[Any, Json], got: dict[Any, Json]) -> list[str]:
    assert got.keys() == want.keys()
    return [line for key in want for line in differences(want[key], got[key])]


# The tests


@needs_corpus
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_every_value_of_the_corpus_is_served_and_no_other(api: httpx.Client, kind: Kind) -> None:
    want = by(kind.identity, (wanted(record, kind) for record in corpus(kind.file)))
    documents = [doc for doc in served(api, kind.path) if doc.get("kind") != "class"]
    got = by(kind.identity, (simple(document, kind) for document in documents))
    assert len(corpus(kind.file)) == len(want) == len(documents) == kind.count
    assert compare(want, got) == []


@needs_corpus
def test_a_name_that_is_no_single_product_is_a_class(api: httpx.Client) -> None:
    single = {record["name"] for record in corpus("products")}
    names = {name for study in corpus("studies") for name in study["products"]} - single
    classes = [doc for doc in served(api, "products") if doc["kind"] == "class"]
    stated = {name: name[-1] if re.search(r"type [A-G]$", name) else None for name in names}
    assert {doc["name"]: doc["serotype"] for doc in classes} == stated
    assert {doc["id"] for doc in classes} == {slug(name) for name in names}
    assert {doc["evidence_basis"] for doc in classes} == {"secondary"}


def publication_of(study: Json) -> Json:
    """What the publication's own document must say, by one study that it reports."""
    publication = without(study["publication"], *LINKS)
    kind = {"title_kind": "printed"} if "title" in publication else {}
    found = kind | translate(publication, CITATION | FLAGS)
    return found if "title" in publication else without(found, "title_kind")


def same_publication(publication: Json) -> str:
    return str(publication.get("pmid") or publication.get("doi") or publication["title"]).casefold()


def joined(studies: list[Json]) -> Json:
    """What the document of a publication must say that several studies share."""
    sources = [source for study in studies for source in study["sources"]]
    once = {json.dumps(source, sort_keys=True): source for source in sources}
    flagged = any(study.get("needs_primary_source", False) for study in studies)
    record = {"sources": list(once.values()), "needs_primary_source": flagged}
    given = {"type": "publications", "scope": "publication", "evidence_basis": basis(record)}
    said = [publication_of(study) for study in studies]
    assert all(other == said[0] for other in said), [study["key"] for study in studies]
    return given | translate(record, CITED) | said[0] | {"studies": sorted(study["key"] for study in studies)}


@needs_corpus
def test_every_publication_is_served_once(api: httpx.Client) -> None:
    groups: dict[str, list[Json]] = {}
    for study in corpus("studies"):
        groups.setdefault(same_publication(study["publication"]), []).append(study)
    documents = served(api, "publications")
    own = [without(doc, "id") | {"provenance": proof(doc), "studies": ids(doc["studies"])} for doc in documents]
    got = {same_publication(doc): doc for doc in own}
    assert len(documents) == len(groups)
    assert compare({key: joined(studies) for key, studies in groups.items()}, got) == []


@needs_corpus
def test_studies_that_share_a_publication_link_the_same_one(api: httpx.Client) -> None:
    linked = {doc["id"]: doc["publication"]["id"] for doc in served(api, "studies")}
    for study in corpus("studies"):
        for other in study["publication"].get("shared_with", []):
            assert linked[other] == linked[study["key"]], (study["key"], other)


@needs_corpus
def test_every_address_of_the_corpus_is_a_source_with_its_tier(api: httpx.Client) -> None:
    records = [record for kind in KINDS for record in corpus(kind.file)]
    named = {(source["url"], source["tier"]) for record in records for source in record["sources"]}
    documents = [doc for doc in listed(api, "sources") if doc["url"] is not None]
    assert {(doc["url"], doc["tier"]) for doc in documents} == named
    assert len(documents) == len(named) == 583

"""Merging never loses what a person entered, whoever imports what in which order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.records.vocabularies import RecordType
from app.store.reconciliation.contributions import Contribution, key_of
from app.store.reconciliation.precedence import MERGED_LISTS, STATES, WITHOUT_CONFLICT, worse
from app.store.reconciliation.survivorship import CurrentRecord

Json = dict[str, Any]

FIELDS = {
    "title": st.sampled_from(["A", "B", "C"]),
    "title_kind": st.sampled_from(["printed", "truncated"]),
    "journal": st.sampled_from(["Pain", "Headache"]),
    "year": st.sampled_from([2009, 2010]),
    "date": st.sampled_from(["2009-07", "2010-07"]),
    "volume": st.sampled_from(["1", "2"]),
    "registry_ids": st.lists(st.sampled_from(["NCT1", "NCT2", "NCT3"]), min_size=1, unique=True),
    "retraction_state": st.sampled_from(STATES),
    "absent": st.dictionaries(
        st.sampled_from(["volume", "journal"]), st.sampled_from(["not-reported", "not-seen"]), min_size=1
    ),
}
TYPE: RecordType = "publications"
records = (
    st.fixed_dictionaries({}, optional=FIELDS)
    .map(lambda record: record | ({"absent": _unstated(record)} if "absent" in record else {}))
    .map(lambda record: {name: value for name, value in record.items() if value != {}})
)
offers = st.tuples(st.sampled_from(["pubmed", "ctgov", "ris"]), records)


def _unstated(record: Json) -> Json:
    return {name: why for name, why in record["absent"].items() if name not in record}


def layer(format: str, offered: Json, at: int = 1) -> Contribution:
    return Contribution(f"{format}-source", format, offered, digest="x", revision=at, since=at)


def stands(before: Json, after: Json) -> None:
    """All that a person entered is as it was; of lists, all items are there."""
    for name, value in before.items():
        if name in MERGED_LISTS:
            assert {key_of(item) for item in value} <= {key_of(item) for item in after.get(name, ())}
        elif name == "retraction_state":
            assert worse(value, after[name]) == after[name]
        elif name == "absent":
            assert value.items() <= after[name].items()
        else:
            assert after[name] == value, name


@given(records, st.lists(offers, max_size=5))
def test_what_a_person_entered_is_never_lost(entered: Json, imports: list[tuple[str, Json]]) -> None:
    standing = CurrentRecord(TYPE, entered)
    for number, (format, offered) in enumerate(imports):
        standing = standing.with_contribution(layer(format, offered, number))
        stands(entered, dict(standing.record))


@given(records, st.lists(offers, max_size=4), records, st.lists(offers, max_size=3))
def test_what_a_person_edits_between_imports_is_never_lost(
    entered: Json, before: list[tuple[str, Json]], edited: Json, after: list[tuple[str, Json]]
) -> None:
    """Whoever takes over what an import offers follows that import from then on; every other edit stands."""
    standing = CurrentRecord(TYPE, entered)
    for number, (format, offered) in enumerate(before):
        standing = standing.with_contribution(layer(format, offered, number))
    known = [each.values for each in standing.layers]
    changed = {
        name: value
        for name, value in edited.items()
        if standing.record.get(name) != value and all(said.get(name) != value for said in known)
    }
    record = {**standing.record, **changed}
    record["absent"] = {name: why for name, why in record.get("absent", {}).items() if name not in record}
    record = {name: value for name, value in record.items() if value != {}}
    standing = CurrentRecord(TYPE, record, standing.layers)
    for number, (format, offered) in enumerate(after):
        standing = standing.with_contribution(layer(format, offered, 10 + number))
        stands({name: _own(name, value, known) for name, value in changed.items() if name != "absent"}, _of(standing))


def _own(name: str, value: Any, known: list[Json]) -> Any:
    """What of a value nobody else has said."""
    if name not in MERGED_LISTS:
        return value
    return [item for item in value if all(item not in said.get(name, ()) for said in known)]


def _of(standing: CurrentRecord) -> Json:
    return dict(standing.record)


@given(records, st.lists(offers, min_size=1, max_size=4))
def test_the_same_again_changes_nothing(entered: Json, imports: list[tuple[str, Json]]) -> None:
    standing = CurrentRecord(TYPE, entered)
    for number, (format, offered) in enumerate(imports):
        standing = standing.with_contribution(layer(format, offered, number))
    last = standing.with_contribution(layer(*imports[-1], 9))
    assert last.record == standing.record
    assert list(last.differing()) == list(standing.differing())
    assert {each.curator_fields for each in last.layers} == {each.curator_fields for each in standing.layers}


def test_a_value_that_fits_a_persons_is_not_taken_for_a_persons() -> None:
    """The title of a first source had no place beside the kind that a person stated, and that of a second has."""
    standing = CurrentRecord(TYPE, {"title_kind": "printed"})
    standing = standing.with_contribution(layer("pubmed", {"title": "A", "title_kind": "truncated"}, 1))
    standing = standing.with_contribution(layer("ctgov", {"title": "B"}, 2))
    assert standing.record == {"title_kind": "printed", "title": "B"}
    assert standing.entered(("title", "title_kind")) == {"title_kind": "printed"}
    assert standing.with_contribution(layer("ctgov", {"title": "C"}, 3)).record["title"] == "C"


@given(records, records, records)
def test_the_order_of_two_imports_does_not_matter(entered: Json, registry: Json, pubmed: Json) -> None:
    one, other = layer("ctgov", registry), layer("pubmed", pubmed)
    start = CurrentRecord(TYPE, entered)
    first, second = (
        start.with_contribution(one).with_contribution(other),
        start.with_contribution(other).with_contribution(one),
    )
    assert first.record == second.record
    assert sorted(first.differing(), key=str) == sorted(second.differing(), key=str)


@given(records, st.lists(offers, max_size=4))
def test_conflicts_are_exactly_where_they_differ(entered: Json, imports: list[tuple[str, Json]]) -> None:
    standing = CurrentRecord(TYPE, entered)
    for number, (format, offered) in enumerate(imports):
        standing = standing.with_contribution(layer(format, offered, number))
    differing = {
        (name, each.source)
        for each in standing.layers
        for name, value in each.values.items()
        if name not in WITHOUT_CONFLICT and name not in MERGED_LISTS and standing.record.get(name) != value
    }
    told = {(each.field, each.source) for each in standing.differing()}
    assert told == differing
    for each in standing.differing():
        assert each.current == standing.record.get(each.field)
        assert each.proposed != each.current


@given(records, st.lists(offers, max_size=4))
def test_imports_alone_leave_no_trace_of_people(entered: Json, imports: list[tuple[str, Json]]) -> None:
    standing = CurrentRecord(TYPE, {})
    for number, (format, offered) in enumerate(imports):
        standing = standing.with_contribution(layer(format, offered, number))
    assert not standing.is_touched()
    assert all(not each.curator_fields for each in standing.layers)
    assert all(each.current_source is not None for each in standing.differing())


def test_a_milder_state_that_a_person_entered_comes_back() -> None:
    """An import knew of a worse one when the person spoke, and takes it back later; another one came between."""
    standing = CurrentRecord(TYPE, {}).with_contribution(layer("ctgov", {"retraction_state": "retracted"}, 1))
    standing = CurrentRecord(TYPE, {"retraction_state": "corrected"}, standing.layers)
    standing = standing.with_contribution(layer("pubmed", {"title": "A"}, 2))
    assert standing.record["retraction_state"] == "retracted"
    assert standing.with_contribution(layer("ctgov", {"title": "A"}, 3)).record["retraction_state"] == "corrected"


def test_the_rule_of_a_retraction_state_is_the_one_that_chose() -> None:
    """A person may set a state back against what is published; then the person's word stands, and not the worst."""
    worst, back = ("retracted", "none"), ("none", "retracted")
    rules = {}
    for stands_now, published in (worst, back):
        said = layer("pubmed", {"title": "A", "retraction_state": published})
        record = CurrentRecord(TYPE, {"title": "A", "retraction_state": stands_now}, (said,))
        rules[stands_now, published] = [(found.field, found.rule) for found in record.differing()]
    assert rules == {
        worst: [("retraction_state", "worst-retraction-state")],
        back: [("retraction_state", "person-first")],
    }

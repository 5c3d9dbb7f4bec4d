"""What a label no longer says is withdrawn with the version that lacks it, and comes back with one that has it."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.database.engine import reading
from app.imports.candidates import Candidate, SourceItem
from app.imports.report import Report
from app.store.documents import Document
from tests.importing import take, undo
from tests.imports.merging.stored import document, edit, ids

LABEL = "label-485d9b71-6881-42c5-a620-a4360c7192ab"
BOTH = ("label-485d9b71-boxed", "label-485d9b71-warning")


def label(version: int, *notes: str, id: str = LABEL, product: str = "calmitoxin") -> SourceItem:
    """A version of a label with some safety notes."""
    cited = [{"source": id}]
    source = {"id": id, "kind": "label", "tier": "primary", "url": f"https://example.org/{id}", "version": version}
    made: dict[str, Any] = {"kind": "warning", "products": [product], "provenance": cited}
    return SourceItem(
        id,
        (
            Candidate("sources", source),
            Candidate("products", {"id": product, "name": product.title(), "provenance": cited}),
            *(Candidate("safety-notes", made | {"id": note, "title": note, "statement": "Harm."}) for note in notes),
        ),
    )


def taken(engine: Engine, *items: SourceItem, name: str) -> Report:
    return take(engine, *items, format="label", name=name)


def changes(engine: Engine, id: str) -> list[str]:
    with reading(engine) as connection:
        of = (Document.type == "safety-notes", Document.id == id)
        return list(connection.scalars(select(Document.change).where(*of).order_by(Document.version)))


def texts(report: Report, kind: str) -> list[str]:
    return report.warnings[kind].texts if kind in report.warnings else []


def test_a_missing_section_withdraws_its_note_and_its_return_restores_it(engine: Engine) -> None:
    taken(engine, label(1, *BOTH), name="one")
    report = taken(engine, label(2, BOTH[0]), name="two")
    assert texts(report, "withdrawn-by-source") == [f"{LABEL}: safety-notes/{BOTH[1]}"]
    assert (report.counts["deleted"], report.units.applied, ids(engine, "safety-notes")) == (1, 1, {BOTH[0]})
    assert taken(engine, label(2, BOTH[0]), name="again").revision is None
    back = taken(engine, label(3, *BOTH), name="three")
    assert (back.counts["restored"], ids(engine, "safety-notes")) == (1, set(BOTH))
    assert changes(engine, BOTH[1]) == ["created", "deleted", "restored"]


def test_an_older_version_withdraws_nothing(engine: Engine) -> None:
    taken(engine, label(2, *BOTH), name="one")
    assert taken(engine, label(1), name="two").units.skipped == 1
    assert ids(engine, "safety-notes") == set(BOTH)


def test_other_labels_and_products_stay(engine: Engine) -> None:
    other = label(1, "other-note", id="label-585d9b71-6881-42c5-a620-a4360c7192ab")
    taken(engine, label(1, *BOTH), other, name="one")
    taken(engine, label(2, product="another"), name="two")
    assert ids(engine, "safety-notes") == {"other-note"}
    assert ids(engine, "products") == {"calmitoxin", "another"}


def test_what_a_person_changed_stays_and_is_named(engine: Engine) -> None:
    taken(engine, label(1, *BOTH), name="one")
    edit(engine, "safety-notes", BOTH[0], title="Boxed")
    report = taken(engine, label(2), name="two")
    assert texts(report, "withdrawn-but-in-use") == [f"{LABEL}: safety-notes/{BOTH[0]}"]
    assert (ids(engine, "safety-notes"), document(engine, "safety-notes", BOTH[0])["title"]) == ({BOTH[0]}, "Boxed")


def test_a_reverted_withdrawal_brings_the_note_back(engine: Engine) -> None:
    taken(engine, label(1, *BOTH), name="one")
    taken(engine, label(2), name="two")
    undo(engine, "two")
    assert ids(engine, "safety-notes") == set(BOTH)
    assert taken(engine, label(2), name="three").counts["deleted"] == 2


@pytest.mark.parametrize("versions", [(1, 2), (2, 1)])
def test_two_versions_in_one_run(engine: Engine, versions: tuple[int, int]) -> None:
    notes = {1: BOTH, 2: BOTH[:1]}
    report = taken(engine, *(label(version, *notes[version]) for version in versions), name="one")
    assert (report.units.skipped, ids(engine, "safety-notes")) == (1, {BOTH[0]})


def test_a_batch_of_withdrawals_costs_a_fixed_number_of_statements(engine: Engine, statements: list[str]) -> None:
    def cost(many: int) -> int:
        labels = [f"label-{many:08}-6881-42c5-a620-{number:012}" for number in range(many)]
        taken(engine, *(label(1, f"note-{id}", id=id) for id in labels), name=f"one-{many}")
        statements.clear()
        report = taken(engine, *(label(2, id=id) for id in labels), name=f"two-{many}")
        assert report.counts["deleted"] == many
        return len(statements)

    assert cost(5) == cost(60)

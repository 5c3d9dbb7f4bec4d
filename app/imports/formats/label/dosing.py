"""Dosing records in the words of the label. A dose becomes a number only if the text names exactly one."""

import re
from collections.abc import Iterator, Mapping

from app.imports.candidates import Json
from app.imports.formats.label.codes import DOSAGE
from app.imports.formats.label.conditions import LONGEST_POPULATION, population_of
from app.imports.formats.label.drafting import Draft, Group, coded, groups
from app.imports.formats.label.linking import known_indication
from app.imports.formats.label.quoting import Statement, heading_span, statement_of, title_of
from app.records.base_models import fold

MOST_OF_POPULATION = 400
"""The people of a dose are named at the beginning of its text."""
_DOSE = re.compile(
    r"(?<![\d.,/–-])(?<!\d )(\d{1,3}(?:,\d{3})+|\d{1,6}(?:\.\d{1,4})?) ?(mg|mcg|µg|g|Units|units|mL|IU)\b"
)
_UNCLEAR = re.compile(
    r"/ ?(?:kg|m2|m²|day|hour)|\bper (?:kg|kilogram|day)\b|\d ?(?:to|-|–|or) ?\d|"
    r"\b(?:mg|mcg|µg|g|Units|mL|IU) ?(?:/|hourly\b|(?:per|for each|for every) "
    r"(?!dose|injection|treatment|session|administration))",
    re.I,
)
_RECOMMENDED = re.compile(r"\brecommended (?:dose|dosage)\b[^.]{0,150}\bis (?:a )?(?=\d)", re.I)
_FREQUENCY = re.compile(
    r"\s+(?:(?:administered|given|taken|injected)\s+)?"
    r"((?:once|twice|(?:three|four) times)"
    r"(?:\s+(?:daily|weekly|monthly|a (?:day|week|month)|per (?:day|week)|every \w+))?|"
    r"every (?:other |\d+ )?(?:hours?|days?|weeks?|months?))\b",
    re.I,
)
"""How often a dose is given, directly after it."""
_WEEKS = re.compile(r"\bevery (?:(\d{1,2}) )?(other )?weeks?\b|\b(?:once )?weekly\b|\bonce a week\b", re.I)
_LIST = re.compile(r",? and |, ")


def _one_dose(statement: str) -> Json:
    """The recommended dose, if the text names no other dose, no range, and no dose by weight, surface or time."""
    doses = {(found[1], found[2]) for found in _DOSE.finditer(statement)}
    if len(doses) != 1 or _UNCLEAR.search(statement) or not _is_recommended(statement):
        return {}
    printed, unit = doses.pop()
    plain = printed.replace(",", "")
    number = float(plain) if "." in plain else int(plain)
    dose = f"{printed} {unit}{_frequency(statement)}"
    return {"dose": dose, "unit": unit, "dose_min": number, "dose_max": number, **_interval(statement)}


def _frequency(statement: str) -> str:
    """How often the recommended dose is given, in the words that follow it; empty if the text says so nowhere or in
    several ways.
    """
    said = {found[1] for dose in _DOSE.finditer(statement) if (found := _FREQUENCY.match(statement, dose.end()))}
    return f" {said.pop()}" if len(said) == 1 else ""


def _interval(statement: str) -> Json:
    """The weeks to the next dose, if the text states only one such interval."""
    weeks = {2 if found[2] else int(found[1] or 1) for found in _WEEKS.finditer(statement)}
    return {"retreatment_interval_weeks": weeks.pop()} if len(weeks) == 1 else {}


def _is_recommended(statement: str) -> bool:
    """Whether a dose directly follows `recommended dose is`, so that it is not the strength of a tablet or a vial."""
    return any(_DOSE.match(statement, found.end()) for found in _RECOMMENDED.finditer(statement))


def _indication(draft: Draft, words: str, own: Mapping[str, str]) -> str | None:
    return own.get(fold("indications", words)) or known_indication(words, draft.names)


def _indications(draft: Draft, group: Group, own: Mapping[str, str]) -> list[str]:
    """The ids of the indications that a heading names, either as a whole or as a list of which all are known."""
    span = heading_span(draft.label, group.section)
    if span is None or not group.is_part:
        return []
    heading = draft.label.at(span)
    whole = _indication(draft, heading, own)
    if whole:
        return [whole]
    parts = [_indication(draft, part, own) for part in _LIST.split(heading)]
    found = [part for part in parts if part]
    return list(dict.fromkeys(found)) if len(found) == len(parts) else []


def _only_indication(own: Mapping[str, str]) -> str | None:
    """The indication of a label that has no other, which its dosing is then for."""
    ids = set(own.values())
    return ids.pop() if len(ids) == 1 else None


def _records(draft: Draft, group: Group, statement: Statement, own: Mapping[str, str]) -> Iterator[Json]:
    title = title_of(draft.label, group.section)
    indications = _indications(draft, group, own)
    each: list[str | None] = [*indications] or [_only_indication(own)]
    people = population_of(statement.statement[:MOST_OF_POPULATION])
    for indication in each:
        yield {
            "id": draft.id("dosing", "dosing", title, *([indication] if indication and len(indications) > 1 else [])),
            "product": draft.product,
            "statement": statement.statement,
            "label_country": "US",
            **({"population": people} if people and len(people) <= LONGEST_POPULATION else {}),
            "provenance": draft.provenance(group.sections, statement.spans),
            **({"indication": indication, **_one_dose(statement.statement)} if indication else {}),
        }


def add_dosing(draft: Draft, own: Mapping[str, str]) -> None:
    """Adds dosing candidates; `own` holds the ids of the label's indications by folded name."""
    for section in coded(draft.label.sections, DOSAGE):
        for group in groups(section):
            statement = statement_of(draft.label, group.blocks)
            if statement is None:
                continue
            if statement.cut:
                draft.warn("cut-short", f"dosing: {title_of(draft.label, group.section)}")
            for record in _records(draft, group, statement, own):
                draft.add("dosing", record)

"""Finds the conditions that a sentence of a label says the product is for, and the people it says so of.

sentence  ->  the texts after each action: `treatment of ...`, `to relieve ...`, `patients with ...`
text      ->  without people, purposes and cross-references  ->  one condition, or each of a list of conditions
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from app.imports.formats.label.text import Span

LONGEST_SENTENCE = 2000
LEAST = 2
"""A name of a condition is longer than this."""
LONGEST_POPULATION = 300
LONGEST_CONDITION = 150
"""The longest name of a condition; a longer text is a sentence about it."""

_SENTENCE = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bSt)(?<!\b[A-Z])[.!?](?=\s|$)")
_NUMBER = re.compile(r"\s*\(?(?:\d{1,2}|[a-z])[.)]\s+")
"""The number of a paragraph in a list that is no list element."""
_ACTIONS = re.compile(
    r"\b(?:(?:treatment|management|relief|prevention|prophylaxis|control|suppression) (?:of|for|against)|"
    r"reduction (?:in|of) (?:the )?(?:risks? )?(?:of|for)|due to:|"
    r"(?:relieves?|treats?|treating|relieving|manag(?:e|ing)|prevent(?:s|ing)?|"
    r"(?:reduc(?:e|es|ing)|decreas(?:e|es|ing)|lower(?:s|ing)?) the risks? (?:of|for)|"
    r"(?:reduc(?:e|es|ing)|improv(?:e|es|ing)) (?:the )?signs and symptoms of)|reduces?|reducing)"
    r"\s+(?:the )?(?:signs and symptoms of )?",
    re.I,
)
_REDUCES = re.compile(r"reduc(?:es?|ing)\s+(?!the risk|the signs|signs)", re.I)
_PERSON = (
    r"adults?|adolescents?|child(?:ren)?|infants?|neonates?|boys?|girls?|men|women|males?|females?|"
    r"p(?:a)?ediatrics?|geriatric|elderly|patients?|individuals?|persons?|people"
)
_SUFFERERS = re.compile(
    rf"\b(?:{_PERSON})\b(?:[^.;]{{0,80}}?)(?<!\w)(?:with|suffering from|who have|within [^.]{{1,30}} of)\s+", re.I
)
_STATED_FOR = re.compile(r"\b(?<!not )indicated\s+(?:for|in)\s+(?:the\s+)?|\b(?:effective|useful)\s+in\s+", re.I)
_ACTION_OF_PEOPLE = re.compile(rf"(?:[\w-]+\s+){{0,3}}?(?:{_PERSON})\b", re.I)
_AGE = r"aged?|ages|years?|months?|weeks?|days?|old|older|above|over|younger|under|less|greater|than|at|least|more"
_TOKEN = (
    rf"(?:{_PERSON}|{_AGE}|post-?menopausal|pre-?menopausal|post-?menarchal|pregnant|and|or|of|to|through|from|the|"
    r"who|are|≥|>|<|\d+(?:[-–]\d+)?)"
)
_PEOPLE = re.compile(rf"\b(?:in|for|of)\s+(?P<people>{_TOKEN}(?:[ ,]+{_TOKEN})*)(?=[\s,.;:()\[]|$)", re.I)
_ANY_PERSON = re.compile(rf"\b(?:{_PERSON})\b", re.I)
_DANGLING = re.compile(r"(?:[\s,]+(?:and|or|of|to|through|from|the|who|are|at|than))+$|[\s,]+$", re.I)
_AFTER_CONDITION = re.compile(
    r",\s+(?:with|without|but|in|as|when|who|whose)\b|"
    rf"\s+(?:(?:in|for|among)\s+(?=(?:the\s+|most\s+|some\s+)?(?:\w+[ -]){{0,4}}(?:{_PERSON})\b)|"
    r"(?:when|where|who|whose|whom|that|which|if|unless|because|by|alone|caused by|including|such as|"
    r"in combination with|in conjunction with|as an? |as (?:mono|combination)|"
    r"(?:and )?(?:to|for) (?:the )?(?:reduc|improv|slow|prevent|induc|maint|achiev|delay|treat|reliev|manag|prophyla))"
    r"\b|(?:and\s+)?(?:for\s+)?(?:the\s+)?$)",
    re.I,
)
_CROSS_REFERENCE = re.compile(r"\s*[(\[](?:see )?[^()\[\]]{0,100}\d+(?:\.\d+)?[^()\[\]]{0,100}[)\]]\s*$", re.I)
_JOINT = re.compile(r"\s*,\s*(?:and/or|and|or)\s+|\s*,\s+|\s+(?:and/or|and|or)\s+")
_DISEASE = re.compile(
    r"(?:itis|osis|oses|[ae]mias?|algia|omas?|pathy|pathies|phobia|plegia|rrh(?:o?ea|age|oid)s?|uria|(?:hyper|hypo)tension|uresis|"
    r"aches?|failure|pains?|fevers?|diseases?|disorders?|syndromes?|infections?|infarction|infarcts?|depression|"
    r"diabetes(?: mellitus)?|asthma|cancers?|carcinoma|angina(?: pectoris)?|strokes?|nausea|vomiting|arrhythmias?|"
    r"seizures?|epilepsy|migraines?|insomnia|anxiety|psoriasis|eczema|ulcers?|edema|oedema|obesity|schizophrenia|"
    r"mania|spasms?|pruritus|urticaria|colds?|coughs?|congestion|allerg(?:y|ies)|gout|acne|rosacea|tremors?|"
    r"dystonia|spasticity|thrombo(?:sis|embolism)|embolism|fibrillation|pneumonia|malaria|tuberculosis|"
    r"dysmenorrhea|dysfunction|hyperplasia|hypertrophy|procedures?|abuse|dependence|withdrawal)"
    r"(?:\s*\([^()]*\))?$",
    re.I,
)
"""The endings of names of conditions. A list is split only if each of its parts ends like one, so that `skin and soft
tissue infections` stays whole."""
_END = " .;:,"
_FOLLOWING = re.compile(r"(?:the |any of the )?following\b", re.I)


class Condition(NamedTuple):
    """A condition that a label names."""

    name: Span
    is_sentence: bool
    """Whether the name is a whole sentence, because the label does not name the condition by itself."""
    population: str | None
    """The people, in the words of the label."""


def trimmed(text: str, span: Span) -> Span:
    """The span without white space at its start, and without a cross-reference, a full stop or a list's `and` or `or`
    at its end.
    """
    words = text[span.start : span.end]
    start = span.start + len(words) - len(words.lstrip(" ,;:–—-"))
    words = text[start : span.end]
    while True:
        shorter = _CROSS_REFERENCE.sub("", words).rstrip(_END)
        for joint in (" and", " or"):
            shorter = shorter.removesuffix(joint)
        if shorter == words:
            return Span(start, start + len(words))
        words = shorter


def first_sentence(text: str, span: Span) -> Span:
    """The first sentence of a span; a line break ends it too."""
    number = _NUMBER.match(text, span.start, span.end)
    start = number.end() if number else span.start
    span = Span(start, min(span.end, start + LONGEST_SENTENCE))
    end = _SENTENCE.search(text, span.start, span.end)
    line = text.find("\n", span.start, span.end)
    return Span(span.start, min(end.start() if end else span.end, line if line >= 0 else span.end))


def sentences(text: str, span: Span) -> Iterator[Span]:
    """Yields the sentences of a span."""
    at = span.start
    while at < span.end:
        found = first_sentence(text, Span(at, span.end))
        if text[found.start : found.end].strip():
            yield found
        at = max(found.end + 1, at + 1)


def last_sentence(text: str, span: Span) -> str:
    """The words of the last sentence of a span."""
    *_, last = (span, *sentences(text, span))
    return text[last.start : last.end].strip()


def population_of(words: str) -> str | None:
    """The people that a text names after `in`, `for` or `of`, such as `children 4 years of age and older`."""
    for found in _PEOPLE.finditer(words):
        people = _DANGLING.sub("", found["people"])
        if _ANY_PERSON.search(people) and people.casefold() not in ("patients", "individuals", "people", "persons"):
            return people
    return None


def _without_people(text: str, span: Span) -> Span:
    """What follows `patients with`, if the span begins with people; else the span."""
    if _ACTION_OF_PEOPLE.match(text, span.start, span.end) and (found := _SUFFERERS.search(text, span.start, span.end)):
        return Span(found.end(), span.end)
    return span


def _named(text: str, span: Span) -> Span:
    """The name at the start of a span: without its article, and cut before people, purposes and circumstances."""
    span = _without_people(text, trimmed(text, span))
    end = _AFTER_CONDITION.search(text, span.start, span.end)
    return trimmed(text, Span(span.start, end.start() if end and end.start() > span.start else span.end))


def _parts(text: str, span: Span) -> list[Span]:
    """The conditions of a list such as `osteoarthritis, rheumatoid arthritis, and gout`; else the whole span."""
    found, at = [], span.start
    for joint in _JOINT.finditer(text, span.start, span.end):
        if _is_closed(text, Span(at, joint.start())):
            found.append(Span(at, joint.start()))
            at = joint.end()
    found.append(Span(at, span.end))
    alike = all(_DISEASE.search(text[part.start : part.end]) for part in found)
    return found if alike else [span]


def _is_closed(text: str, span: Span) -> bool:
    """Whether no parenthesis is open at the end of a span."""
    return text.count("(", span.start, span.end) == text.count(")", span.start, span.end)


def _sufferers(text: str, sentence: Span) -> list[Span]:
    """The text after `patients with`, or else after `indicated for`."""
    for pattern in (_SUFFERERS, _STATED_FOR):
        if match := pattern.search(text, sentence.start, sentence.end):
            return [Span(match.end(), sentence.end)]
    return []


def _objects(text: str, sentence: Span) -> list[Span]:
    """The texts after the actions of a sentence; without any, or if the action only reduces a measure, what the
    patients have.
    """
    actions = list(_ACTIONS.finditer(text, sentence.start, sentence.end))
    whom = _sufferers(text, sentence)
    if not actions or (whom and all(_REDUCES.match(found[0]) for found in actions)):
        return whom
    ends = [*(found.start() for found in actions[1:]), sentence.end]
    return [Span(action.end(), end) for action, end in zip(actions, ends, strict=True)]


def named_conditions(text: str, sentence: Span) -> list[Condition]:
    """The conditions that a sentence names; none if it only describes a use."""
    people = population_of(text[sentence.start : sentence.end])
    people = people if people and len(people) <= LONGEST_POPULATION else None
    found = []
    for object in _objects(text, trimmed(text, sentence)):
        span = _named(text, object)
        if not _FOLLOWING.match(text, span.start) and LEAST < span.end - span.start <= LONGEST_CONDITION:
            found += [Condition(part, False, people) for part in _parts(text, span)]
    return found


def conditions_of(text: str, sentence: Span) -> list[Condition]:
    """The conditions that a sentence names, or else what the whole sentence says."""
    sentence = trimmed(text, sentence)
    found = named_conditions(text, sentence)
    if found or sentence.end <= sentence.start:
        return found
    people = population_of(text[sentence.start : sentence.end])
    if sentence.end - sentence.start > LONGEST_CONDITION or _objects(text, sentence):
        return [Condition(sentence, True, people)]
    return [Condition(part, False, people) for part in _parts(text, _named(text, sentence))]

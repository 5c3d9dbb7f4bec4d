"""Domain rules of mechanisms."""

from collections.abc import Iterator

from app.common.problems import Fault
from app.records.mechanisms.schemas import MechanismIn
from app.records.rules import Rule, unique


def _links_are_unique(mechanism: MechanismIn) -> Iterator[Fault]:
    yield from unique("/products", mechanism.products, "product")
    yield from unique("/studies", mechanism.studies, "study")
    yield from unique("/indications", mechanism.indications, "indication")
    yield from unique("/serotypes", mechanism.serotypes, "serotype")


def _has_summary_or_effect(mechanism: MechanismIn) -> Iterator[Fault]:
    if not (mechanism.summary or mechanism.effect):
        yield Fault("a mechanism says how it works (summary) or what follows (effect)", "/summary")


RULES: tuple[Rule[MechanismIn], ...] = (_links_are_unique, _has_summary_or_effect)

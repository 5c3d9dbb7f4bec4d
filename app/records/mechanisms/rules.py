"""Domain rules of mechanisms."""

from collections.abc import Iterator

from app.records.mechanisms.schemas import MechanismIn
from app.records.rules import Fault, Rule, unique


def _linked_once(mechanism: MechanismIn) -> Iterator[Fault]:
    yield from unique("/products", mechanism.products, "product")
    yield from unique("/studies", mechanism.studies, "study")
    yield from unique("/indications", mechanism.indications, "indication")
    yield from unique("/serotypes", mechanism.serotypes, "serotype")


def _says_something(mechanism: MechanismIn) -> Iterator[Fault]:
    if not (mechanism.summary or mechanism.effect):
        yield "/summary", "a mechanism says how it works (summary) or what follows (effect)"


RULES: tuple[Rule[MechanismIn], ...] = (_linked_once, _says_something)

"""Domain rules of indications."""

from collections.abc import Iterator

from app.common.problems import Fault
from app.records.indications.schemas import IndicationIn
from app.records.rules import Rule, unique


def _names_are_unique(indication: IndicationIn) -> Iterator[Fault]:
    yield from unique("/synonyms", indication.synonyms, "synonym")


RULES: tuple[Rule[IndicationIn], ...] = (_names_are_unique,)

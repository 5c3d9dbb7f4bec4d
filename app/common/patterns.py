"""Regular expressions of the forms of fields, each with what it means in words: problems say the words.

OpenAPI and JSON Schema show the expressions; a person who entered something else reads what was expected.
"""

_MEANINGS: dict[str, str] = {}


def pattern(expression: str, meaning: str) -> str:
    """Declare an expression with what it stands for (`a day such as 2010-07-30`), and return the expression."""
    _MEANINGS[expression] = meaning
    return expression


def meaning_of(expression: str) -> str | None:
    """What an expression means in words; None for one that was not declared."""
    return _MEANINGS.get(expression)

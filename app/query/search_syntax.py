"""The query language of `q=`, parsed into a tree.

eyelid ptosis            all words (how strictly: `match=`)      "eyelid ptosis"     a phrase
wryneck OR torticollis   either word                             -children           without the word
mig*                     a prefix                                title:migraine      in one field
(a OR b) c               grouping                                a AND b             both words, however `match` is

    either  :=  all ("OR" all)*
    all     :=  item ("AND"? item)*
    item    :=  ("-" | "!" | "NOT") item  |  FIELD ":" (WORD | PHRASE)  |  "(" either ")"
             |  WORD  |  WORD "*"  |  PHRASE

`NOT`, `AND` and `OR` are operators in capital letters only; `not`, `and` and `or` are words like others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.common.problems import Invalid

MAX_CHARACTERS = 2000
MAX_CLAUSES = 100
MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Words:
    """A word, a prefix or a phrase, searched for in one field or in all."""

    text: str
    at: int
    """The index of its first character in the query."""
    phrase: bool = False
    prefix: bool = False
    field: str | None = None


@dataclass(frozen=True, slots=True)
class All:
    """A conjunction; `required` where it is written with `AND`, so that every part must match in any case."""

    nodes: tuple["Node", ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Any_:
    """A disjunction; the underscore keeps the name apart from `typing.Any`."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """A negation."""

    node: "Node"


Node = Words | All | Any_ | Not


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<open>\() | (?P<close>\))
      | (?P<not>[-!](?=[\w("]))
      | (?P<field>[A-Za-z_]+:(?=["\w(]))
      | "(?P<phrase>[^"]*)"
      | (?P<quote>")
      | (?P<word>[^\s()"]+)""",
    re.VERBOSE,
)


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "quote":
            raise Invalid(f"at character {match.start() + 1}: the double quote is never closed")
        if kind != "space":
            yield _Token(kind, match[kind], match.start())


class _Parser:
    """A recursive-descent parser; `fields` are the names that may precede a colon."""

    def __init__(self, text: str, fields: frozenset[str]) -> None:
        self.tokens = list(_tokens(text))
        self.fields = fields
        self.index = 0
        self.depth = 0

    @property
    def next(self) -> _Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def take(self) -> _Token:
        token = self.tokens[self.index]
        self.index += 1
        return token

    def either(self) -> Node:
        nodes = [self.all()]
        while self.at_operator("OR"):
            self.take_operator()
            nodes.append(self.all())
        return nodes[0] if len(nodes) == 1 else Any_(tuple(nodes))

    def all(self) -> Node:
        nodes: list[Node] = []
        required = False
        while self.next and self.next.kind != "close" and not self.at_operator("OR"):
            if nodes and self.at_operator("AND"):
                self.take_operator()
                required = True
            nodes.append(self.item())
        if not nodes:
            where = f"at character {self.next.at + 1}" if self.next else "at its end"
            raise Invalid(f"{where}: a word is missing")
        return nodes[0] if len(nodes) == 1 else All(tuple(nodes), required)

    def at_operator(self, name: str) -> bool:
        return self.next is not None and self.next.kind == "word" and self.next.text == name

    def take_operator(self) -> None:
        """Take an operator; raises `Invalid` where nothing that it could apply to follows."""
        token = self.take()
        if self.next is None or self.next.kind == "close" or self.at_operator("OR") or self.at_operator("AND"):
            raise Invalid(f"at character {token.at + 1}: nothing stands after {token.text}")

    def item(self) -> Node:
        if self.at_operator("NOT"):
            self.take_operator()
            return Not(self.item())
        token = self.take()
        if token.kind == "not":
            return Not(self.item())
        return self.wanted(token)

    def wanted(self, token: _Token) -> Node:
        """A part that must be there: a field's words, a group or words."""
        if token.kind == "field":
            return self.in_field(token)
        if token.kind == "open":
            return self.group(token)
        if token.text.endswith(":") and token.text[:-1].lower() in self.fields:
            raise Invalid(f"at character {token.at + 1}: nothing stands after {token.text}")
        if token.kind == "word" and token.text == "AND":
            raise Invalid(f"at character {token.at + 1}: nothing stands before AND")
        return _words(token, None)

    def in_field(self, token: _Token) -> Node:
        name = token.text[:-1].lower()
        following = self.take()
        if name not in self.fields:
            if following.kind == "word" and len(name) < 3:  # a ratio, such as T:1
                return Words(f"{token.text}{following.text}", token.at)
            raise Invalid(f"at character {token.at + 1}: there is no field {name!r}", sorted(self.fields))
        if following.kind not in ("word", "phrase"):
            raise Invalid(f"at character {following.at + 1}: after a field stands a word or a phrase")
        return _words(following, name)

    def group(self, token: _Token) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Invalid(f"at character {token.at + 1}: more than {MAX_DEPTH} parentheses inside each other")
        node = self.either()
        if self.next is None:
            raise Invalid(f"at character {token.at + 1}: the parenthesis is never closed")
        self.take()
        self.depth -= 1
        return node


def _words(token: _Token, field: str | None) -> Words:
    prefix = token.kind == "word" and token.text.endswith("*")
    text = token.text.rstrip("*") if prefix else token.text
    return Words(text, token.at, phrase=token.kind == "phrase", prefix=prefix, field=field)


def parse(text: str, fields: frozenset[str]) -> Node:
    """Parse a query into a tree; `fields` are the names that may precede a colon.

    Raises `Invalid` with the place of the error, or for more than 2,000 characters, 100 words or 10 nested groups.
    """
    if len(text) > MAX_CHARACTERS:
        raise Invalid(f"has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    parser = _Parser(text, fields)
    if len(parser.tokens) > MAX_CLAUSES * 2 or sum(t.kind in ("word", "phrase") for t in parser.tokens) > MAX_CLAUSES:
        raise Invalid(f"has more than {MAX_CLAUSES} words and phrases")
    if not parser.tokens:
        raise Invalid("has no words")
    node = parser.either()
    if parser.next is not None:
        raise Invalid(f"at character {parser.next.at + 1}: a parenthesis is closed that was never opened")
    return node


def plain_operators(node: Node) -> list[str]:
    """The words of a query that would be operators if they were written in capital letters, each once."""
    words = [leaf.text for leaf in leaves(node) if not (leaf.phrase or leaf.field)]
    return list(dict.fromkeys(word for word in words if word in ("not", "and", "or")))


def leaves(node: Node) -> Iterator[Words]:
    """All words of a query except the negated ones."""
    if isinstance(node, Words):
        yield node
    elif isinstance(node, All | Any_):
        for inner in node.nodes:
            yield from leaves(inner)

"""Parts of the OpenAPI document that several operations have: components, to which the operations refer."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.api.openapi.parameters import Doc


def share(document: Doc) -> None:
    """Move examples, and parameters and responses that stand twice, into the components, and refer to them."""
    components = document["components"]
    for operation in operations_of(document):
        _name_examples(operation, components["examples"])
    components["parameters"] = _shared(_placed(document, _parameters), "parameters", _parameter_name)
    components["responses"] = _shared(_placed(document, _responses), "responses", _response_name)


def operations_of(document: Doc) -> Iterator[Doc]:
    """Yield every operation of a document."""
    for item in document["paths"].values():
        yield from item.values()


def _name_examples(operation: Doc, named: Doc) -> None:
    """Move the examples of an operation's contents to the named ones, and name those of its parameters.

    Generators write a single `example` into each comment, which makes their files long.
    """
    for parameter in operation.get("parameters", ()):
        parameter["examples"] = {"example": {"value": parameter.pop("example")}}
    contents = {status: response.get("content", {}) for status, response in operation["responses"].items()}
    contents |= {"request": operation.get("requestBody", {}).get("content", {})}
    for place, content in contents.items():
        for media in content.values():
            if "example" in media:
                name = f"{operation['operationId']}-{place}"
                named[name] = {"value": media.pop("example")}
                media["examples"] = {"example": {"$ref": f"#/components/examples/{name}"}}


@dataclass(frozen=True, slots=True)
class _Place:
    """A part that may be shared, by its container and the key or index in it; and the tag of its operation."""

    container: Any
    at: Any
    tag: str

    @property
    def part(self) -> Doc:
        found: Doc = self.container[self.at]
        return found

    @property
    def key(self) -> bytes:
        return orjson.dumps(self.part, option=orjson.OPT_SORT_KEYS)


def _parameters(operation: Doc) -> Iterator[tuple[Any, Any]]:
    parameters = operation.get("parameters", [])
    yield from ((parameters, index) for index in range(len(parameters)))


def _responses(operation: Doc) -> Iterator[tuple[Any, Any]]:
    yield from ((operation["responses"], status) for status in operation["responses"])


def _placed(document: Doc, parts: Callable[[Doc], Iterator[tuple[Any, Any]]]) -> list[_Place]:
    return [_Place(*found, operation["tags"][0]) for operation in operations_of(document) for found in parts(operation)]


def _camel(*names: str) -> str:
    return "".join(word[:1].upper() + word[1:] for name in names for word in re.split(r"[^A-Za-z0-9]+", name))


def _parameter_name(place: _Place) -> str:
    parameter = place.part
    return _camel(parameter["name"], "" if parameter["in"] == "query" else parameter["in"])


def _response_name(place: _Place) -> str:
    content = place.part.get("content", {})
    kinds = content.get("application/problem+json", {}).get("examples", ())
    schemas = [one["schema"].get("$ref", "").rpartition("/")[2] for one in content.values()]
    return _camel("status", place.at, *(kinds if len(kinds) < 3 else ()), *([] if kinds else schemas[:1]))


def _shared(places: list[_Place], kind: str, name_of: Callable[[_Place], str]) -> Doc:
    """Replace each part that stands in several places by a reference, and return these parts by their names."""
    uses: dict[bytes, list[_Place]] = defaultdict(list)
    for place in places:
        uses[place.key].append(place)
    repeated = {key: found for key, found in uses.items() if len(found) > 1}
    names = _names({key: name_of(found[0]) for key, found in repeated.items()}, repeated)
    shared = {names[key]: found[0].part for key, found in repeated.items()}
    for key, found in repeated.items():
        for place in found:
            place.container[place.at] = {"$ref": f"#/components/{kind}/{names[key]}"}
    return dict(sorted(shared.items()))


def _names(wanted: dict[bytes, str], uses: dict[bytes, list[_Place]]) -> dict[bytes, str]:
    """Return a name for each part. Parts that want the same one are told apart by their tag, else by a number."""
    names = {
        key: name if [*wanted.values()].count(name) == 1 else _camel(*_common_tag(uses[key]), name)
        for key, name in wanted.items()
    }
    same: dict[str, list[bytes]] = defaultdict(list)
    for key in sorted(names, key=lambda key: (-len(uses[key]), key)):
        same[names[key]].append(key)
    numbered = ((name, number, key) for name, keys in same.items() for number, key in enumerate(keys, 1))
    return {key: name if number == 1 else f"{name}V{number}" for name, number, key in numbered}


def _common_tag(places: list[_Place]) -> tuple[str, ...]:
    tags = {place.tag for place in places}
    return (tags.pop(),) if len(tags) == 1 else ()

"""Records with a value in every field, made from the models of their types."""

import re
from typing import Any

from pydantic import BaseModel

from app.records.base_schemas import RefersTo, referring
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType

Json = dict[str, Any]

TEXTS = (
    "xxxx",
    "123",
    "xyz",
    "10.1000/x",
    "0333-102X",
    "D008881",
    "P60880",
    "E211KPY694",
    "93384-43-1",
    "https://example.org/",
    "0" * 64,
)
"""One of these is a value of each pattern whose field has no example."""


def whole_record(type: RecordType, ids: dict[RecordType, str]) -> Json:
    """A record of a type with every field. `ids` are those of the records that it refers to, by type."""
    model = RESOURCES[type].entered
    schema = model.model_json_schema()
    return _with_references(_value(schema, schema.get("$defs", {})), model, ids)


def _value(schema: Json, shapes: Json) -> Any:
    """A value of a JSON schema: its example, its first word, or the least that it allows."""
    if "$ref" in schema:
        return _value(shapes[schema["$ref"].rpartition("/")[2]], shapes)
    if "anyOf" in schema:
        return schema["examples"][0] if "examples" in schema else _value(schema["anyOf"][0], shapes)
    if schema.get("type") == "array":
        return [_value(schema["items"], shapes)]
    if "properties" in schema:
        return {name: _value(field, shapes) for name, field in schema["properties"].items()}
    words = schema.get("examples") or schema.get("enum")
    if "pattern" in schema and not words:
        found = next((text for text in TEXTS if re.search(schema["pattern"], text)), None)
        assert found, f"give an example of {schema}"
        return found
    least = {"string": "x", "integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.5), "boolean": True}
    return words[0] if words else schema["const"] if "const" in schema else least.get(schema["type"], {})


def _with_references(value: Json, model: type[BaseModel], ids: dict[RecordType, str]) -> Json:
    """The same record with ids in place of the values of its fields that refer to records."""
    found = dict(value)
    for name, mark in referring(model).items():
        some = isinstance(value[name], list)
        if isinstance(mark, RefersTo):
            found[name] = [ids[mark.type]] if some else ids[mark.type]
        else:
            found[name] = [_with_references(each, mark, ids) for each in value[name]] if some else value[name]
    return found

"""The schemas of OpenAPI's components, made from the models of records and of the other answers.

An answer to `fields=` lacks fields, so the schemas of records that are answered require none, at any depth: there is
one schema for each type, and no union. The schema of a patch is that of an entered record in which every field may be
left out, or be null (RFC 7396).
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from app.api.openapi.answers import ANSWERS
from app.api.openapi.enumerations import enumeration_schemas, with_named_enumerations
from app.api.openapi.imports import SCHEMAS as IMPORT_MODELS
from app.api.openapi.operations import ModelSchema, patch_name, ref
from app.api.openapi.parameters import Doc
from app.api.openapi.releases import SCHEMAS as RELEASE_MODELS
from app.api.openapi.synthesis import SCHEMAS as SYNTHESIS_MODELS
from app.api.openapi.webhook_messages import SCHEMAS as MESSAGE_MODELS
from app.api.openapi.webhooks import SCHEMAS as WEBHOOK_MODELS
from app.records.registry import RESOURCES

PREFIX = "#/components/schemas/"
REF_TEMPLATE = PREFIX + "{model}"


@cache
def component_schemas() -> Doc:
    """Return all schemas by name."""
    shown = _shown_schemas()
    entered = _entered_schemas(shown)
    return dict(sorted({**enumeration_schemas(), **shown, **entered, **_patches(entered)}.items()))


def _made(models: list[ModelSchema]) -> Doc:
    _, found = models_json_schema(models, ref_template=REF_TEMPLATE)
    return {name: with_named_enumerations(_tidied(schema)) for name, schema in found["$defs"].items()}


def _tidied(schema: Any) -> Any:
    """Return a schema without titles, which repeat names, and without defaults, which generators take for promises.

    A default that says something stands in the description.
    """
    if isinstance(schema, list):
        return [_tidied(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidied(inner) for key, inner in schema.items() if key not in ("title", "default", "properties")}
    if "properties" in schema:
        tidied["properties"] = {name: _tidied(inner) for name, inner in schema["properties"].items()}
    if schema.get("default") not in (None, [], {}):
        value = str(schema["default"]).lower() if isinstance(schema["default"], bool) else schema["default"]
        tidied["description"] = f"{schema.get('description', '')} Default: `{value}`.".strip()
    return tidied


def _shown_schemas() -> Doc:
    models: list[ModelSchema] = [(resource.out, "serialization") for resource in RESOURCES.values()]
    models += [(answer, "serialization") for answer in ANSWERS]
    schemas = _made([*models, *WEBHOOK_MODELS, *IMPORT_MODELS, *RELEASE_MODELS, *MESSAGE_MODELS, *SYNTHESIS_MODELS])
    source_record = ref("SourceOut") | {"description": "With `include=provenance`."}
    schemas["ProvenanceOut"]["properties"]["source_record"] = source_record
    for resource in RESOURCES.values():
        type_schema = {"type": "string", "const": resource.type, "description": "The record type."}
        schemas[resource.out.__name__]["properties"]["type"] = type_schema
    for name in _reached(schemas, [resource.out.__name__ for resource in RESOURCES.values()]):
        schemas[name].pop("required", None)
    schemas["SearchPage"]["properties"]["items"]["items"] = {
        "oneOf": [ref(resource.out.__name__) for resource in RESOURCES.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {type: PREFIX + resource.out.__name__ for type, resource in RESOURCES.items()},
        },
    }
    return schemas


def references_in(part: Any) -> Iterator[str]:
    """Yield every `$ref` in a part of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        yield from (found for inner in part.values() for found in references_in(inner))
    elif isinstance(part, list):
        yield from (found for inner in part for found in references_in(inner))


def _reached(schemas: Doc, names: list[str]) -> set[str]:
    """Return some names of schemas and those of all schemas that these refer to."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found and name in schemas:
            found.add(name)
            names += [reference.removeprefix(PREFIX) for reference in references_in(schemas[name])]
    return found


def _entered_schemas(shown: Doc) -> Doc:
    """Return the schemas of records as they are entered, named `Entered...` if the one that is shown differs."""
    schemas = _made([(resource.entered, "validation") for resource in RESOURCES.values()])
    names = {name: f"Entered{name}" for name in schemas if name in shown and shown[name] != schemas[name]}
    return {names.get(name, name): _renamed(schema, names) for name, schema in schemas.items()}


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """Return a schema with all its references to renamed schemas changed."""
    if isinstance(schema, dict):
        return {key: _renamed(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_renamed(value, names) for value in schema]
    name = schema.removeprefix(PREFIX) if isinstance(schema, str) else ""
    return PREFIX + names[name] if name in names and schema != name else schema


def _patches(entered: Doc) -> Doc:
    """Return the schemas of merge patches: those of records, and of the objects in them that are merged too."""
    found: Doc = {}
    for resource in RESOURCES.values():
        name = patch_name(resource)
        found[name] = _patch(entered[resource.entered.__name__], entered, found)
        found[name]["description"] = f"A JSON Merge Patch (RFC 7396) of one {resource.singular} as it was entered."
    return found


def _patch(schema: Doc, entered: Doc, found: Doc) -> Doc:
    properties = {name: _patched(inner, entered, found) for name, inner in schema["properties"].items()}
    return {**{key: inner for key, inner in schema.items() if key != "required"}, "properties": properties}


def _patched(schema: Doc, entered: Doc, found: Doc) -> Doc:
    """Return the schema of a field in a patch."""
    said = {key: inner for key, inner in schema.items() if key == "description"}
    choices = schema.get("anyOf") or [{key: inner for key, inner in schema.items() if key != "description"}]
    choices = [_merged(choice, entered, found) for choice in choices if choice.get("type") != "null"]
    return {"anyOf": [*choices, {"type": "null"}], **said}


def _merged(schema: Doc, entered: Doc, found: Doc) -> Doc:
    """Return a schema in a patch; objects are merged, so their fields too may be left out or be null."""
    name = schema.get("$ref", "").removeprefix(PREFIX)
    if "properties" in entered.get(name, {}):
        patch = f"{name.removeprefix('Entered')}Patch"
        found[patch] = _patch(entered[name], entered, found)
        return ref(patch)
    if schema.get("additionalProperties"):
        return schema | {"additionalProperties": {"anyOf": [schema["additionalProperties"], {"type": "null"}]}}
    return schema

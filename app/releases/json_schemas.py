"""JSON Schemas of the seed files, with which editors can complete and check them; `make schemas` writes them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from app.records.registry import RESOURCES
from app.records.resource import Resource

TEXT_FILE = {
    "type": "string",
    "description": "Name of a file beside this one with the source's text, instead of `text`.",
}


def _schema(resource: Resource) -> dict[str, Any]:
    entered: Any = resource.entered
    schema = TypeAdapter(list[entered]).json_schema()
    if resource.type == "sources":
        schema["$defs"]["SourceIn"]["properties"]["text_file"] = TEXT_FILE
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": resource.title, **schema}


def schema_files() -> Iterator[tuple[str, bytes]]:
    """Yield the file name and the content of each record type's schema."""
    for resource in RESOURCES.values():
        yield f"{resource.type}.json", orjson.dumps(_schema(resource), option=orjson.OPT_INDENT_2) + b"\n"


def main(folder: Path) -> None:
    """Write all schemas into a folder."""
    folder.mkdir(exist_ok=True)
    for name, content in schema_files():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "seeds/schemas"))

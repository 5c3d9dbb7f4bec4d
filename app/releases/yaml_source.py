"""YAML files of records, read with the line of every value and by the core schema of YAML 1.2.

Dates stay text, and `no` is not a boolean. A tab, a merge conflict marker, a repeated key and an alias are faults.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from app.common.problems import Fault, Location

CONFLICT = re.compile(r"^(<{7}|\|{7}|={7}|>{7})( |$)")


def fault_in_file(file: Path | str, line: int, detail: str) -> Fault:
    """A fault that belongs to a line of a file and to no record."""
    return Fault(detail, location=Location(file=str(file), line=line))


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a file. `number` counts the file's records from 1; `node` knows the lines of the values."""

    file: Path
    number: int
    data: Any
    node: yaml.Node

    def line(self, pointer: str) -> int:
        """Return the line of the value at a JSON pointer, or of the nearest existing value around it."""
        node = self.node
        for part in pointer.split("/")[1:]:
            inner = _inside(node, part.replace("~1", "/").replace("~0", "~"))
            if inner is None:
                break
            node = inner
        return int(node.start_mark.line) + 1


def _inside(node: yaml.Node, part: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        inner: yaml.Node = node.value[int(part)]
        return inner
    return None


class _Loader(yaml.CSafeLoader):
    """Resolves plain scalars by the core schema of YAML 1.2, which knows null, booleans and numbers only."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def _marks(file: Path, text: str) -> Iterator[Fault]:
    for number, line in enumerate(text.split("\n"), 1):
        if CONFLICT.match(line):
            yield fault_in_file(file, number, f"a merge conflict was left here: {line[:20]}")
        elif "\t" in line:
            yield fault_in_file(file, number, "there is a tab; write spaces")


class _Walk:
    """Finds faults that the composer accepts: repeated keys, and aliases, which could make a small file huge."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.visited: set[int] = set()

    def faults(self, node: yaml.Node) -> Iterator[Fault]:
        if id(node) in self.visited:
            yield fault_in_file(self.file, node.start_mark.line + 1, "anchors and aliases are not read here")
            return
        self.visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield from self._repeated([key for key, _ in node.value])
        for value in _values(node):
            yield from self.faults(value)

    def _repeated(self, keys: list[yaml.Node]) -> Iterator[Fault]:
        seen: set[str] = set()
        for key in keys:
            if str(key.value) in seen:
                yield fault_in_file(self.file, key.start_mark.line + 1, f"the key {key.value!r} stands here twice")
            seen.add(str(key.value))


def _values(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _compose(file: Path, text: str) -> tuple[list[Item], list[Fault]]:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return [], []
        if not isinstance(node, yaml.SequenceNode):
            return [], [fault_in_file(file, 1, "the file is not a list of records")]
        faults = list(_Walk(file).faults(node))
        numbered = enumerate(node.value, 1) if not faults else ()
        return [Item(file, number, loader.construct_document(item), item) for number, item in numbered], faults
    finally:
        loader.dispose()


def _yaml_fault(file: Path, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    detail = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return fault_in_file(file, mark.line + 1 if mark else 1, str(detail))


def read(file: Path) -> tuple[list[Item], list[Fault]]:
    """Read the records of a file; if it has faults, return those and no records."""
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [], [fault_in_file(file, line, f"byte {error.start} is not UTF-8")]
    except OSError as error:
        return [], [fault_in_file(file, 1, f"the file cannot be read: {error.strerror}")]
    marks = list(_marks(file, text))
    if marks:
        return [], marks
    try:
        return _compose(file, text)
    except yaml.YAMLError as error:
        return [], [_yaml_fault(file, error)]
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        fault = fault_in_file(file, 1, f"a value cannot be read: {error}")
        return [], [fault]

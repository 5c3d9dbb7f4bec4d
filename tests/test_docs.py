"""README and the guides in `docs/` are true: examples, links, commands, modules, settings and the map of the rooms."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer

from app.cli.main import app as command_line
from app.settings import Settings

ROOT = Path(__file__).parents[1]
APP = ROOT / "app"
README = (ROOT / "README.md").read_text()
DOCUMENTS = {path.name: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
TEXTS = {name: path.read_text() for name, path in DOCUMENTS.items()}
BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)

EXAMPLE = re.compile(r"^\$ (curl .*)\n((?:(?!\$ |```).*\n)+)", re.MULTILINE)
"""A command in a code block, and the lines of its output."""
EXAMPLES = [(name, *found) for name, text in TEXTS.items() for found in EXAMPLE.findall(text)]

COMMAND = re.compile(r"(?<![\w./-])evidence ([a-z]+)(?: ([a-z]+))?")


@pytest.mark.parametrize(("document", "command", "shown"), EXAMPLES)
def test_every_curl_answers_what_is_shown(api: httpx.Client, document: str, command: str, shown: str) -> None:
    answer = api.get(shlex.split(command)[-1].removeprefix("http://127.0.0.1:8000"))
    if not shown.startswith("{"):
        assert answer.text.splitlines() == shown.splitlines()
        return
    body, expected = answer.json(), json.loads(shown)
    for either in (body, expected):
        either.pop("request_id", None)
    assert body == expected, answer.text


def test_the_readme_is_short_and_has_five_examples() -> None:
    assert len(README.splitlines()) <= 220
    assert sum(name == "README.md" for name, *_ in EXAMPLES) == 5


def _headings(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]*)\)", TEXTS[name]):
        file, _, anchor = link.partition("#")
        target = DOCUMENTS[name].parent / file if file else DOCUMENTS[name]
        assert target.exists(), link
        assert not anchor or anchor in _headings(target.read_text()), link


def test_every_guide_is_linked_from_the_readme() -> None:
    assert set(re.findall(r"\(docs/([\w-]+\.md)\)", README)) == DOCUMENTS.keys() - {"README.md"}


def _code(text: str) -> Iterator[str]:
    """Yield the lines of a document's code blocks, and its code spans."""
    for block in BLOCK.findall(text):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))


def _commands(commands: typer.Typer, prefix: str = "") -> Iterator[str]:
    for command in commands.registered_commands:
        assert command.callback is not None
        yield prefix + (command.name or command.callback.__name__)
    for group in commands.registered_groups:
        assert group.typer_instance is not None
        yield from _commands(group.typer_instance, f"{group.name} ")


def _named_commands(text: str) -> Iterator[str]:
    groups = {group.name for group in command_line.registered_groups}
    for line in _code(text):
        for first, second in COMMAND.findall(line):
            if first not in groups:
                yield first
            elif second:
                yield f"{first} {second}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_is_named_exists(name: str) -> None:
    assert set(_named_commands(TEXTS[name])) <= set(_commands(command_line))


def test_every_command_is_in_the_admins_guide() -> None:
    assert set(_named_commands(TEXTS["admin.md"])) == set(_commands(command_line))


def test_every_room_is_on_the_map() -> None:
    rows = re.findall(r"^\| (.*?) \|", README.split("## The map")[1].split("\n## ")[0], re.MULTILINE)
    named = {name.removesuffix("/") for row in rows for name in re.findall(r"`([\w.]+/?)`", row)} - {"app"}
    packages = {path.parent.name for path in APP.glob("*/__init__.py")}
    assert named == packages | {path.name for path in APP.glob("*.py")} - {"__init__.py"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_module_that_is_named_exists(name: str) -> None:
    for path in re.findall(r"`([\w/*]+\.py)`", TEXTS[name]):
        assert any([*ROOT.glob(path), *APP.rglob(path)]), path


def test_every_setting_is_described_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `EVIDENCE_(\w+)` \| `([^`]*)` \| \S", TEXTS["settings.md"], re.MULTILINE))
    assert rows.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if name == "database_url" else field.default
        assert rows[name.upper()] in (str(default), str(default).lower()), name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert set(re.findall(r"\bEVIDENCE_(\w+)", TEXTS[name])) <= {field.upper() for field in Settings.model_fields}

"""Every `curl` in the README answers what it says there, and its map names what is there."""

import json
import re
import shlex
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^\$ (curl .*)\n(.*)$", README, re.MULTILINE)


@pytest.mark.parametrize(("command", "shown"), EXAMPLES)
def test_every_curl_answers_what_it_says(api: httpx.Client, command: str, shown: str) -> None:
    url = shlex.split(command)[-1].removeprefix("http://127.0.0.1:8000")
    answer, expected = api.get(url).json(), json.loads(shown)
    for body in (answer, expected):
        body.pop("request_id", None)
    assert answer == expected, api.get(url).text


def test_there_are_five_of_them() -> None:
    assert len(EXAMPLES) == 5


def test_the_map_names_every_module() -> None:
    named = set(re.findall(r"(\w+)\.py", README)) | {"__init__"}
    assert {path.stem for path in (ROOT / "app").glob("*.py")} <= named
    for folder in (path for path in (ROOT / "app").iterdir() if (path / "__init__.py").exists()):
        assert re.search(rf"\b{folder.name}\b", README), folder

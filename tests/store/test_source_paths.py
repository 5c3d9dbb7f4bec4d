"""Where in a JSON source a field was mapped from: entered, shown, checked, and kept through all changes."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app.database.engine import reading
from app.store import integrity as maintaining
from app.store.submission import Submission
from app.store.validation import check
from tests.changing import change
from tests.conftest import serving, settings_for

PATHS = {"enrolled": "/protocolSection/designModule/enrollmentInfo/count", "title": "/a/0/b~1c"}
TEXT = "Sixty took part."


def source(text: str) -> tuple[Any, dict[str, Any]]:
    return "sources", {"id": "s", "kind": "registry-record", "tier": "primary", "title": "R", "text": text}


def study(paths: dict[str, str], **more: Any) -> tuple[Any, dict[str, Any]]:
    cited = {"source": "s", "quote": "Sixty", "paths": paths}
    return "studies", {"id": "st", "title": "T", "provenance": [cited], **more}


def asked(engine: Engine, *paths: str) -> list[Any]:
    url = engine.url.render_as_string(hide_password=False)
    with serving(settings_for(url)) as client:
        return [client.get(path).json() for path in paths]


def test_paths_survive_edits_and_the_source_itself(engine: Engine) -> None:
    assert change(engine, [source(TEXT), study(PATHS)])
    assert change(engine, [study(PATHS, enrolled=60)])
    assert change(engine, [source(f"It is said: {TEXT}")])
    assert change(engine, [study({"enrolled": "/x"}, enrolled=60)])
    assert list(maintaining.check(engine)) == []
    one, *versions = asked(engine, "/v1/studies/st", *(f"/v1/studies/st/versions/{n}" for n in (1, 2, 3)))
    paths = [version["document"]["provenance"][0]["paths"] for version in versions]
    assert paths == [PATHS, PATHS, PATHS]
    assert one["provenance"][0]["paths"] == {"enrolled": "/x"}
    (diff,) = asked(engine, "/v1/studies/st/diff?from=3&to=4")
    assert any(step["path"].startswith("/provenance/0/paths") for step in diff["patch"])


@pytest.mark.parametrize(
    ("paths", "pointer"),
    [
        ({"enroled": "/x"}, "/provenance/0/paths/enroled"),
        ({"outcomes/0": "/x", "a/b": "/x"}, "/provenance/0/paths/a~1b"),
        ({"title": "x"}, "/provenance/0/paths/title"),
        ({"title": "/~2"}, "/provenance/0/paths/title"),
        ({"title": 5}, "/provenance/0/paths/title"),
    ],
)
def test_a_path_is_of_a_field_and_is_a_pointer(engine: Engine, paths: Any, pointer: str) -> None:
    _, record = study(paths)
    del record["provenance"][0]["quote"]
    assert change(engine, [source(TEXT)])
    with reading(engine) as connection:
        _, faults = check(connection, [Submission(0, "studies", record)])
    assert [fault.pointer for fault in faults] == [pointer]

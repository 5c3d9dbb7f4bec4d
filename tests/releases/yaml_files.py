"""Files to load, and what is stored then."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from app.common.problems import Fault
from app.database.engine import reading
from app.records.base_models import Record
from app.releases.load import InvalidContent, load
from app.store.documents import Document, State

GOOD: dict[str, str] = {
    "sources.yaml": """
- id: article
  kind: article
  tier: other
  text_file: article.txt
- id: registry
  kind: registry-record
  tier: primary
  url: https://example.org/NCT1
""",
    "products.yaml": """
- id: ona
  name: onabotulinumtoxinA
  brand_names: [Botox]
  provenance:
  - source: article
    quote: Botox acts
""",
    "studies.yaml": """
- id: first
  title: The first study
  design: randomized-controlled-trial
  products: [ona]
  arms:
  - key: a
    name: A
    n: 10
  outcomes:
  - measure: Response
    kind: binary
    results:
    - {arm: a, n: 10, events: 4, percent: 40.0}
  provenance:
  - source: registry
""",
    "article.txt": "Botox acts on nerves. It is what it is.",
}


def faults_of(engine: Engine, path: Path) -> list[Fault]:
    before = state(engine)
    with pytest.raises(InvalidContent) as caught:
        load(engine, path)
    assert state(engine) == before
    return caught.value.faults


def state(engine: Engine) -> tuple[Any, ...]:
    with reading(engine) as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (Record, Document)]
        return *counts, connection.scalar(select(State.revision)), connection.scalar(select(State.loaded))


AGAIN = "the quote stands at 25 and at 36; say which by `start`"


NO_RECORD = "Input should be a valid dictionary or instance of StudyIn, not 'just text'"


ELSEWHERE = "../article.txt: it must be a plain name of a file beside this one"

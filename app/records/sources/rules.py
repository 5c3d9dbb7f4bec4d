"""Domain rules of sources. A source needs no provenance, since it is the provenance of others."""

from collections.abc import Iterator
from hashlib import sha256

from app.records.rules import Fault, Rule
from app.records.sources.schemas import SourceIn


def _has_url_or_text(source: SourceIn) -> Iterator[Fault]:
    if source.url is None and source.text is None and source.kind != "compilation":
        yield "/url", "a source that is no compilation of ours needs a url or its text"


def _sha256_matches_text(source: SourceIn) -> Iterator[Fault]:
    if source.sha256 and source.text is None and source.retrieved_on is None:
        yield "/sha256", "there is no text to have this SHA-256, nor a day when it was read"
    elif source.sha256 and source.text is not None:
        found = sha256(source.text.encode()).hexdigest()
        if found != source.sha256:
            yield "/sha256", f"the text has the SHA-256 {found}"


RULES: tuple[Rule[SourceIn], ...] = (_has_url_or_text, _sha256_matches_text)

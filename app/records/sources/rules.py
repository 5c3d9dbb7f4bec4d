"""Domain rules of sources. A source needs no provenance, since it is the provenance of others."""

from collections.abc import Iterator
from hashlib import sha256

from app.common.problems import Fault
from app.records.rules import Rule
from app.records.sources.schemas import SourceIn


def _has_url_or_text(source: SourceIn) -> Iterator[Fault]:
    if source.url is None and source.text is None and source.kind != "compilation":
        yield Fault("a source that is no compilation of ours needs a url or its text", "/url")


def _sha256_matches_text(source: SourceIn) -> Iterator[Fault]:
    if source.sha256 and source.text is None and source.retrieved_on is None:
        yield Fault("there is no text to have this SHA-256, nor a day when it was read", "/sha256")
    elif source.sha256 and source.text is not None:
        found = sha256(source.text.encode()).hexdigest()
        if found != source.sha256:
            yield Fault(f"the text has the SHA-256 {found}", "/sha256")


RULES: tuple[Rule[SourceIn], ...] = (_has_url_or_text, _sha256_matches_text)

"""The JSON shapes of sources: as they are entered and as they are answered."""

from pydantic import Field

from app.common.patterns import pattern
from app.records.base_schemas import Fields, Identified, RecordIn, RecordOut
from app.records.fields import Count, Line, Name, PartialDate
from app.records.vocabularies import SourceKind, Tier

URL = pattern(r"^https?://[!-~]+$", "an address that begins with http:// or https://")
SET_ID = pattern(
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "a set id such as 485d9b71-6881-42c5-a620-a4360c7192ab"
)


class SourceFields(Fields):
    kind: SourceKind = Field(description="What the source is.", examples=["article"])
    tier: Tier = Field(
        description="`primary` (journal, registry, regulator, official label), `manufacturer`, `aggregator` or `other`."
    )
    title: Line | None = Field(None, description="Title of the source.")
    url: str | None = Field(
        None,
        max_length=2000,
        pattern=URL,
        description="Where the source is on the web.",
    )
    publisher: Name | None = Field(None, description="Who published it.")
    licence: Name | None = Field(None, description="Under what terms its text may be used.")
    retrieved_on: PartialDate | None = Field(None, description="When it was read.")
    sha256: str | None = Field(
        None,
        pattern=pattern(r"^[0-9a-f]{64}$", "a SHA-256 of 64 hexadecimal digits"),
        description="SHA-256 of the stored text, in UTF-8; where none is stored, of what was read on `retrieved_on`.",
    )

    set_id: str | None = Field(
        None,
        pattern=SET_ID,
        description="What FDA calls a label through all its versions.",
        examples=["485d9b71-6881-42c5-a620-a4360c7192ab"],
    )
    version: Count | None = Field(
        None, description="Which version of it was read, as its publisher counts.", examples=[34]
    )
    effective_date: PartialDate | None = Field(None, description="Since when this version stands.")


class SourceIn(SourceFields, RecordIn):
    text: str | None = Field(
        None, max_length=20_000_000, description="Full text, only where it may be stored; quotes are checked in it."
    )


class SourceOut(RecordOut, SourceFields, Identified):
    """Where statements come from. Its stored text, if any, is at `/v1/sources/{id}/text`."""

    text_length: int | None = Field(description="Length of the stored text in Unicode code points.")

"""The filters that all record types but sources have, since their records cite sources."""

from typing import Annotated

from pydantic import Field

from app.records.fields import AbsenceReason, AlertState, EvidenceBasis, QuoteStatus, Tier
from app.records.filters import Filter, Tests, boolean, reference, text, word


class CitedFilter(Filter):
    """The filters of a type whose records cite sources."""

    evidence_basis: Annotated[
        Tests, word(EvidenceBasis), Field(description="`secondary`: no primary source covers the whole record.")
    ] = ()
    needs_primary_source: Annotated[
        Tests, boolean(), Field(description="A curator flagged that primary sources do not cover the record.")
    ] = ()
    source: Annotated[Tests, reference("sources", "article"), Field(description="Source cited.")] = ()
    source_tier: Annotated[Tests, word(Tier), Field(description="Tier of a source cited.")] = ()
    alert: Annotated[
        Tests,
        word(AlertState),
        Field(description="What became of a publication it rests on; `missing`: nothing known."),
    ] = ()
    quote: Annotated[
        Tests, text("present"), Field(description="An exact quote given as proof; `present` or `missing`.")
    ] = ()
    quote_status: Annotated[
        Tests, word(QuoteStatus), Field(description="What became of a quote when its source's text was replaced.")
    ] = ()
    absent: Annotated[Tests, text("title"), Field(description="A field whose absence the source explains.")] = ()
    absence_reason: Annotated[Tests, word(AbsenceReason), Field(description="Why a field is missing.")] = ()

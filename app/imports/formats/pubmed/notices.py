"""Notices such as corrections and retractions: NLM's names for them, and the retraction state that follows."""

from collections.abc import Iterable

from app.imports.candidates import Json, PartialUpdate
from app.records.vocabularies import NoticeKind, RetractionState

OF_XML: dict[str, NoticeKind] = {
    "CommentIn": "comment-in",
    "CommentOn": "comment-on",
    "CorrectedandRepublishedFrom": "corrected-and-republished-from",
    "CorrectedandRepublishedIn": "corrected-and-republished-in",
    "ErratumFor": "erratum-for",
    "ErratumIn": "erratum-in",
    "ExpressionOfConcernFor": "expression-of-concern-for",
    "ExpressionOfConcernIn": "expression-of-concern-in",
    "OriginalReportIn": "original-report-in",
    "PartialRetractionIn": "partial-retraction-in",
    "PartialRetractionOf": "partial-retraction-of",
    "PatientSummaryIn": "summary-for-patients-in",
    "ReprintIn": "reprint-in",
    "ReprintOf": "reprint-of",
    "RepublishedFrom": "republished-from",
    "RepublishedIn": "republished-in",
    "RetractedandRepublishedFrom": "retracted-and-republished-from",
    "RetractedandRepublishedIn": "retracted-and-republished-in",
    "RetractionIn": "retraction-in",
    "RetractionOf": "retraction-of",
    "SummaryForPatientsIn": "summary-for-patients-in",
    "UpdateIn": "update-in",
    "UpdateOf": "update-of",
}
"""Notices by the `RefType` of CommentsCorrections. `Cites` and associated data are not notices."""

OF_LINES: dict[str, NoticeKind] = {
    "CIN": "comment-in",
    "CON": "comment-on",
    "CRF": "corrected-and-republished-from",
    "CRI": "corrected-and-republished-in",
    "ECF": "expression-of-concern-for",
    "ECI": "expression-of-concern-in",
    "EFR": "erratum-for",
    "EIN": "erratum-in",
    "ORI": "original-report-in",
    "PRIN": "partial-retraction-in",
    "PROF": "partial-retraction-of",
    "RIN": "retraction-in",
    "ROF": "retraction-of",
    "RPF": "republished-from",
    "RPI": "republished-in",
    "RRF": "retracted-and-republished-from",
    "RRI": "retracted-and-republished-in",
    "SPIN": "summary-for-patients-in",
    "UIN": "update-in",
    "UOF": "update-of",
}
"""Notices by the tags of the line format."""

_MAKES: dict[str, RetractionState] = {
    "retraction-in": "retracted",
    "retracted-and-republished-in": "retracted",
    "expression-of-concern-in": "expression-of-concern",
    "partial-retraction-in": "corrected",
    "corrected-and-republished-in": "corrected",
    "erratum-in": "corrected",
}
_MAKES_OTHER: dict[str, RetractionState] = {
    "retraction-of": "retracted",
    "retracted-and-republished-from": "retracted",
    "expression-of-concern-for": "expression-of-concern",
    "partial-retraction-of": "corrected",
    "corrected-and-republished-from": "corrected",
    "erratum-for": "corrected",
}
_WORST: tuple[RetractionState, ...] = ("retracted", "expression-of-concern", "corrected")


def state(notices: Iterable[Json], publication_types: Iterable[str]) -> RetractionState:
    """The most severe retraction state that notices and types give a publication; `none` if there is no notice."""
    found = {_MAKES.get(notice["kind"]) for notice in notices}
    if "Retracted Publication" in publication_types:
        return "retracted"
    return next((one for one in _WORST if one in found), "none")


def partial_updates(notices: Iterable[Json]) -> tuple[PartialUpdate, ...]:
    """The states that notices give to the publications that they are about."""
    return tuple(
        PartialUpdate("publications", notice["pmid"], {"retraction_state": _MAKES_OTHER[notice["kind"]]})
        for notice in notices
        if notice["kind"] in _MAKES_OTHER and "pmid" in notice
    )

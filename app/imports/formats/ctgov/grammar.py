"""The part of ClinicalTrials.gov's grammar that is read (OpenAPI 2.0.3, schema `Study`), and its validation.

Other fields are neither read nor validated, so that later versions may add some. A `null` is an absent value. Enum
values are not validated either: an unknown one is left out where it is read.
"""

import re
from typing import Any

from app.common.validation_errors import pointer_of
from app.imports.candidates import Json


class Malformed(Exception):
    """A value that the grammar does not allow. `path` leads to it, its last part first."""

    def __init__(self, detail: str) -> None:
        self.detail, self.path = detail, list[int | str]()

    @property
    def pointer(self) -> str:
        return pointer_of(tuple(reversed(self.path)))


DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
PARTIAL_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
NCT_ID = re.compile(r"NCT[0-9]{8}")
NAMES: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    DAY: "a day such as 2010-07-30",
    PARTIAL_DATE: "a date such as 2010, 2010-07 or 2010-07-30",
    NCT_ID: "an NCT number of eight digits",
}

Shape = Any
"""A type, a pattern of text, a list with the shape of its items, or a dictionary with the shapes of fields."""

_DATED: Shape = {"date": PARTIAL_DATE, "type": str}
_POSTED: Shape = {"date": DAY, "type": str}
_GROUPS: Shape = [{"id": str, "title": str, "description": str}]
_DENOMS: Shape = [{"units": str, "counts": [{"groupId": str, "value": str}]}]
_FLOW: Shape = [{"groupId": str, "comment": str, "numSubjects": str, "numUnits": str}]
_MESHES: Shape = {"meshes": [{"id": str, "term": str}], "browseLeaves": [{"name": str, "asFound": str}]}
_REGISTERED: Shape = [{"measure": str, "description": str, "timeFrame": str}]
_MEASUREMENT: Shape = dict.fromkeys(("groupId", "value", "spread", "lowerLimit", "upperLimit", "comment"), str)
_ANALYSIS_TEXTS = (
    "paramType",
    "paramValue",
    "dispersionType",
    "dispersionValue",
    "statisticalMethod",
    "statisticalComment",
    "pValue",
    "pValueComment",
    "ciNumSides",
    "ciPctValue",
    "ciLowerLimit",
    "ciUpperLimit",
    "ciLowerLimitComment",
    "ciUpperLimitComment",
    "estimateComment",
    "nonInferiorityType",
    "nonInferiorityComment",
    "otherAnalysisDescription",
    "groupDescription",
)
_ANALYSIS: Shape = {**dict.fromkeys(_ANALYSIS_TEXTS, str), "testedNonInferiority": bool, "groupIds": [str]}
_MEASURE_TEXTS = (
    "type",
    "title",
    "description",
    "populationDescription",
    "reportingStatus",
    "paramType",
    "dispersionType",
    "unitOfMeasure",
    "timeFrame",
    "typeUnitsAnalyzed",
    "denomUnitsSelected",
)
_MEASURE: Shape = {
    **dict.fromkeys(_MEASURE_TEXTS, str),
    "groups": _GROUPS,
    "denoms": _DENOMS,
    "classes": [
        {"title": str, "denoms": _DENOMS, "categories": [{"title": str, "measurements": [_MEASUREMENT]}]},
    ],
    "analyses": [_ANALYSIS],
}
_EVENT_COUNTS = tuple(f"{kind}Num{what}" for kind in ("deaths", "serious", "other") for what in ("Affected", "AtRisk"))
_EVENTS: Shape = [
    {
        "term": str,
        "organSystem": str,
        "assessmentType": str,
        "stats": [{"groupId": str, "numEvents": int, "numAffected": int, "numAtRisk": int}],
    }
]
_RESULTS: Shape = {
    "participantFlowModule": {
        "groups": _GROUPS,
        "periods": [
            {
                "title": str,
                "milestones": [{"type": str, "comment": str, "achievements": _FLOW}],
                "dropWithdraws": [{"type": str, "comment": str, "reasons": _FLOW}],
            }
        ],
    },
    "outcomeMeasuresModule": {"outcomeMeasures": [_MEASURE]},
    "adverseEventsModule": {
        "timeFrame": str,
        "eventGroups": [{"id": str, "title": str, "description": str, **dict.fromkeys(_EVENT_COUNTS, int)}],
        "seriousEvents": _EVENTS,
        "otherEvents": _EVENTS,
    },
}
_PROTOCOL: Shape = {
    "identificationModule": {
        "nctId": NCT_ID,
        "nctIdAliases": [str],
        "briefTitle": str,
        "officialTitle": str,
        "acronym": str,
        "secondaryIdInfos": [{"id": str, "type": str, "domain": str}],
    },
    "statusModule": {
        "statusVerifiedDate": PARTIAL_DATE,
        "overallStatus": str,
        "whyStopped": str,
        "startDateStruct": _DATED,
        "primaryCompletionDateStruct": _DATED,
        "completionDateStruct": _DATED,
        **dict.fromkeys(("studyFirstSubmitDate", "studyFirstSubmitQcDate", "lastUpdateSubmitDate"), DAY),
        **dict.fromkeys(("resultsFirstSubmitDate", "resultsFirstSubmitQcDate"), DAY),
        **dict.fromkeys(
            ("studyFirstPostDateStruct", "resultsFirstPostDateStruct", "lastUpdatePostDateStruct"), _POSTED
        ),
    },
    "sponsorCollaboratorsModule": {"leadSponsor": {"name": str}, "collaborators": [{"name": str}]},
    "conditionsModule": {"conditions": [str], "keywords": [str]},
    "designModule": {
        "studyType": str,
        "patientRegistry": bool,
        "targetDuration": str,
        "phases": [str],
        "designInfo": {
            "allocation": str,
            "interventionModel": str,
            "primaryPurpose": str,
            "observationalModel": str,
            "timePerspective": str,
            "maskingInfo": {"masking": str},
        },
        "enrollmentInfo": {"count": int, "type": str},
    },
    "armsInterventionsModule": {
        "armGroups": [{"label": str, "type": str, "description": str, "interventionNames": [str]}],
        "interventions": [
            {"type": str, "name": str, "description": str, "armGroupLabels": [str], "otherNames": [str]},
        ],
    },
    "outcomesModule": dict.fromkeys(("primaryOutcomes", "secondaryOutcomes", "otherOutcomes"), _REGISTERED),
    "eligibilityModule": {"sex": str, "minimumAge": str, "maximumAge": str, "healthyVolunteers": bool},
    "referencesModule": {
        "references": [{"pmid": str, "type": str, "retractions": [{"pmid": str, "source": str}]}],
    },
}
STUDY: Shape = {
    "protocolSection": _PROTOCOL,
    "resultsSection": _RESULTS,
    "derivedSection": {"miscInfoModule": {"versionHolder": DAY}, "conditionBrowseModule": _MESHES},
}


def check(study: Json) -> None:
    """Raises `Malformed` at the first place that breaks the grammar."""
    _object(study, STUDY)


def _object(value: Any, shape: dict[str, Shape]) -> None:
    if type(value) is not dict:
        raise Malformed("this is no object")
    for name, inner in value.items():
        wanted = shape.get(name)
        if wanted is None or inner is None or type(inner) is wanted:
            continue
        try:
            _value(inner, wanted)
        except Malformed as fault:
            fault.path.append(name)
            raise


def _value(value: Any, shape: Shape) -> None:
    kind = type(shape)
    if kind is dict:
        _object(value, shape)
    elif kind is list:
        _list(value, shape[0])
    elif kind is type or type(value) is not str or not shape.fullmatch(value):
        raise Malformed(f"{_short(value)} is not {NAMES[shape]}")


def _list(value: Any, shape: Shape) -> None:
    if type(value) is not list:
        raise Malformed("this is no list")
    for index, item in enumerate(value):
        if type(item) is shape:
            continue
        try:
            _value(item, shape)
        except Malformed as fault:
            fault.path.append(index)
            raise


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"

"""LOINC codes of the sections of labels: the kind of safety note of each, and its usual name."""

from app.records.vocabularies import SafetyKind

BOXED = "34066-1"
INDICATIONS = "34067-9"
DOSAGE = "34068-7"
MECHANISM = "43679-0"
CLINICAL_PHARMACOLOGY = "34090-1"
ADVERSE_REACTIONS = "34084-4"
OVERDOSAGE = "34088-5"
IMMUNOGENICITY = "88830-5"
PRECAUTIONS = "42232-9"
PATIENTS = "34076-0"

KINDS: dict[str, SafetyKind] = {
    BOXED: "boxed-warning",
    "34070-3": "contraindication",
    "50570-1": "contraindication",
    "43685-7": "warning",
    "34071-1": "warning",
    PRECAUTIONS: "warning",
    "34072-9": "warning",
    "50565-1": "warning",
    "50566-9": "warning",
    "50567-7": "warning",
    "50568-5": "warning",
    "50569-3": "warning",
    "54433-8": "warning",
    "60561-8": "warning",
    ADVERSE_REACTIONS: "adverse-reaction",
    "34073-7": "interaction",
    "34074-5": "interaction",
    "43684-0": "special-population",
    "42228-7": "special-population",
    "34077-8": "special-population",
    "34078-6": "special-population",
    "34079-4": "special-population",
    "34080-2": "special-population",
    "77290-5": "special-population",
    "77291-3": "special-population",
    "34081-0": "special-population",
    "34082-8": "special-population",
    "53414-9": "special-population",
    IMMUNOGENICITY: "immunogenicity",
}

NAMES: dict[str, str] = {
    BOXED: "Boxed warning",
    INDICATIONS: "Indications and usage",
    DOSAGE: "Dosage and administration",
    "34070-3": "Contraindications",
    "43685-7": "Warnings and precautions",
    "34071-1": "Warnings",
    PRECAUTIONS: "Precautions",
    "34072-9": "General precautions",
    ADVERSE_REACTIONS: "Adverse reactions",
    "34073-7": "Drug interactions",
    "34074-5": "Drug and laboratory test interactions",
    "43684-0": "Use in specific populations",
    "42228-7": "Pregnancy",
    "34077-8": "Teratogenic effects",
    "34078-6": "Nonteratogenic effects",
    "34079-4": "Labor and delivery",
    "34080-2": "Nursing mothers",
    "77290-5": "Lactation",
    "77291-3": "Females and males of reproductive potential",
    "34081-0": "Pediatric use",
    "34082-8": "Geriatric use",
    OVERDOSAGE: "Overdosage",
    "43683-2": "Recent major changes",
    MECHANISM: "Mechanism of action",
    CLINICAL_PHARMACOLOGY: "Clinical pharmacology",
    IMMUNOGENICITY: "Immunogenicity",
    "50570-1": "Do not use",
    "50569-3": "Ask a doctor",
    "50568-5": "Ask a doctor or pharmacist",
    "50567-7": "When using",
    "50566-9": "Stop use",
    "50565-1": "Keep out of reach of children",
    "53414-9": "If pregnant or breast-feeding",
    "54433-8": "User safety warnings",
    "60561-8": "Other safety information",
}
"""The names of sections that have no heading."""

ABSOLUTE = frozenset({BOXED, "34070-3", "43685-7"})
"""Sections whose subsections are of the kind of the section, whatever their own codes are."""

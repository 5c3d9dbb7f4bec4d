"""The words in author fields that are no names of persons: suffixes, degrees, titles, particles, words of groups."""

import re

SUFFIXES = {
    **{"jr": "Jr", "junior": "Jr", "sr": "Sr", "senior": "Sr", "2nd": "2nd", "ii": "2nd", "3rd": "3rd", "iii": "3rd"},
    **{"4th": "4th", "iv": "4th", "5th": "5th"},
}
"""Suffixes, lower case without periods, as MEDLINE writes them."""

DEGREES = frozenset(
    {
        *(
            "MD",
            "PhD",
            "PHD",
            "DPhil",
            "MPH",
            "MSc",
            "MSC",
            "BSc",
            "MBBS",
            "MBChB",
            "MRCP",
            "FRCP",
            "FRCS",
            "FACS",
            "FACP",
        ),
        *(
            "FAAN",
            "DDS",
            "DMD",
            "DVM",
            "PharmD",
            "PHARMD",
            "ScD",
            "DrPH",
            "MBA",
            "MSN",
            "BSN",
            "RN",
            "CRNP",
            "PA-C",
            "DNP",
        ),
        *("EdD", "PsyD", "FRCPC", "MBBCh", "MMed", "MHS", "MSCR", "FAAP", "FAAOS", "Esq"),
    }
)
"""Degrees as they are printed, without periods; `Md` is a given name."""
TITLES = frozenset({"Dr", "Prof", "Professor"})
SHORT_DEGREES = frozenset({"MA", "BA", "MS", "BS", "DO", "PT", "JD", "DPT", "MM", "DC", "OT", "PA"})
"""Degrees that could be initials; dropped only where they stand alone behind a comma, after other given names."""
NO_NAME = frozenset({"null", "none", "n/a"})
PARTICLES = frozenset(
    [
        "van",
        "von",
        "der",
        "den",
        "de",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "das",
        "du",
        "la",
        "le",
        "el",
        "al",
        "bin",
        "ibn",
        "ten",
        "ter",
        "zu",
        "zur",
        "af",
        "av",
        "y",
        "e",
    ]
)
GROUP_WORDS = re.compile(
    r"\b(?:group|study|trial|investigators?|consortium|committee|collaborat\w+|network|society|association|universit\w+|"
    r"institut\w+|cent(?:er|re)s?|department|team|organi[sz]ation|task force|foundation|agency|ministry|hospital|"
    r"council|college|academy|federation|initiative|project|program(?:me)?|inc|ltd|llc|gmbh|corporation|pharmaceuticals?|"
    r"registry|panel|board|unit|service|bureau|office|administration|clinic|laborator(?:y|ies))\b",
    re.IGNORECASE,
)
CJK = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Letters of Chinese, Japanese and Korean names."""

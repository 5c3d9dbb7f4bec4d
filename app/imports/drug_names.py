"""Names of drugs: the one substance or brand that an intervention's printed name is about.

`Atorvastatin 40mg/Day` is atorvastatin, and so are `atorvastatin calcium tablets` and `Drug: Atorvastatin (Lipitor)`.
Doses, forms, salts, routes, frequencies and words for arms are removed. A name of several drugs, of a comparator, of a
procedure or of a kind of treatment is of no drug, because a wrong link is worse than a missing one.
"""

import re
import unicodedata

_PREFIX = re.compile(r"(?:drug|biological|experimental|active)\s*:\s*", re.I)
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_MARKS = re.compile(r"[®™©]|\((?:r|tm)\)", re.I)
_UNIT = (
    r"(?:mg|mcg|µg|μg|ug|ng|g|gm|kg|ml|dl|l|iu|miu|u|units?|%|percent|ppm|mmol|meq|mci|gbq|mbq|auc|mm|cm|"
    r"micrograms?|milligrams?|grams?|millilit(?:er|re)s?)"
)
_PER = r"(?:\s*/\s*(?:[\d.]+\s*)?(?:kg|m2|m²|m\^2|ml|l|g|h|hr|hours?|d|days?|weeks?|wk|months?|doses?|min|mg)\b)*"
_DOSE = re.compile(rf"(?<![\w.])\d[\d.,]*(?:\s*(?:-|–|to|or|/)\s*\d[\d.,]*)*\s*-?{_UNIT}{_PER}(?!\w)", re.I)
_FREQUENCY = re.compile(
    r"\b(?:q\d*[dwh]|q\d+|qds?|bid|tid|qid|qod|qhs|qw|hs|prn|po|p\.o\.|iv|i\.v\.|sc|s\.c\.|im|i\.m\.|"
    r"(?:once|twice|(?:one|two|three|four|\d+) (?:times?|x))(?:[ -](?:a|per|every))?[ -]?(?:day|daily|week|weekly|"
    r"month|monthly)?|(?:per|a|every|each)(?: \d+)?(?: other)? (?:day|week|month|hour)s?|daily|weekly|monthly|nightly|"
    r"(?:for )?\d+ (?:days?|weeks?|months?|doses?|cycles?))(?!\w)|/\s*(?:day|d|week|month)\b",
    re.I,
)
_FORM = re.compile(
    r"\b(?:(?:film[- ])?coated|chewable|effervescent|sublingual|oral(?:ly)?|tablets?|tabs?|capsules?|caps?|pills?|"
    r"injections?|injectable|infusions?|solutions?|suspensions?|emulsion|creams?|gels?|ointments?|lotion|foam|patch(?:es)?|"
    r"sprays?|inhalers?|inhalation|powders?|lyophili[sz]ed|syrup|drops?|eye|granules?|suppository|rinse|mouthwash|kit|"
    r"pre-?filled|pens?|syringes?|vials?|(?:extended|sustained|delayed|immediate|prolonged|modified|controlled|slow)"
    r"[- ]release|(?:xr|er|sr|ir|cr|xl|la|dr|mr)|intravenous(?:ly)?|subcutaneous(?:ly)?|intramuscular(?:ly)?|topical|"
    r"ophthalmic|nasal|intranasal|transdermal|intravitreal|for injection|"
    r"(?:low|high|medium|standard|lower|higher|fixed|single|multiple)[- ]dos(?:e|age)s?|dos(?:e|age)s?|"
    r"(?:dosing|treatment) (?:group|arm)|group|arm|cohort)(?![\w-])\.?",
    re.I,
)
_SEVERAL = re.compile(
    r"[+/,;；，、&|]|\b(?:and|or|with|without|plus|versus|vs|combined|combination|followed|then|added|add-on|to|in|"
    r"for|of|by|on|the|from|as|not|after|before|between|und|et|y|con)\b",
    re.I,
)
_NO_DRUG = re.compile(
    r"\b(?:placebos?|plcb|sham|dummy|vehicle|saline|water|control(?:s|led)?|comparators?|standard|usual|convention(?:al)?|"
    r"routine|best|supportive|care|background|rescue|pre-?medication|maintenance|induction|adjuvant|neo-?adjuvant|"
    r"concomitant|concurrent|therap(?:y|ies|eutics?)|treat(?:ment|ments|ed)|regimens?|protocols?|intervention(?:s|al)?|"
    r"chemo\w*|radio\w*|radiation|immunotherapy|surgery|surgical|procedures?|blocks?|an(?:a)?esthe\w+|epidural|"
    r"iontophoresis|biops\w+|blood|plasma|serum|transfusion|transplant\w*|cells?|acupuncture|exercise|massage|diet|"
    r"education\w*|counsel+ing|program(?:me)?s?|training|monitoring|observation\w*|questionnaires?|surveys?|tests?|"
    r"assessments?|apps?|device|inhibitors?|antagonists?|agonists?|blockers?|analog(?:ue)?s?|agents?|drugs?|"
    r"medic(?:ine|ines|ation|ations|inal)|vaccin\w*|antibod(?:y|ies)|antibiotics?|steroids?|corticosteroids?|"
    r"anti\w*s|statins|supplements?|other|various|any|no|none|study|investigational|experimental|active|open|label|blind|"
    r"phase|part|period|stage|step|sequence|regular|basal|bolus|acting|mixed|generic|brand|reference|test|new|current|"
    r"patients?|participants?|subjects?|volunteers?|healthy|switch\w*|discontinu\w*|withdraw\w*|continu\w*|"
    r"transforaminal|intra-?articular|guided|based|sugar|statin|delayed(?![- ]release)|early|late|start(?:ing|ed)?|"
    r"loading|load|double|triple|half|full|normal|intensity|intensive|titrat\w*|escalat\w*|wash-?out|baseline|run-?in|"
    r"follow-?up|screening|visits?|taper\w*|courses?|intermittent|continuous|repeated|lifestyle|behaviou?r\w*|mri|pet|ct|"
    r"imaging|contrast|lasers?|physio\w*|hormones?|probiotics?|opioids?|vitamins|heavy|light|"
    r"folfox\w*|folfiri\w*|folfirinox|r?-?chop|xelox|capox|abvd|car-?t|insulins|pumps?|filler|herbs?|herbal)\b",
    re.I,
)
_SALTS = frozenset(
    re.findall(
        r"\w+",
        "calcium sodium potassium disodium magnesium zinc hydrochloride hcl dihydrochloride hydrobromide hbr "
        "sulfate sulphate bisulfate bisulphate mesylate mesilate maleate malate tartrate bitartrate citrate "
        "phosphate acetate fumarate hemifumarate succinate besylate besilate tosylate nitrate bromide chloride "
        "trihydrate monohydrate dihydrate hydrate anhydrous pamoate gluconate lactate tromethamine esylate "
        "edisylate ",
    )
)
_ELEMENTS = frozenset(
    re.findall(
        r"\w+",
        "calcium sodium potassium magnesium zinc iron ferrous ferric lithium copper aluminum aluminium ammonium "
        "barium silver strontium manganese selenium gold bismuth hydrogen ",
    )
)
"""Substances whose salts are named by both words: zinc sulfate is not zinc."""
_PAIR = re.compile(r"(?<![a-z])[a-z]{6,}-[a-z]{6,}(?![a-z])", re.I)
"""Two long words joined by a hyphen, such as `sacubitril-valsartan`: two drugs."""
_LONG_WORD = re.compile(r"[^\W\d_]{5,}|\b(?:alfa|beta)\b", re.I)
_LETTERS, _SIGNS = re.compile(r"[^\W\d_]{2}"), re.compile(r"[:=<>?!()\[\]{}\"]")
_GLUED_DOSE = re.compile(rf"(?<=[a-z]{{5}})(?=\d[\d.,]*\s*-?{_UNIT}(?!\w))", re.I)
_GLUED_NUMBER = re.compile(r"[^\W\d_]{7}\d")
"""A name with a number of a dose or an arm, such as `rosuvastatin20`."""
_BEGINNING = re.compile(r"(?:\d+|[^\W\d_]) ")
_ENDING = re.compile(r"(?<!\btype)(?<!\bvitamin)(?<!\bfactor) (?:[\d.]+|[^\W\d_])$")
MOST_WORDS = 4
LONGEST = 80


def _without_salt(words: list[str]) -> list[str]:
    kept = list(words)
    while len(kept) > 1 and kept[-1].casefold() in _SALTS:
        kept.pop()
    named = " ".join(words).casefold()
    return words if any(word.casefold() in _ELEMENTS for word in kept) or "calcium phosphate" in named else kept


def _written(word: str) -> str:
    """The one spelling of a word of a name: codes such as BMS-986278 are in capitals, other words in small letters."""
    return word.lower() if _LONG_WORD.search(word) or not any(map(str.isdigit, word)) else word.upper()


def drug_name(printed: str) -> str | None:
    """The name of the one drug that a printed name is about, in one spelling; `None` if it is about none or several."""
    text = " ".join(_MARKS.sub(" ", unicodedata.normalize("NFKC", printed)).split())
    text = _GLUED_DOSE.sub(" ", _PREFIX.sub("", text, count=1))
    if len(text) > 3 * LONGEST or _NO_DRUG.search(_FREQUENCY.sub(" ", text)):
        return None
    for pattern in (_BRACKETS, _DOSE, _FREQUENCY, _FORM):
        text = pattern.sub(" ", text)
    text = " ".join(text.split()).strip(" .:-–—*")
    if not text or _SEVERAL.search(text) or _PAIR.search(text):
        return None
    words = _without_salt(text.split())
    name = " ".join(map(_written, words))
    return name if len(words) <= MOST_WORDS and len(name) <= LONGEST and _is_name(name) else None


def _is_name(name: str) -> bool:
    """Whether a name has letters and no signs, and no number or letter of a dose or an arm at its ends."""
    arms = (_ENDING.search(name), _BEGINNING.match(name), _GLUED_NUMBER.search(name))
    return bool(_LETTERS.search(name)) and not _SIGNS.search(name) and not any(arms)

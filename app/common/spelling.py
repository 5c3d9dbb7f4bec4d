"""The search form of a text: one spelling for British and American words, and names for single Greek letters.

Search compares texts in this form, and titles are identified by it; what is printed is never changed. The rules are
those of the families of spellings that occur in registry records, PubMed and labels (ae/e, oe/e, our/or, re/er,
ise/ize, yse/yze, ogue/og, doubled l, sulph/sulf). Each rule names its words or roots: `aerobic`, `exercise`, `four` and
`coefficient` are no British spellings.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_ROOTS_AE = (
    *("haem", "aemi", "aemo", "paed", "aesth", "aetiol", "caec", "caes", "faec", "gynae", "phaeo", "naev", "palaeo"),
    *("praevia", "taeni", "archaeo", "mediaev"),
)
_ROOTS_OE = (
    *("oedem", "oestr", "foet", "rrhoea", "rrhoei", "rrhoeo", "pnoe", "coelia", "coelom", "homoeo", "amoeb", "manoeuv"),
    "subpoen",
)
_OUR = (
    *("tum", "behavi", "misbehavi", "col", "discol", "fav", "hon", "lab", "neighb", "hum", "vap", "od", "harb", "rig"),
    *("vig", "arm", "endeav", "ferv", "flav", "sav", "rum", "splend", "clam"),
)
_RE = (
    *(
        "cent",
        "met",
        "lit",
        "fib",
        "calib",
        "tit",
        "theat",
        "meag",
        "spect",
        "sab",
        "lust",
        "och",
        "goit",
        "mit",
        "nit",
    ),
    *("sepulch", "somb", "scept", "louv"),
)
_DOUBLED = (
    "label|travel|model|remodel|cancel|counsel|signal|fuel|channel|tunnel|level|panel|dial|marvel|jewel|equal|pencil"
)
_NO_ISE = (
    *(
        "exerc",
        "r",
        "ra",
        "prec",
        "compr",
        "rev",
        "no",
        "adv",
        "exc",
        "inc",
        "bru",
        "superv",
        "comprom",
        "prom",
        "surpr",
    ),
    *("conc", "dev", "disgu", "enterpr", "expert", "franch", "improv", "merchand", "parad", "pra", "prem", "telev"),
    *(
        "treat",
        "ar",
        "w",
        "po",
        "cru",
        "dem",
        "desp",
        "circumc",
        "appra",
        "appr",
        "pr",
        "chem",
        "mala",
        "repr",
        "turquo",
    ),
    *("lia", "bra", "an", "torto", "porpo", "gu", "otherw", "likew", "clockw", "stepw", "pairw", "v", "prov", "dism"),
    *("cerv", "mayonna", "upr", "sunr", "counterpo", "prognost", "t", "len", "br"),
)
_WORDS = {
    **{"programme": "program", "programmes": "programs", "licence": "license", "licences": "licenses"},
    **{"licenced": "licensed", "practise": "practice", "practised": "practiced", "practising": "practicing"},
    **{"grey": "gray", "greys": "grays", "ageing": "aging", "judgement": "judgment", "judgements": "judgments"},
    **{"acknowledgement": "acknowledgment", "defence": "defense", "offence": "offense", "pretence": "pretense"},
    **{"skilful": "skillful", "enrol": "enroll", "enrols": "enrolls", "enrolment": "enrollment", "mould": "mold"},
    **{"fulfil": "fulfill", "fulfils": "fulfills", "fulfilment": "fulfillment", "moulds": "molds", "tyre": "tire"},
    **{
        "instil": "instill",
        "distil": "distill",
        "artefact": "artifact",
        "artefacts": "artifacts",
        "sceptic": "skeptic",
    },
    **{"aluminium": "aluminum", "learnt": "learned", "orientated": "oriented", "storey": "story", "plough": "plow"},
    **{"anaesthetise": "anesthetize", "analogue": "analog", "analogues": "analogs", "catalogue": "catalog"},
    **{"catalogues": "catalogs", "dialogue": "dialog", "dialogues": "dialogs", "homologue": "homolog"},
    **{"homologues": "homologs", "cheque": "check", "kerb": "curb", "whilst": "while", "amongst": "among"},
    **{"tranquilliser": "tranquilizer", "tranquillisers": "tranquilizers", "speciality": "specialty"},
    **{"specialities": "specialties", "wilful": "willful", "woollen": "woolen", "moult": "molt", "smoulder": "smolder"},
}
_GREEK_LETTERS = "αβγδεζηθικλνξοπρσςτυφχψωϑϕϵ"
_GREEK_NAMES = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "nu", "xi"),
    *("omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "theta", "phi"),
    "epsilon",
)
_GREEK = dict(zip(_GREEK_LETTERS, _GREEK_NAMES, strict=True))

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"({'|'.join(_ROOTS_AE)})"), "ae"),
    (re.compile(rf"(^oesoph|(?<=o)oesoph|{'|'.join(_ROOTS_OE)})"), "oe"),  # gastroesophageal is American
    (re.compile(rf"^((?:un|dis|mis|multi|versi|uni|bi|tri|non|anti)?(?:{'|'.join(_OUR)}))our"), r"\1or"),
    (re.compile(rf"((?:{'|'.join(_RE)}))re(s|d)?$"), r"\1er\2"),
    (re.compile(r"is(ations?|ational)$"), r"iz\1"),
    (re.compile(rf"^(?!(?:{'|'.join(_NO_ISE)})is)(\w{{3,}}?)is(e|es|ed|er|ers|ing|able)$"), r"\1iz\2"),
    (re.compile(r"(anal|paral|catal|dial|hydrol|electrol|autol|haemol|hemol)ys(e|ed|ing|er|ers)$"), r"\1yz\2"),
    (re.compile(rf"^((?:un|re|mis)?(?:{_DOUBLED}))l(ed|ing|er|ers|or|ors|ist|ists)$"), r"\1\2"),
    (re.compile(r"leuco(?=cyt|pen|pla|trien|enceph)"), "leuko"),
    (re.compile(r"disc(?=ectom|itis|ograph)"), "disk"),
    (re.compile(r"^((?:vaso|broncho)?dilat)ation(s?)$"), r"\1ion\2"),
    (re.compile(r"sulph"), "sulf"),
)
_SHORTENED = {"ae": "e", "oe": "e"}
TABLES = (sorted(_WORDS.items()), sorted(_GREEK.items()), [(rule.pattern, form) for rule, form in _RULES])
"""All that the search form follows from; the name of an index on disk is made of it."""

_WORD = re.compile(r"[^\W\d_]+")
_GREEK_RUN = re.compile(r"[\u0370-\u03ff\u00b5]+")


class Replacement(NamedTuple):
    """A part of a text, from `start` to before `end` in code points, and what stands there in its search form."""

    start: int
    end: int
    text: str


@lru_cache(maxsize=50_000)
def american(word: str) -> str:
    """The American spelling of a word in lower case; the word itself where it has none of its own."""
    if word in _WORDS:
        return _WORDS[word]
    for pattern, replacement in _RULES:
        if replacement in _SHORTENED:
            word = pattern.sub(lambda root: root[0].replace(replacement, "e"), word)  # noqa: B023  # used at once
        else:
            word = pattern.sub(replacement, word)
    return word


def _letter_name(letter: str, after: str) -> str:
    """The name of a Greek letter; a micro sign before a unit (`µg`) is written u."""
    if letter in "µμ":
        return "u" if after.isalpha() else "mu"
    return _GREEK.get(letter, "")


def _greek(text: str) -> Iterator[Replacement]:
    """Names of Greek letters that stand alone or in a Latin word; words of the Greek language stay."""
    for found in _GREEK_RUN.finditer(text):
        start, end = found.span()
        if end > start + 1:
            continue
        before, after = text[start - 1 : start], text[end : end + 1]
        if name := _letter_name(found[0].lower(), after):
            lead = " " if before.isalnum() else ""
            yield Replacement(start, end, lead + name + (" " if after.isalpha() and name != "u" else ""))


@lru_cache(maxsize=100_000)
def _british(token: str) -> tuple[str, ...]:
    """The words of a text between two spaces that have an American spelling."""
    return tuple(word for word in _WORD.findall(token) if american(word) != word)


def _spellings(text: str) -> Iterator[Replacement]:
    # Most texts have no British word. Each distinct token is looked up once, before any word is located.
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter such as İ becomes two
        lowered = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)
    for word in {word for token in set(lowered.split()) for word in _british(token)}:
        start = lowered.find(word)
        while start >= 0:
            end = start + len(word)
            if not (lowered[start - 1 : start].isalpha() or lowered[end : end + 1].isalpha()):
                yield Replacement(start, end, american(word))
            start = lowered.find(word, end)


def replacements(text: str) -> list[Replacement]:
    """The parts of a text that differ in its search form, in order, without overlaps."""
    greek = () if text.isascii() else _greek(text)
    return sorted([*_spellings(text), *greek])


def _applied(text: str, parts: list[Replacement]) -> str:
    pieces, end = [], 0
    for part in parts:
        pieces += [text[end : part.start], part.text]
        end = part.end
    return "".join([*pieces, text[end:]])


def search_form(text: str) -> str:
    """The text as search and title keys compare it; case, accents and ligatures are the analyser's to fold."""
    text = text if text.isascii() else unicodedata.normalize("NFC", text)
    parts = replacements(text)
    return _applied(text, parts) if parts else text


class Aligned:
    """A text in its search form, whose places can be said in the text as it is printed."""

    def __init__(self, text: str) -> None:
        self._parts = replacements(text)
        self.form = _applied(text, self._parts) if self._parts else text
        self._starts: list[int] = []
        shift = 0
        for part in self._parts:
            self._starts.append(part.start + shift)
            shift += len(part.text) - (part.end - part.start)

    def printed(self, start: int, end: int) -> tuple[int, int]:
        """The place in the printed text of a place in the form; a place within a replacement is the whole of it."""
        return self._printed(start, last=False), self._printed(end, last=True)

    def _printed(self, place: int, *, last: bool) -> int:
        number = bisect_right(self._starts, place - last) - 1
        if number < 0:
            return place
        part, start = self._parts[number], self._starts[number]
        if place - last < start + len(part.text):
            return part.end if last else part.start
        return place - start - len(part.text) + part.end

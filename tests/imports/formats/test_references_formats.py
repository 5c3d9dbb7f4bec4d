"""References in BibTeX, CSL-JSON and EndNote's formats, which are recognised by their content, and their encodings."""

from pathlib import Path

import orjson
import pytest

from app.imports.candidates import Json, Unreadable
from app.imports.formats.references.bibtex_fields import person
from app.imports.formats.references.latex import decode
from tests.commands import run
from tests.imports.formats.references_reading import Result, ris
from tests.offered import FIXTURES

WANTED: Json = {
    "id": "pmid-90000001",
    "pmid": "90000001",
    "doi": "10.1234/inv_under.2010",
    "title": "Onabotulinum in S. aureus: 10⁹/L of H2O & 50% more",
    "title_kind": "printed",
    "journal": "The Invented Journal, Supplement",
    "issn": "0333-1024",
    "year": 2010,
    "date": "2010-07",
    "volume": "7",
    "issue": "2",
    "pages": "12-19",
    "authors": ["Smith JA", "Über J Jr", "van Water L", "DRY-1 Study Group"],
    "authors_complete": False,
    "collective_authors": ["DRY-1 Study Group"],
    "keywords": ["liquids", "wine"],
}


def without_provenance(publication: Json) -> Json:
    return {name: value for name, value in publication.items() if name != "provenance"}


def test_bibtex() -> None:
    result = Result((FIXTURES / "references/library.bib").read_bytes())
    assert without_provenance(result.publications[0]) == WANTED
    assert [(one["title"], one["date"]) for one in result.publications[1:]] == [
        ("Waters of the World, as They Are", "2014"),
        ("A guide to water on the web, for all", "2015-03-02"),
        ("Still waters run deep, as we all know", "2014"),
    ]
    assert result.publications[3]["note"] == "In: Waters of the World, as They Are"
    assert result.warnings == []
    assert len(result.states) == len(
        (FIXTURES / "references/library.bib").read_text().replace("\n\n", "\n").splitlines()
    )


def test_faults_in_bibtex_are_told() -> None:
    text = (
        "@article{a, title = {One}, journal = cep, strange = {x}, doi = {10.5555/1}, doi = {10.5555/2}}\n"
        '@article{b, title = {Cut\n@comment{x}\n@article(c, title = "Three, {in} parentheses", crossref = {nobody})\n'
        "words\n"
    )
    result = Result(text)
    assert result.titles == ["One", "Three, in parentheses"]
    assert result.kinds == ["second-value", "macro-not-known", "field-not-kept", "crossref-not-here"]
    assert [(one.place, one.detail[:24]) for one in result.rejections] == [
        ("line 2", "the entry does not end, "),
        ("line 5", "it stands outside of all"),
    ]


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("John Smith", "Smith, John"),
        ("Ludwig van Water", "van Water, Ludwig"),
        ("Smith, John", "Smith, John"),
        ("Smith J", "Smith J"),
        ("{World Water Group}", "{World Water Group}"),
        ("World Health Organization", "World Health Organization"),
        ('M{\\"u}ller, J.', "Müller, J."),
        ("Jean {de la Cour}", "de la Cour, Jean"),
        ("Plato", "Plato"),
    ],
)
def test_names_in_bibtex(printed: str, name: str) -> None:
    assert person(printed) == name


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("J{\\'o}n \\& {\\ss}{\\o}\\v{c}", "Jón & ßøč"),
        ("$\\alpha$-blocker in 50% of 100\\%", "α-blocker in 50% of 100%"),
        ("10$^{-8}$ and log$_{10}$4", "10<sup>-8</sup> and log<sub>10</sub>4"),
        ("10\\textsuperscript{9}", "10<sup>9</sup>"),
        ("a -- b", "a – b"),
        ("plain", "plain"),
    ],
)
def test_latex(printed: str, text: str) -> None:
    assert decode(printed) == text


ITEM: Json = {
    "id": "a1",
    "type": "article-journal",
    "title": "Onabotulinum in <i>S. aureus</i>: 10<sup>9</sup>/L of H<sub>2</sub>O &amp; 50% more",
    "container-title": "The Invented Journal, Supplement",
    "issued": {"date-parts": [[2010, "7"]]},
    "volume": 7,
    "issue": "2",
    "page": "12-19",
    "DOI": "https://doi.org/10.1234/inv_under.2010",
    "PMID": "90000001",
    "ISSN": ["1111-1111", "0333-1024"],
    "keyword": "liquids, wine",
    "author": [
        {"family": "Smith", "given": "John A."},
        {"family": "Über", "given": "Jón", "suffix": "Jr."},
        {"family": "Water", "given": "Ludwig", "non-dropping-particle": "van"},
        {"literal": "DRY-1 Study Group"},
        {"literal": "others"},
    ],
}


@pytest.mark.parametrize("form", ["array", "page", "single", "lines", "utf-16", "mark"])
def test_csl_json(form: str) -> None:
    item = orjson.dumps(ITEM)
    texts = {
        "array": b"\n [" + item + b"]",
        "page": b'{"items": [' + item + b"]}",
        "single": item,
        "lines": item + b"\n" + item,
        "utf-16": (b"[" + item + b"]").decode().encode("utf-16"),
        "mark": b"\xef\xbb\xbf[" + item + b"]",
    }
    result = Result(texts[form])
    assert [without_provenance(one) for one in result.publications] == [WANTED] * (2 if form == "lines" else 1)


def test_faults_in_csl_json_are_told() -> None:
    assert [one.place for one in Result(b'[{"title": "x"}, 1, {"id": "y"}]').rejections] == ["item 2", "item 3"]
    assert [one.place for one in Result(b'{"title": "x"}\n{"title"').rejections] == ["line 2"]
    with pytest.raises(Unreadable, match="after item 1"):
        Result(b'[{"title": "x"}, {"title')


XML = """<?xml version="1.0" encoding="UTF-8"?><xml><records><record><ref-type name="Journal Article">17</ref-type>
<contributors><authors><author><style face="normal">Smith, John A.</style></author><author>Über, Jón, Jr.</author>
<author>van Water, Ludwig</author><author>DRY-1 Study Group,</author><author>et al</author></authors></contributors>
<titles><title><style face="normal">Onabotulinum in </style><style face="italic">S. aureus</style>: 10<style
face="superscript">9</style>/L of H<style face="subscript">2</style>O &amp; 50% more</title></titles>
<periodical><full-title>The Invented Journal, Supplement</full-title></periodical><pages>12-19</pages><volume>7</volume>
<number>2</number><keywords><keyword>liquids</keyword><keyword>wine</keyword></keywords><dates><year>2010</year>
<pub-dates><date>Jul</date></pub-dates></dates><isbn>0333-1024 (Print)</isbn><accession-num>90000001</accession-num>
<electronic-resource-num>10.1234/inv_under.2010</electronic-resource-num><remote-database-name>Medline</remote-database-name>
</record><record><titles/></record></records></xml>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_endnote_xml(encoding: str) -> None:
    result = Result(XML.encode(encoding))
    assert [without_provenance(one) for one in result.publications] == [WANTED]
    assert [one.place for one in result.rejections] == ["record 2"]


TAGGED = """%0 Journal Article
%A Smith, John A.
%A Über, Jón, Jr.
%A van Water, Ludwig
%A DRY-1 Study Group,
%A et al
%T Onabotulinum in <i>S. aureus</i>: 10<sup>9</sup>/L
of H2O & 50% more
%J The Invented Journal, Supplement
%D 2010
%8 Jul
%V 7
%N 2
%P 12-19
%@ 0333-1024
%R 10.1234/inv_under.2010
%M 90000001
%W PubMed
%K liquids
wine
%I Nobody
%| what

"""


def test_endnote_tagged() -> None:
    result = Result(TAGGED + "%0 Book\n%T Another one\n\n%0 Book\n%A Nobody, N.\n")
    assert [without_provenance(one) for one in result.publications][:1] == [WANTED]
    assert result.titles[1:] == ["Another one"]
    assert [one.place for one in result.rejections] == ["line 27"]
    assert sorted(result.states) == [*range(1, 23), 24, 25, 27, 28]


def test_a_named_encoding_is_used() -> None:
    text = ris("AU  - Müller, Jörg").replace("A made reference", "Frage und Größe")
    for encoding in ("cp850", "utf-16-le", "gb18030", "mac-roman"):
        result = Result(text.encode(encoding), encoding)
        assert (result.titles, result.publications[0]["authors"]) == (["Frage und Größe"], ["Müller J"])
        assert result.warnings == []


def test_bytes_that_are_in_no_encoding_refuse_their_record_alone() -> None:
    good = ris()
    bad = ris().replace("reference", "Größe").encode("latin-1").replace(b"\xf6", b"\x81")
    result = Result(good.encode() + bad + good.encode())
    assert (result.titles, [one.place for one in result.rejections]) == (["A made reference"] * 2, ["line 4"])
    named = Result(good.encode() + ris().replace("made", "größe").encode("latin-1"), "utf-8")
    assert (len(named.titles), [one.place for one in named.rejections]) == (1, ["line 4"])


def test_each_line_is_read_in_its_own_encoding() -> None:
    text = ris("AU  - Müller, J.").encode() + ris("AU  - Größer, J.").encode("cp1252")
    result = Result(text)
    assert [one["authors"] for one in result.publications] == [["Müller J"], ["Größer J"]]
    assert result.kinds == ["encoding-guessed"]


def test_the_command_takes_an_encoding(tmp_path: Path) -> None:
    file, database = tmp_path / "x.ris", tmp_path / "x.db"
    file.write_bytes(ris("DO  - 10.5555/1").replace("made", "größe").encode("cp850"))
    assert run(database, "migrate").returncode == 0
    done = run(database, "import", "references", str(file), "--encoding", "cp850")
    assert (done.returncode, "1 applied" in done.stdout) == (0, True), done.stderr
    for format, encoding in (("references", "nonsense"), ("pubmed", "utf-8"), ("references", "base64")):
        refused = run(database, "import", format, str(file), "--encoding", encoding)
        assert (refused.returncode, "--encoding" in refused.stderr) == (2, True), refused.stderr

"""Mechanisms of labels: in a section of their own, in clinical pharmacology, and coded by class indexing."""

from io import BytesIO

import pytest

from app.imports.formats.label import units
from app.imports.name_index import NO_NAMES
from tests.imports.formats.label_parts import labelled, of, prove, read, section

SET_ID = "0badcafe-0000-4000-8000-00000000000b"
NO_CODE = "<section><title>{title}</title><text>{text}</text></section>"


def test_the_mechanism_of_a_label_without_a_section_of_its_own() -> None:
    headed = NO_CODE.format(title="12.1 Mechanism of Action", text="It inhibits HMG-CoA reductase.")
    other = NO_CODE.format(title="12.3 Pharmacokinetics", text="It is absorbed.")
    pharmacology = (
        f'<section><code code="34090-1"/><title>CLINICAL PHARMACOLOGY</title><text>General.</text>'
        f"<component>{headed}</component><component>{other}</component></section>"
    )
    unit = read(labelled(pharmacology))
    prove(unit)
    [mechanism] = of(unit, "mechanisms")
    assert mechanism["summary"] == "It inhibits HMG-CoA reductase."
    assert mechanism["provenance"][0]["section"].startswith("34090-1 CLINICAL PHARMACOLOGY > 12.1 Mechanism")


def test_clinical_pharmacology_in_prose_states_the_mechanism_until_another_theme_begins() -> None:
    text = "<paragraph>It lowers glucose.</paragraph><paragraph>Pharmacokinetics: it is absorbed.</paragraph>"
    unit = read(labelled(section("34090-1", text)))
    prove(unit)
    assert [each["summary"] for each in of(unit, "mechanisms")] == ["It lowers glucose."]


def test_a_section_on_the_mechanism_comes_before_clinical_pharmacology() -> None:
    unit = read(labelled(section("43679-0", "It binds TNF."), section("34090-1", "It is given by injection.")))
    assert [each["summary"] for each in of(unit, "mechanisms")] == ["It binds TNF."]


def indexing(*classes: str, unii: str = "A0JWA85V8F") -> bytes:
    kinds = "".join(
        f"<asSpecializedKind><generalizedMaterialKind>"
        f'<code code="N000{number}" codeSystem="2.16.840.1.113883.3.26.1.5" displayName="{name}"/>'
        f"</generalizedMaterialKind></asSpecializedKind>"
        for number, name in enumerate(classes)
    )
    substance = (
        f'<identifiedSubstance><code code="{unii}" codeSystem="2.16.840.1.113883.4.9"/><name>Atorvastatin</name>{kinds}'
        "</identifiedSubstance>"
    )
    return (
        f'<document xmlns="urn:hl7-org:v3"><code code="60685-1"/><title>Indexing</title><setId root="{SET_ID}"/>'
        '<versionNumber value="2"/><component><structuredBody><component><section><code code="48779-3"/>'
        f"<subject><identifiedSubstance>{substance}</identifiedSubstance></subject></section></component>"
        "</structuredBody></component></document>"
    ).encode()


def test_class_indexing_gives_a_product_and_coded_mechanisms() -> None:
    unit = read(indexing("HMG-CoA Reductase Inhibitor [EPC]", "Hydroxymethylglutaryl-CoA Reductase Inhibitors [MoA]"))
    prove(unit)
    [product] = of(unit, "products")
    assert (product["id"], product["name"], product["unii"]) == ("atorvastatin", "Atorvastatin", "A0JWA85V8F")
    assert "manufacturer" not in product
    [mechanism] = of(unit, "mechanisms")
    assert mechanism["action_type"] == "Hydroxymethylglutaryl-CoA Reductase Inhibitors"
    assert mechanism["products"] == ["atorvastatin"]
    assert mechanism["provenance"][0]["quote"].endswith("Reductase Inhibitors (N0001)")


@pytest.mark.parametrize(
    ("name", "field"), [("Decreased Glucose Production [PE]", "effect"), ("Biguanide [EPC]", "action_type")]
)
def test_an_effect_is_an_effect_and_a_class_stands_for_a_mechanism_that_is_not_coded(name: str, field: str) -> None:
    [mechanism] = of(read(indexing(name)), "mechanisms")
    assert mechanism[field] == name.partition(" [")[0]


def test_a_document_without_product_and_substance_is_refused() -> None:
    [found] = units(BytesIO(indexing("Biguanide [EPC]", unii="none")), "x.xml", NO_NAMES)
    assert "no substance with its classes" in str(found)


def named(name: str, ingredient: str) -> bytes:
    product = (
        f'<subject><manufacturedProduct><manufacturedProduct><name>{name}</name><ingredient classCode="ACTIB">'
        f"<ingredientSubstance><name>{ingredient}</name></ingredientSubstance></ingredient></manufacturedProduct>"
        "</manufacturedProduct></subject>"
    )
    return (
        f'<document xmlns="urn:hl7-org:v3"><setId root="{SET_ID}"/><component><structuredBody><component>'
        f"<section>{product}</section></component></structuredBody></component></document>"
    ).encode()


def test_glued_names_are_split() -> None:
    [product] = of(read(named("Glucophage<suffix>XR</suffix>", "METFORMIN HYDROCHLORIDE")), "products")
    assert product["brand_names"] == ["Glucophage XR"]
    [product] = of(read(named("CLOPIDOGRELBISULFATE", "CLOPIDOGREL BISULFATE")), "products")
    assert product["name"] == "CLOPIDOGREL BISULFATE"
    assert not product["brand_names"]


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("10<sup>5.5</sup> units", "10^5.5 units"),
        ("10<sup>6</sup> cells", "10⁶ cells"),
        ("CO<sub>2</sub>", "CO₂"),
        ("Events<sup>a</sup>", "Eventsᵃ"),
        ("2<sup>1/2</sup> years", "2^(1/2) years"),
        ("Drug<sup>TM</sup>", "DrugTM"),
    ],
)
def test_superscripts_change_no_number(printed: str, words: str) -> None:
    unit = read(labelled(section("43679-0", f"<paragraph>{printed}</paragraph>")))
    prove(unit)
    [mechanism] = of(unit, "mechanisms")
    assert mechanism["summary"] == words

"""The one drug that an intervention's printed name is about: real spellings of registry records."""

import pytest

from app.imports.drug_names import drug_name

DRUGS = {
    "atorvastatin": (
        "Atorvastatin 40mg/Day",
        "atorvastatin calcium",
        "Atorvastatin 10/20/40 mg",
        "Low Dose Atorvastatin",
        "Atorvastatin (low dose)",
        "Experimental: Atorvastatin",
        "Atorvastatin arm",
        "atorvastatin10mg",
    ),
    "metformin": ("Metformin HCl 500 mg twice daily", "Metformin Hydrochloride Extended Release Tablets"),
    "semaglutide": ("Semaglutide 2.4 mg s.c. once weekly", "Semaglutide Pill"),
    "zinc sulfate": ("Zinc sulfate 20 mg",),
    "interferon beta-1a": ("Interferon beta-1a 30 mcg",),
    "AZD9291": ("AZD9291 80 mg QD",),
    "loxonine": ("Loxonine tab.",),
}
NO_DRUG = (
    *("Placebo", "Placebo for metformin", "Matching placebo tablets", "Sugar pill", "Normal saline", "Usual care"),
    *("Amlodipine + Atorvastatin", "Amlodipine/Atorvastatin", "sitagliptin or linagliptin", "levodopa-carbidopa"),
    *("Atorvastatin, Placebo", "Atorvastatin vs placebo", "FOLFOX", "linaclotide or placebo"),
    *("High dose", "Dose 1", "80 mg", "Arm A", "Drug A", "Group A atorvastatin", "Simvastatin 40", "Rosuvastatin20"),
    *("Atorvastatin loading", "Early atorvastatin", "Prednisone taper", "Double dose clopidogrel", "Week 12"),
    *("transforaminal epidural injection", "TAP block with ropivacaine", "Laser", "MRI", "Lifestyle"),
    *("PD-1 inhibitor", "Statin", "regular insulin", "Basal insulin analogue", "Neoantigen-based peptide vaccine"),
)


@pytest.mark.parametrize(("name", "printed"), [(name, each) for name, all in DRUGS.items() for each in all])
def test_doses_forms_salts_and_arms_are_no_part_of_a_name(name: str, printed: str) -> None:
    assert drug_name(printed) == name


@pytest.mark.parametrize("printed", NO_DRUG)
def test_comparators_combinations_arms_and_procedures_are_of_no_drug(printed: str) -> None:
    assert drug_name(printed) is None

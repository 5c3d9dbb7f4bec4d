"""Every spelling in which an identifier is copied has one canonical form; what is no identifier has none."""

import pytest

from app.common.identifiers import SCHEMES

SICI = "10.1002/(SICI)1099-9999(199902)22:3<267::AID-MADE40>3.0.CO;2-A"

SPELLINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "doi": {
        "10.5555/pre8": (
            *(
                "10.5555/pre8",
                " 10.5555/pre8. ",
                "doi:10.5555/pre8",
                "DOI 10.5555/pre8",
                "DOI: https://doi.org/10.5555/pre8",
            ),
            *("https://www.doi.org/10.5555/pre8", "doi.org/10.5555/pre8", "http://dx.doi.org/10.5555/pre8"),
            *("https://doi-org.proxy.example.edu/10.5555/pre8", "https://dx.doi.org.proxy.example.edu/10.5555/pre8"),
            *("info:doi/10.5555/pre8", "urn:doi:10.5555/pre8", "https://publisher.example/doi/full/10.5555/pre8"),
            *("10.5555/pre8\u200b", "\ufeff10.5555/pre8", "10.5555%2Fpre8", "10.5555%252Fpre8", "<10.5555/pre8>"),
            *("(10.5555/pre8)", "10.5555/pre8)", "10.5555/pre8];", "https://doi.org/10.5555/pre8?utm_source=x&y=1"),
            *("https://publisher.example/doi/10.5555/pre8/full?journalCode=x#top", "&lt;10.5555/pre8&gt;"),
            *(
                "https://publisher.example/content/pdf/10.5555/pre8.pdf",
                "https://p.example/x?a=1&doi=10.5555%2Fpre8&b=2",
            ),
        ),
        SICI: (
            SICI,
            SICI.replace("<", "&lt;").replace(">", "&gt;"),
            SICI.replace("<", "&amp;lt;").replace(">", "&amp;gt;"),
            SICI.replace("<", "%3C").replace(">", "%3E"),
            "http://dx.doi.org/10.1002%2F%28SICI%291099-9999%28199902%2922%3A3%3C267%3A%3AAID-MADE40%3E3.0.CO%3B2-A",
        ),
        "10.1016/S0140-6736(05)67728-8": (
            "https://doi.org/10.1016/S0140-6736(05)67728-8.",
            "10.1016/S0140-6736(05)67728-8",
        ),
    },
    "pmid": {
        "20647170": (
            *("20647170", "020647170", "PMID:20647170", "pmid 20647170", "PubMed: 20647170", "PMID: 20647170."),
            *(
                "https://pubmed.ncbi.nlm.nih.gov/20647170/",
                "https://www.ncbi.nlm.nih.gov/pubmed/20647170?dopt=Abstract",
            ),
            *("https://europepmc.org/article/MED/20647170", "info:pmid/20647170", "2064\u200b7170"),
        )
    },
    "pmcid": {
        "PMC5799088": (
            *("PMC5799088", "pmc5799088", "5799088", "PMCID: PMC5799088", "PMC5799088.2"),
            *(
                "https://www.ncbi.nlm.nih.gov/pmc/articles/PMC5799088/",
                "https://pmc.ncbi.nlm.nih.gov/articles/PMC5799088/#S1",
            ),
            "https://europepmc.org/article/PMC/PMC5799088",
        )
    },
    "registration": {
        "NCT00156910": (
            *("NCT00156910", "nct00156910", "NCT 00156910", "NCT-00156910", "ClinicalTrials.gov: NCT00156910"),
            *("ClinicalTrials.gov Identifier: NCT00156910", "https://clinicaltrials.gov/study/NCT00156910?tab=results"),
            *("https://clinicaltrials.gov/ct2/show/NCT00156910", "NCT00156910\u200b"),
        ),
        "2009-012345-12": (
            *("2009-012345-12", "EudraCT 2009-012345-12", "EudraCT number: 2009-012345-12", "2009-012345-12-DE"),
            *("EUCTR2009-012345-12-GB", "2009\u2011012345\u201112"),
            "https://www.clinicaltrialsregister.eu/ctr-search/trial/2009-012345-12/DE",
        ),
        "2022-500123-12-00": ("2022-500123-12-00", "CTIS: 2022-500123-12-00", "EU CT 2022-500123-12-00"),
        "ISRCTN12345678": ("ISRCTN12345678", "isrctn 12345678", "https://www.isrctn.com/ISRCTN12345678"),
        "ACTRN12605000123456": ("ACTRN12605000123456", "actrn12605000123456"),
        "CTRI/2010/091/000123": ("CTRI/2010/091/000123",),
        "191622-080": ("191622-080",),
    },
    "issn": {"0333-1024": ("0333-1024", "03331024", "ISSN 0333-1024", "ISSN: 0333\u20131024", "urn:issn:0333-1024")},
    "unii": {"E211KPY694": ("E211KPY694", "e211kpy694", "UNII: E211KPY694", "UNII-E211KPY694")},
    "mesh": {"D008881": ("D008881", "d008881", "MeSH: D008881", "https://id.nlm.nih.gov/mesh/D008881", "mesh:D008881")},
}

NONE = {
    "doi": (
        "",
        "10.5555",
        "10.5555/",
        "10.55/x",
        "11.5555/x",
        "see 10.5555/x and others",
        "10.5555/x y",
        "abc",
        "10.5555/%ff",
        "9" * 5000,
    ),
    "pmid": ("", "0", "123456789", "20647170a", "20,647,170", "-5", "PMC5799088", "10.5555/x", "²"),
    "pmcid": ("", "PMC", "PMC0", "PMCX1", "PMC12345678901"),
    "registration": ("", "abc", "NCT 0015", "x" * 61, "two words", "ä" * 10),
    "issn": ("", "0333-1025", "333-1024", "0333_1024", "ABCD-1024"),
    "unii": ("", "E211KPY69", "E211KPY6944", "E211-PY694"),
    "mesh": ("", "D8881", "X008881", "D0088811", "migraine"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_spelling_has_one_form(scheme: str) -> None:
    canonical = SCHEMES[scheme].canonical
    for form, spellings in SPELLINGS[scheme].items():
        assert {spelling: canonical(spelling) for spelling in spellings} == dict.fromkeys(spellings, form)
        assert canonical(form) == form


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_no_identifier_has_no_form(scheme: str) -> None:
    canonical = SCHEMES[scheme].canonical
    assert {text: canonical(text) for text in NONE[scheme]} == dict.fromkeys(NONE[scheme])

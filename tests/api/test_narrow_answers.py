"""Lists that the narrow index answers are those that the documents say, page by page and in order."""

from typing import Any

import httpx
import pytest

SORTS = ["-year", "year", "-year,id", "id", "year,-id"]
YEARS = ["", "year=2010..", "year=..2012", "year=2005..2015", "year=missing", "year=2010,2012"]


def expected(studies: list[dict[str, Any]], years: str, sort: str) -> list[str]:
    low, high = (years.removeprefix("year=").partition("..")[::2]) if ".." in years else ("", "")

    def passes(year: int | None) -> bool:
        if years == "year=missing":
            return year is None
        if years == "year=2010,2012":
            return year in (2010, 2012)
        return not years or (year is not None and int(low or 0) <= year <= int(high or 9999))

    found = sorted((s for s in studies if passes(s["year"])), key=lambda s: s["id"], reverse=sort.endswith("-id"))
    if sort != "id":
        sign = -1 if sort.startswith("-") else 1
        found.sort(key=lambda s: (s["year"] is None, sign * (s["year"] or 0)))
    return [study["id"] for study in found]


def paged(api: httpx.Client, url: str) -> list[str]:
    ids: list[str] = []
    following: str | None = url
    while following:
        page = api.get(following).json()
        ids += [item["id"] for item in page["items"]]
        following = page["next"]
    assert page["total"] == len(ids)
    return ids


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("by", ["indication=chronic-migraine", "product=botox"])
def test_pages_of_one_link_are_those_of_the_documents(api: httpx.Client, by: str, sort: str) -> None:
    studies = api.get(f"/v1/studies?{by}&limit=1000").json()["items"]
    for years in YEARS:
        assert paged(api, f"/v1/studies?{by}&sort={sort}&limit=4&{years}") == expected(studies, years, sort), years

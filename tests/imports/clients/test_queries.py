"""Queries to ClinicalTrials.gov, PubMed and DailyMed, against local servers that answer as their documentation says."""

import io
import re
from collections.abc import Callable
from datetime import date
from itertools import islice

import orjson
import pytest

from app.imports.clients import ctgov, dailymed, pubmed
from app.imports.clients.downloads import Downloads
from app.imports.clients.pages import MOST_EMPTY, Live
from app.imports.clients.registry import QUERIED, live
from app.imports.clients.throttle import Time
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.limits import SUFFIXES
from app.settings import Settings
from tests.answering import Answering, Asked, Reply, Server, Watch, answering

SINCE = date(2024, 1, 15)


pytestmark = pytest.mark.usefixtures("nothing_temporary_is_left")


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def ask(watch: Watch) -> Callable[..., Live]:
    def of(format: str, server: Server, **more: str) -> Live:
        urls = dict.fromkeys(("ctgov_url", "pubmed_url", "dailymed_url"), server.url + "/api")
        settings = Settings.model_validate({"import_private": True, **urls, **more})
        return live(format, settings, Time(watch.clock, watch.sleep, lambda: 0.5))

    return of


Ask = Callable[..., Live]


def read(source: Live, query: str = "toxin", since: date | None = None, resume: str | None = None) -> list[bytes]:
    return [page.file.read() for page in source.pages(query, since, resume)]


def refusal(source: Live, query: str = "toxin", since: date | None = None, resume: str | None = None) -> str:
    with pytest.raises(UnreadableInput) as raised:
        read(source, query, since, resume)
    return str(raised.value)


def failing(answer: Answering, when: Callable[[Asked], bool], *bad: Reply) -> Answering:
    """Answers with the bad replies first, for requests that match `when`, and then properly."""
    left = list(bad)
    return lambda asked: left.pop() if left and when(asked) else answer(asked)


# ClinicalTrials.gov


def studies(*numbers: int, next: str | None = None, total: int | None = None) -> Reply:
    listed = [
        {"protocolSection": {"identificationModule": {"nctId": f"NCT{n:08}"}}, "x": {"studies": [1]}} for n in numbers
    ]
    answer = {"totalCount": total, "studies": listed, "nextPageToken": next}
    return Reply(orjson.dumps({name: value for name, value in answer.items() if value is not None}))


def registry(pages: dict[str, Reply]) -> Answering:
    return lambda asked: pages[asked.query.get("pageToken", "")]


CTGOV = {"": studies(1, 2, next="b", total=5), "b": studies(next="c"), "c": studies(3, 4, next="d"), "d": studies(5)}


def numbers(pages: list[bytes]) -> list[str]:
    return [number for page in pages for number in re.findall(r"NCT0*(\d+)", page.decode())]


def test_studies_come_page_by_page(ask: Ask, watch: Watch) -> None:
    with answering(registry(CTGOV)) as server:
        pages = [(page.name, page.next, page.total) for page in ask("ctgov", server).pages("toxin AND pain", SINCE)]
    name = "ClinicalTrials.gov, page {}"
    assert pages == [(name.format(1), "b", 5), (name.format(3), "d", 5), (name.format(4), None, 5)]
    asked = {
        "query.term": "toxin AND pain",
        "filter.advanced": "AREA[LastUpdatePostDate]RANGE[2024-01-15,MAX]",
        "pageSize": "1000",
        "countTotal": "true",
        "format": "json",
    }
    assert [request.path for request in server.asked] == ["/api/studies"] * 4
    assert [request.query for request in server.asked] == [asked, *({**asked, "pageToken": token} for token in "bcd")]
    assert watch.slept == [pytest.approx(ctgov.INTERVAL)] * 3


def test_studies_go_on_where_they_were_left(ask: Ask) -> None:
    with answering(registry(CTGOV)) as server:
        source = ask("ctgov", server)
        assert numbers(read(source)) == ["1", "2", "3", "4", "5"]
        for page in source.pages("toxin"):
            before = numbers([page.file.read()])
            assert before == ["1", "2"]
            break
        assert before + numbers(read(source, resume=page.next)) == ["1", "2", "3", "4", "5"]
        assert numbers(read(source, resume="d")) == ["5"]


def test_a_query_that_finds_nothing_has_no_pages(ask: Ask) -> None:
    with answering(registry({"": studies(total=0)})) as server:
        assert read(ask("ctgov", server)) == []


def test_no_token_is_no_further_page(ask: Ask) -> None:
    with answering(lambda _: studies(1, 2, next="")) as server:
        assert numbers(read(ask("ctgov", server))) == ["1", "2"]
    assert len(server.asked) == 1


def test_a_page_that_is_nested_without_end_is_told(ask: Ask) -> None:
    with answering(lambda _: Reply(b'{"studies": ' + b"[" * 8000)) as server:
        assert "nested more than 64 deep" in refusal(ask("ctgov", server))


ENDLESS: dict[str, tuple[Answering, str]] = {
    "the same": (lambda _: studies(1, next="a"), "its pages lead in a circle"),
    "in a circle": (lambda asked: studies(1, next="b" if asked.query.get("pageToken") == "a" else "a"), "in a circle"),
    "empty": (lambda asked: studies(next=asked.query.get("pageToken", "") + "a"), "pages in a row are empty"),
    "more than found": (
        lambda asked: studies(*range(600), next=asked.query.get("pageToken", "") + "a", total=100),
        "more records on its pages than the 100 that it found",
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_pages_without_end_are_ended(ask: Ask, name: str) -> None:
    answer, said = ENDLESS[name]
    with answering(answer) as server:
        assert said in refusal(ask("ctgov", server))
    assert len(server.asked) <= MOST_EMPTY + 1


def test_a_page_is_asked_for_again_and_then_read_once(ask: Ask) -> None:
    for bad in (
        Reply(status=429),
        Reply(how="drop"),
        CTGOV["c"]._replace(how="half"),
        CTGOV["c"]._replace(how="half unsaid"),
        Reply(b'{"studies": [{"a": "\xff"}]}'),
    ):
        with answering(failing(registry(CTGOV), lambda asked: asked.query.get("pageToken") == "c", bad, bad)) as server:
            assert numbers(read(ask("ctgov", server))) == ["1", "2", "3", "4", "5"]
        assert len(server.asked) == 6


WRONG: dict[str, tuple[Reply, str]] = {
    "no studies": (Reply(b'{"error": "no such thing"}'), 'no list of studies: “{"error": "no such thing"}”'),
    "a list": (Reply(b"[1, 2]"), "no list of studies: “[1, 2]”"),
    "a word for a list": (Reply(b'{"studies": "none"}'), "no list of studies"),
    "broken": (Reply(b'{"studies": [}'), "no whole JSON"),
    "twice": (Reply(b'{"studies": []} {"studies": []}'), "no whole JSON"),
    "a page": (Reply(b"<html>Maintenance", "text/html"), "a web page: “Maintenance”"),
    "refused": (
        Reply(b"Invalid `query.term`: unbalanced (", "text/plain", 400),
        "400: “Invalid `query.term`: unbalanced (”",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_answer_that_is_no_page_of_studies_is_told(ask: Ask, name: str) -> None:
    reply, said = WRONG[name]
    with answering(lambda _: reply) as server:
        assert said in refusal(ask("ctgov", server))


def test_pages_before_a_failure_are_whole_and_it_goes_on_after_them(ask: Ask) -> None:
    pages = {**CTGOV, "d": Reply(b"no", "text/plain", 400)}
    with answering(registry(pages)) as server:
        source = ask("ctgov", server)
        found = source.pages("toxin")
        got = [(page.file.read(), page.next) for page in islice(found, 2)]
        with pytest.raises(UnreadableInput, match="400"):
            next(found)
        pages["d"] = CTGOV["d"]
        before, tokens = zip(*got, strict=True)
        assert numbers([*before, *read(source, resume=tokens[-1])]) == ["1", "2", "3", "4", "5"]


# PubMed


class PubMed:
    """ESearch and EFetch as documented: a search shows a limited number of PMIDs, the newest first."""

    def __init__(self, *numbers: int, shown: int = pubmed.MOST_SHOWN) -> None:
        self.numbers, self.shown = list(numbers), shown
        self.fetched: list[int] = []

    def __call__(self, asked: Asked) -> Reply:
        assert asked.method == "POST"
        assert asked.form["db"] == "pubmed"
        return {"/api/esearch.fcgi": self.search, "/api/efetch.fcgi": self.fetch}[asked.path](asked.form)

    def search(self, form: dict[str, str]) -> Reply:
        ranged = re.search(r"AND (\d+):(\d+)\[uid\]$", form["term"])
        low, high = (int(ranged[1]), int(ranged[2])) if ranged else (0, 10**9)
        found = sorted((n for n in self.numbers if low <= n <= high), reverse=True)
        shown = [str(n) for n in found[: min(self.shown, int(form["retmax"]))]]
        return Reply(orjson.dumps({"header": {}, "esearchresult": {"count": str(len(found)), "idlist": shown}}))

    def fetch(self, form: dict[str, str]) -> Reply:
        ids = [int(id) for id in form["id"].split(",")]
        self.fetched += ids
        articles = "".join(f"<PubmedArticle><PMID>{id}</PMID></PubmedArticle>" for id in ids)
        return Reply(f"<?xml version='1.0'?><PubmedArticleSet>{articles}</PubmedArticleSet>\n".encode(), "text/xml")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowers the limits, so that dozens of articles behave as thousands do."""
    monkeypatch.setattr(pubmed, "CHUNK", 3)
    monkeypatch.setattr(pubmed, "MOST_SHOWN", 5)


def pmids(pages: list[bytes]) -> list[int]:
    return [int(id) for page in pages for id in re.findall(r"<PMID>(\d+)", page.decode())]


@pytest.mark.usefixtures("few")
def test_articles_come_in_the_order_of_their_numbers(ask: Ask, watch: Watch) -> None:
    with answering(PubMed(40, 10, 30, 20)) as server:
        pages = [(page.name, page.next, page.total) for page in ask("pubmed", server).pages("toxin", SINCE)]
    assert pages == [("PubMed, 10 to 30", "30", 4), ("PubMed, 40 to 40", None, 4)]
    search, *fetches = [request.form for request in server.asked]
    assert search["term"] == "(toxin) AND (2024/01/15:3000[crdt] OR 2024/01/15:3000[mdat])"
    assert [form["id"] for form in fetches] == ["10,20,30", "40"]
    assert all("api_key" not in form and form["tool"] == "clinical-evidence-api" for form in (search, *fetches))
    assert all(request.query == {} for request in server.asked)
    assert watch.slept == [pytest.approx(pubmed.INTERVAL)] * 2


def test_a_key_lets_ask_more_often(ask: Ask, watch: Watch) -> None:
    with answering(PubMed(1)) as server:
        read(ask("pubmed", server, ncbi_api_key="secret", ncbi_email="me@example.org"))
    assert {(request.form["api_key"], request.form["email"]) for request in server.asked} == {
        ("secret", "me@example.org")
    }
    assert watch.slept == [pytest.approx(pubmed.INTERVAL_WITH_KEY)]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("many", [[], [7], [1, 99_999_999], list(range(1, 100)), list(range(5, 60_000_000, 999_983))])
def test_more_articles_than_are_shown_are_all_found_once(ask: Ask, many: list[int]) -> None:
    catalogue = PubMed(*many, shown=5)
    with answering(catalogue) as server:
        assert pmids(read(ask("pubmed", server))) == sorted(many)


@pytest.mark.usefixtures("few")
def test_articles_go_on_where_they_were_left_whatever_was_added(ask: Ask) -> None:
    catalogue = PubMed(*range(100, 120))
    with answering(catalogue) as server:
        source = ask("pubmed", server)
        pages = source.pages("toxin")
        got = [next(pages) for _ in range(3)]
        token = got[-1].next
        pages.close()  # type: ignore[attr-defined]
        catalogue.numbers += [50, 200, 201]
        rest = pmids(read(source, resume=token))
    assert token == "108"
    assert rest == [*range(109, 120), 200, 201]
    assert [id for id in catalogue.fetched if catalogue.fetched.count(id) > 1] == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("many", [range(10, 50, 10), range(100, 120)])
def test_articles_go_on_after_any_page(ask: Ask, many: range) -> None:
    with answering(PubMed(*many)) as server:
        source = ask("pubmed", server)
        pages = [(page.file.read(), page.next) for page in source.pages("toxin")]
        for number, (_, token) in enumerate(pages[:-1], start=1):
            before = [content for content, _ in pages[:number]]
            assert pmids(before + read(source, resume=token)) == [*many]


@pytest.mark.usefixtures("few")
def test_ranges_that_were_read_are_not_searched_again(ask: Ask) -> None:
    with answering(PubMed(*range(1, 100))) as server:
        assert pmids(read(ask("pubmed", server), resume="96")) == [97, 98, 99]
        terms = [request.form.get("term", "") for request in server.asked]
    assert [term for term in terms if re.search(r":([1-8]?\d)\[uid\]", term)] == []


def esearch(**result: object) -> Answering:
    return lambda _: Reply(orjson.dumps({"esearchresult": result}))


def _in_range(asked: Asked) -> list[str]:
    """The most PMIDs that are shown, from the beginning of the requested range."""
    ranged = re.search(r"AND (\d+):", asked.form["term"])
    first = int(ranged[1]) if ranged else 1
    return [str(number) for number in range(first, first + pubmed.MOST_SHOWN)]


PUBMED_WRONG: dict[str, tuple[Answering, str]] = {
    "error": (esearch(ERROR="Search Backend failed"), "it answered: Search Backend failed; asked 6 times"),
    "too often": (lambda _: Reply(b'{"error":"API rate limit exceeded"}', status=429), "API rate limit exceeded"),
    "list": (lambda _: Reply(b"[]"), "no list of numbers"),
    "no ids": (esearch(count="5"), "no list of numbers"),
    "words": (esearch(count="1", idlist=["x"]), "no list of numbers"),
    "missing": (esearch(count="3", idlist=["1", "2"]), "found 3 articles and shows 2"),
    "too many": (esearch(count="1", idlist=["1", "2"]), "found 1 articles and shows 2"),
    "impossible": (esearch(count="1000000000", idlist=["1"]), "found 1,000,000,000 articles"),
    "more than there are": (
        lambda asked: Reply(orjson.dumps({"esearchresult": {"count": "20000000", "idlist": _in_range(asked)}})),
        "found 20,000,000 articles",
    ),
    "out of range": (esearch(count="1", idlist=["100000000"]), "outside of the numbers 1 to 99999999"),
}


@pytest.mark.parametrize("name", PUBMED_WRONG)
def test_an_answer_that_is_no_list_of_articles_is_told(ask: Ask, name: str) -> None:
    answer, said = PUBMED_WRONG[name]
    with answering(answer) as server:
        assert said in refusal(ask("pubmed", server))


@pytest.mark.usefixtures("few")
def test_ranges_that_are_not_understood_are_told(ask: Ask) -> None:
    with answering(esearch(count="20", idlist=["1", "2", "3", "4", "60000000"])) as server:
        assert "outside of the numbers 1 to 50000000" in refusal(ask("pubmed", server))


EFETCH: dict[str, Reply] = {
    "error": Reply(b"<eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>", "text/xml"),
    "cut": Reply(b"<PubmedArticleSet><PubmedArticle>", "text/xml"),
    "half": Reply(b"<PubmedArticleSet></PubmedArticleSet>", "text/xml", how="half"),
    "500": Reply(b"<html>", "text/html", 500),
}


@pytest.mark.parametrize("name", EFETCH)
def test_articles_that_do_not_come_whole_are_asked_for_again(ask: Ask, name: str) -> None:
    with answering(failing(PubMed(1, 2, 3), lambda asked: "efetch" in asked.path, EFETCH[name])) as server:
        assert pmids(read(ask("pubmed", server))) == [1, 2, 3]
    assert len(server.asked) == 3


def test_something_else_than_articles_is_told(ask: Ask) -> None:
    for reply, said in (
        (Reply(b"<records/>", "text/xml"), "with no articles"),
        (Reply(b"PMID- 1", "text/plain"), "something else than XML, text/plain: “PMID- 1”"),
    ):
        with answering(failing(PubMed(1), lambda asked: "efetch" in asked.path, reply)) as server:
            assert said in refusal(ask("pubmed", server))


@pytest.mark.parametrize("resume", ["", "x", "-1", "1.5"])
def test_only_a_number_says_where_to_go_on(ask: Ask, resume: str) -> None:
    with answering(PubMed(1)) as server:
        assert "no number of an article" in refusal(ask("pubmed", server), resume=resume)


# DailyMed


class DailyMed:
    def __init__(self, *ids: str, size: int = 2) -> None:
        self.ids, self.size = list(ids), size
        self.gone: set[str] = set()

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/api/spls.json":
            return self.page(int(asked.query["page"]))
        id = asked.path.removeprefix("/api/spls/").removesuffix(".xml")
        if id in self.gone:
            return Reply(b"<html>Not Found", "text/html", 404)
        return Reply(f"<document><setId root='{id}'/></document>\n".encode(), "text/xml")

    def page(self, number: int) -> Reply:
        """DailyMed's examples have numbers as strings."""
        some = self.ids[(number - 1) * self.size : number * self.size]
        pages = -(-len(self.ids) // self.size)
        metadata = {"total_pages": str(pages), "total_elements": str(len(self.ids)), "next_page_url": "null"}
        return Reply(orjson.dumps({"data": [{"setid": id, "title": "T"} for id in some], "metadata": metadata}))


def setids(pages: list[bytes]) -> list[str]:
    return [id for page in pages for id in re.findall(r"root='(.*?)'", page.decode())]


def test_labels_come_one_by_one_in_the_order_of_their_ids(ask: Ask, watch: Watch) -> None:
    with answering(DailyMed("c", "a", "e", "b", "d")) as server:
        source = ask("label", server)
        pages = [(page.name, page.next, page.total) for page in source.pages("botulinum toxin", SINCE)]
    assert pages == [(f"DailyMed, {id}", None if id == "e" else id, 5) for id in "abcde"]
    first = {"drug_name": "botulinum toxin", "pagesize": "100", "published_date": "2024-01-15"}
    assert server.asked[0].query == {**first, "published_date_comparison": "gte", "page": "1"}
    assert [request.path for request in server.asked[3:]] == [f"/api/spls/{id}.xml" for id in "abcde"]
    assert len(watch.slept) == 7


def test_labels_go_on_where_they_were_left(ask: Ask) -> None:
    catalogue = DailyMed("c", "a", "e", "b", "d")
    with answering(catalogue) as server:
        source = ask("label", server)
        catalogue.ids += ["bb", "dd"]
        assert setids(read(source, resume="b")) == ["bb", "c", "d", "dd", "e"]
        assert read(source, resume="e") == []
        assert read(ask("label", server), query="x", resume="z") == []


def test_a_label_that_is_gone_says_so_and_the_others_come(ask: Ask) -> None:
    catalogue = DailyMed("a", "b", "c")
    catalogue.gone = {"b"}
    came: list[str] = []
    with answering(catalogue) as server:
        for page in ask("label", server).pages("toxin"):
            try:
                came += setids([page.file.read()])
            except UnreadableInput as error:
                came.append(error.reason)
    assert came == ["a", "it answered 404: “Not Found”", "c"]


def others(page: int) -> Reply:
    ids = [{"setid": f"{page}-{number}"} for number in range(100)]
    return Reply(orjson.dumps({"data": ids, "metadata": {"total_pages": 1_000_000, "total_elements": 9}}))


LABELS_WRONG: dict[str, tuple[Answering, str]] = {
    "list": (lambda _: Reply(b"[]"), "no list of labels"),
    "broken": (lambda _: Reply(b"{"), "no whole JSON"),
    "no metadata": (lambda _: Reply(b'{"data": []}'), "no list of labels"),
    "a way out": (
        lambda _: Reply(b'{"data": [{"setid": "../../x"}], "metadata": {"total_pages": 1, "total_elements": 1}}'),
        "something that is no id of a label",
    ),
    "the same for ever": (
        lambda _: Reply(b'{"data": [{"setid": "a"}], "metadata": {"total_pages": 1000000, "total_elements": 9}}'),
        "pages in a row are empty",
    ),
    "others for ever": (lambda asked: others(int(asked.query["page"])), "more records on its pages than the 9"),
}


@pytest.mark.parametrize("name", LABELS_WRONG)
def test_an_answer_that_is_no_list_of_labels_is_told(ask: Ask, name: str) -> None:
    answer, said = LABELS_WRONG[name]
    with answering(answer) as server:
        assert said in refusal(ask("label", server))
    assert len(server.asked) <= MOST_EMPTY + 3


def test_half_a_label_is_asked_for_again(ask: Ask) -> None:
    half = Reply(b"<document><setId", "text/xml")
    with answering(failing(DailyMed("a"), lambda asked: "spls/" in asked.path, half)) as server:
        assert setids(read(ask("label", server))) == ["a"]


# All servers


@pytest.mark.parametrize("format", QUERIED)
def test_a_query_has_words_and_servers_are_public(ask: Ask, format: str) -> None:
    with answering(lambda _: Reply(status=500)) as server:
        assert "a query has words" in refusal(ask(format, server), query=" \n")
        found = refusal(ask(format, server, import_private="false"))
        assert "begins with https://" in found
    assert server.asked == []


@pytest.mark.parametrize("format", QUERIED)
def test_leaving_early_leaves_nothing_open(ask: Ask, format: str) -> None:
    answers: dict[str, Answering] = {"ctgov": registry(CTGOV), "pubmed": PubMed(1, 2), "label": DailyMed("a", "b")}
    with answering(answers[format]) as server:
        pages = ask(format, server).pages("toxin")
        page = next(pages)
        assert isinstance(page.file, io.IOBase)
        pages.close()  # type: ignore[attr-defined]
        assert page.file.closed


def test_each_format_that_is_queried_has_files() -> None:
    assert set(QUERIED) <= set(SUFFIXES)
    for source in (ctgov.ClinicalTrials, pubmed.PubMed, dailymed.DailyMed):
        first: Live = source(Downloads(private=False), "https://registry.example")
        assert first

"""Downloads for imports: retries, limits, refusals, and that no temporary file is left behind."""

import asyncio
import gzip
import io
import socket
import subprocess
import sys
import time
import zipfile
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import IO

import httpx
import pytest

from app.common.safe_http import Resolve, SafeTransport
from app.imports.clients.content_checks import Kind
from app.imports.clients.downloads import Downloads, Terms
from app.imports.clients.http import Missing, Request, RequestSender, TransientFault, UnexpectedAnswer
from app.imports.clients.registry import streams_at
from app.imports.clients.throttle import LONGEST_PAUSE, Pace, Time
from app.imports.readers.faults import UnreadableInput
from app.settings import Settings
from tests.answering import Answering, Asked, Reply, Server, Watch, answering

GOOD = Reply(b'{"studies": []}')
SMALL = Terms(bytes=50_000, seconds=20.0, attempts=4)
OURS = Settings(import_private=True)


pytestmark = pytest.mark.usefixtures("nothing_temporary_is_left")


@pytest.fixture
def watch() -> Watch:
    return Watch()


def in_turn(*replies: Reply) -> Answering:
    """Answers with each reply in turn, and then with the last one for ever."""
    left = deque(replies)
    return lambda asked: left.popleft() if len(left) > 1 else left[0]


class Got:
    """A download that keeps its result and its requests."""

    def __init__(self, watch: Watch, **how: object) -> None:
        time = Time(watch.clock, watch.sleep, lambda: 0.5)
        self.downloads = Downloads(**{"private": True, "terms": SMALL, "time": time, **how})  # type: ignore[arg-type]

    def __call__(self, url: str, wanted: Kind | None = "json", form: dict[str, str] | None = None) -> bytes:
        with self.downloads as downloads, downloads.file(Request(downloads.url(url), wanted, form)) as file:
            return file.read()


@pytest.fixture
def get(watch: Watch) -> Got:
    return Got(watch)


def refusal(get: Got, url: str, wanted: Kind | None = "json", form: dict[str, str] | None = None) -> str:
    with pytest.raises(UnreadableInput) as raised:
        get(url, wanted, form)
    return str(raised.value)


def test_an_answer_is_asked_for_plainly_and_kept_whole(get: Got) -> None:
    with answering(in_turn(Reply(b" {} "))) as server:
        assert get(server.url + "/a?b=c") == b" {} "
        assert get(server.url, form={"key": "k"}) == b" {} "
    first, second = server.asked
    assert (first.method, first.path, first.query) == ("GET", "/a", {"b": "c"})
    assert first.headers["accept-encoding"] == "identity"
    assert first.headers["user-agent"].startswith("clinical-evidence-api/")
    assert (second.method, second.form) == ("POST", {"key": "k"})


PASSING: dict[str, Reply] = {
    "429": Reply(status=429),
    "500": Reply(b"oh", "text/plain", 500),
    "502": Reply(b"<html>Bad gateway", "text/html", 502),
    "503": Reply(status=503),
    "half": Reply(GOOD.body, how="half"),
    "half chunked": Reply(GOOD.body, how="half chunked"),
    "dropped": Reply(how="drop"),
    "empty": Reply(b""),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_asked_again(get: Got, watch: Watch, name: str) -> None:
    with answering(in_turn(PASSING[name], PASSING[name], GOOD)) as server:
        assert get(server.url) == GOOD.body
    assert len(server.asked) == 3
    assert watch.slept == [0.75, 1.5]


@pytest.mark.parametrize("name", PASSING)
def test_what_does_not_pass_is_told_in_the_end(get: Got, watch: Watch, name: str) -> None:
    with answering(in_turn(PASSING[name])) as server:
        assert "; asked 4 times" in refusal(get, server.url)
    assert len(server.asked) == 4
    assert watch.slept == [0.75, 1.5, 3.0]


def test_pauses_grow_to_a_bound_and_differ(watch: Watch) -> None:
    get = Got(watch, terms=SMALL._replace(attempts=10))
    with answering(in_turn(Reply(status=500))) as server:
        refusal(get, server.url)
    assert watch.slept == [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 45.0, 45.0, 45.0]
    assert max(watch.slept) <= LONGEST_PAUSE


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_is_given_the_time_that_it_asks_for(get: Got, watch: Watch, status: int) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    replies = [Reply(status=status, headers=(("retry-after", value),)) for value in ("30", at, "soon")]
    with answering(in_turn(*replies, GOOD)) as server:
        assert get(server.url) == GOOD.body
    assert watch.slept[0] == 30.75
    assert 58 < watch.slept[1] - 1.5 <= 60
    assert watch.slept[2] == 3.0


def test_who_asks_for_an_hour_is_asked_another_time(get: Got, watch: Watch) -> None:
    with answering(in_turn(Reply(status=429, headers=(("retry-after", "3600"),)))) as server:
        assert "asks to come back in 3600 seconds" in refusal(get, server.url)
    assert (len(server.asked), watch.slept) == (1, [])


FINAL: dict[str, tuple[Reply, str]] = {
    "400": (Reply(b"query.term: unexpected ]", "text/plain", 400), "it answered 400: “query.term: unexpected ]”"),
    "401": (Reply(status=401), "it answered 401: (no words)"),
    "404": (Reply(b"<html><title>Not\n here</title>", "text/html", 404), "it answered 404: “Not here”"),
    "204": (Reply(status=204), "it answered 204"),
    "page": (
        Reply(b"<!DOCTYPE html><style>a{}</style><h1>Down\x00 for</h1> repair", "text/html; charset=utf-8"),
        "it answered with a web page: “Down for repair”",
    ),
    "page in disguise": (Reply(b"\n <HTML><body>Log in", "application/json"), "a web page: “Log in”"),
    "xml": (Reply(b"<a>hello</a>", "text/xml"), "something else than JSON, text/xml: “hello”"),
    "csv": (Reply(b"{}", "text/csv"), "something else than JSON, text/csv"),
    "text": (Reply(b"API rate limit", "application/json"), "something else than JSON, application/json: “API rate"),
    "zip": (Reply(b"PK\x03\x04zzz", "application/json"), "something else than JSON, application/json: (packed)"),
    "large": (Reply(b"{" * 50_001), "larger than 50,000 bytes"),
    "large by its word": (
        Reply(headers=(("content-length", "9" * 15),), how="half unsaid"),
        "larger than 50,000 bytes",
    ),
    "endless": (Reply(b"{" * 10_000, how="endless"), "larger than 50,000 bytes"),
    "brotli": (Reply(b"{}", headers=(("content-encoding", "br"),)), "packed as 'br', which nobody asked for"),
    "twice packed": (Reply(b"{}", headers=(("content-encoding", "gzip, gzip"),)), "packed as 'gzip, gzip'"),
    "no gzip": (Reply(b"{}{}{}", headers=(("content-encoding", "gzip"),)), "what is gzipped"),
    "bomb": (
        Reply(gzip.compress(bytes(40_000_000)), headers=(("content-encoding", "gzip"),)),
        "unpacks to more than 50,000 bytes",
    ),
}


@pytest.mark.parametrize("name", FINAL)
def test_what_will_not_get_better_is_told_at_once(get: Got, name: str) -> None:
    reply, said = FINAL[name]
    with answering(in_turn(reply)) as server:
        found = refusal(get, server.url + "/x")
    assert len(server.asked) == 1
    assert found.startswith(server.url + "/x: ")
    assert said in found
    assert not any(ord(letter) < 32 for letter in found)


def test_what_is_not_there_can_be_told_from_what_is_wrong(get: Got) -> None:
    with answering(in_turn(Reply(status=410))) as server, pytest.raises(Missing):
        get(server.url)


def test_what_comes_gzipped_nevertheless_is_unpacked(get: Got) -> None:
    for coding in ("gzip", "x-gzip", "GZIP"):
        with answering(in_turn(Reply(gzip.compress(GOOD.body), headers=(("content-encoding", coding),)))) as server:
            assert get(server.url) == GOOD.body


def test_a_key_that_is_posted_is_in_no_error(get: Got) -> None:
    for reply in (Reply(status=400), Reply(status=500), Reply(status=302, headers=(("location", "/y"),))):
        with answering(in_turn(reply)) as server:
            assert "secret" not in refusal(get, server.url, form={"api_key": "secret"})


def test_a_slow_answer_is_given_up_in_time(watch: Watch) -> None:
    get, began = Got(watch, terms=SMALL._replace(seconds=0.5)), time.monotonic()
    with answering(in_turn(Reply(b"{" * 1000, how="slow"))) as server:
        assert "did not answer within 0.5 seconds" in refusal(get, server.url)
    assert time.monotonic() - began < 5


def test_words_about_an_error_are_not_waited_for_long(get: Got) -> None:
    began = time.monotonic()
    with answering(in_turn(Reply(b"no " * 1000, "text/plain", 400, how="slow"))) as server:
        assert "it answered 400: “no" in refusal(get, server.url)
    assert time.monotonic() - began < 5


def test_who_is_not_there_is_asked_again(get: Got, watch: Watch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "the connection broke" in refusal(get, f"http://127.0.0.1:{port}/")
    assert len(watch.slept) == 3


def naming(*answers: list[str]) -> Resolve:
    left = deque(answers)

    async def resolve(host: str, port: int) -> list[str]:
        found = left.popleft() if len(left) > 1 else left[0]
        if not found:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return found

    return resolve


def test_a_name_that_is_not_known_just_now_is_asked_again(watch: Watch) -> None:
    with answering(in_turn(GOOD)) as server:
        port = httpx.URL(server.url).port
        get = Got(watch, resolve=naming([], [], ["127.0.0.1"]))
        assert get(f"http://registry.example:{port}/") == GOOD.body
    assert "has no address; asked 4 times" in refusal(Got(watch, resolve=naming([])), "http://registry.example/")


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/x"])
def test_private_addresses_are_refused_unless_allowed(watch: Watch, url: str) -> None:
    found = refusal(Got(watch, private=False), url)
    assert "not on the public internet" in found or "begins with https" in found
    assert watch.slept == []


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "https://a:b@example.org/", "x", "https://"]
)
def test_what_is_no_address_is_refused(get: Got, url: str) -> None:
    assert "a URL" in refusal(get, url)


def leading(to: Callable[[Asked], str], status: int = 302) -> Answering:
    return lambda asked: Reply(status=status, headers=(("location", to(asked)),))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(get: Got, status: int) -> None:
    def answer(asked: Asked) -> Reply:
        return GOOD if asked.path == "/there" else Reply(status=status, headers=(("location", "/there#part"),))

    with answering(answer) as server:
        assert get(server.url + "/here?q=1") == GOOD.body
    assert [asked.path for asked in server.asked] == ["/here", "/there"]


def test_five_redirects_and_no_more_are_followed(get: Got) -> None:
    def answer(asked: Asked) -> Reply:
        left = int(asked.path.strip("/"))
        return Reply(status=302, headers=(("location", f"/{left - 1}"),)) if left else GOOD

    with answering(answer) as server:
        assert get(server.url + "/5") == GOOD.body
        assert "leads on more than 5 times" in refusal(get, server.url + "/6")
    with answering(leading(lambda asked: asked.path)) as server:
        assert "leads on more than 5 times" in refusal(get, server.url + "/x")
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "to",
    ["ftp://example.org/", "file:///etc/passwd", "gopher://x/", "http://a:b@127.0.0.1/"],
)
def test_a_redirect_to_nowhere_is_refused(get: Got, to: str) -> None:
    with answering(leading(lambda _: to)) as server:
        assert "it leads to" in refusal(get, server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "to", ["http://[", "//", "data:,x", "https://x:y:z/", "http://\xe4\xff/", "http://" + "a" * 3000]
)
def test_a_redirect_that_is_no_address_is_an_error_like_others(get: Got, to: str) -> None:
    with answering(leading(lambda _: to)) as server:
        assert refusal(get, server.url).startswith(server.url)


def test_what_is_posted_is_not_led_on(get: Got) -> None:
    with answering(leading(lambda _: "/there", 307)) as server:
        assert "what is posted is not led on" in refusal(get, server.url, form={"key": "k"})
    assert len(server.asked) == 1


class Led(SafeTransport):
    """A transport for which `registry.example` is on the public internet; other hosts are checked as usual."""

    def __init__(self, server: Server, *, private: bool) -> None:
        super().__init__(private=private)
        self.server = httpx.URL(server.url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "registry.example":
            return await super().handle_async_request(request)
        here = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.server.port)
        return await self._plain.handle_async_request(httpx.Request("GET", here, headers=request.headers))


def led(server: Server, *, private: bool) -> str:
    """The result of a request over https to a public server that redirects."""

    async def request() -> bytes:
        async with httpx.AsyncClient(transport=Led(server, private=private), trust_env=False) as client:
            asker = RequestSender(client, Pace(0, Time()), 1000, private)
            file, _ = await asker.answer(Request(httpx.URL("https://registry.example/")), lambda _: None)
            with file:
                return file.read()

    try:
        return asyncio.run(request()).decode()
    except UnreadableInput as error:
        return str(error)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.1.2.3", "[::ffff:10.0.0.1]"]
)
def test_a_redirect_to_a_private_address_is_refused(host: str) -> None:
    with answering(leading(lambda _: f"https://{host}/latest")) as server:
        assert "it leads on: the host" in led(server, private=False)
        assert len(server.asked) == 1


def test_from_https_nothing_leads_to_http() -> None:
    """A redirect from https to http is not followed, even if http is allowed."""
    with answering(leading(lambda _: "http://registry.example/")) as server:
        assert "from https to http is not led on" in led(server, private=True)
        assert "a URL here begins with https://" in led(server, private=False)
        assert len(server.asked) == 2


def test_a_public_server_may_lead_to_itself() -> None:
    with answering(lambda asked: GOOD if asked.path == "/b" else leading(lambda _: "/b")(asked)) as server:
        assert led(server, private=False) == GOOD.body.decode()


def test_one_host_is_asked_so_often_and_no_oftener(watch: Watch) -> None:
    get = Got(watch, interval=0.34)
    with answering(in_turn(GOOD)) as server, answering(in_turn(GOOD)) as other:
        for url in (server.url, server.url, server.url, other.url.replace("127.0.0.1", "localhost")):
            get(url)
        watch.now += 10
        get(server.url)
    assert watch.slept == [pytest.approx(0.34)] * 2


def test_half_an_answer_whose_length_nobody_said_is_seen_by_who_knows_its_end(get: Got) -> None:
    def look(file: IO[bytes]) -> int:
        content = file.read()
        if not content.endswith(b"}"):
            raise TransientFault("its answer ends early")
        return len(content)

    with answering(in_turn(GOOD._replace(how="half unsaid"), GOOD)) as server, get.downloads as downloads:
        file, seen = downloads.fetch(Request(downloads.url(server.url), "json"), look)
        with file:
            assert (file.read(), seen) == (GOOD.body, len(GOOD.body))
    assert len(server.asked) == 2


def test_an_odd_answer_is_told_with_its_first_words(get: Got) -> None:
    def look(_: IO[bytes]) -> None:
        raise UnexpectedAnswer("there are no studies in it")

    with (
        answering(in_turn(Reply(b'{"error": "no"}'))) as server,
        get.downloads as downloads,
        pytest.raises(UnreadableInput, match=r"there are no studies in it: “.\"error\": \"no\".”"),
    ):
        downloads.fetch(Request(downloads.url(server.url), "json"), look)


def test_a_file_at_an_address_is_a_file_like_any_other(watch: Watch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("label/a.xml", b"<document/>")
        archive.writestr("label/a.jpg", b"jpg")
    told: list[str] = []
    bodies = {"plain": b"<document/>", "gz": gzip.compress(b"<document/>"), "zip": packed.getvalue()}

    def answer(asked: Asked) -> Reply:
        return Reply(bodies[asked.path.strip("/")], "application/octet-stream")

    with answering(answer) as server:
        for name, inner in (("plain", ""), ("gz", ""), ("zip", "/label/a.xml")):
            url = f"{server.url}/{name}"
            found = [(name, file.read()) for name, file in streams_at(url, (".xml",), OURS, skip=told.append)]
            assert found == [(url + inner, b"<document/>")]
        assert told == [f"{server.url}/zip/label/a.jpg"]
        with pytest.raises(UnreadableInput, match="begins with https://"):
            list(streams_at(server.url + "/plain", (".xml",), Settings()))


def test_a_web_page_is_no_file_of_any_format(watch: Watch) -> None:
    page = Reply(b"<html>Please log in", "text/html")
    with answering(in_turn(page)) as server, pytest.raises(UnreadableInput, match="a web page: “Please log in”"):
        list(streams_at(server.url, (".xml",), OURS))


@pytest.mark.usefixtures("own_interpreters")
def test_an_answer_is_kept_in_bounded_memory() -> None:
    """The download runs in its own process, whose peak memory is measured."""
    program = (
        "import resource, sys\n"
        "from app.imports.clients.registry import streams_at\n"
        "from app.settings import Settings\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for url in sys.argv[1:]:\n"
        "    before, size = peak(), 0\n"
        "    for name, file in streams_at(url, ('.xml',), Settings(import_private=True)):\n"
        "        while piece := file.read(65536): size += len(piece)\n"
        "print(size, peak() - before)"
    )
    body = b"<" + bytes(60_000_000)
    with answering(lambda asked: Reply(body if asked.path == "/large" else b"<a/>", "text/xml")) as server:
        argv = [sys.executable, "-c", program, server.url, server.url + "/large"]
        size, grown = map(int, subprocess.run(argv, capture_output=True, check=True).stdout.split())
    assert size == len(body)
    assert grown < 20_000, f"{grown} KB"

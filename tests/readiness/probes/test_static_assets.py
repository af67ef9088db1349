"""Static files as build tools name them and servers send them, and the pages that ask for them."""

import gzip
from typing import Any

import pytest

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime import static_assets as module
from readiness.probes.runtime.static_assets import static_assets
from tests.readiness.probes.servers import Answer, Request, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

HTML, NO_CACHE = {"Content-Type": "text/html"}, {"Cache-Control": "no-cache"}
JS = {"Content-Type": "text/javascript"}
YEAR = {"Cache-Control": "public, max-age=31536000, immutable"}
CODE = b"console.log(1);\n" * 500
PAGE = '<link rel="stylesheet" href="/app.3f2c1ab9.css"><script src="/app.3f2c1ab9.js"></script>'


def compressed(encoding: str, body: bytes = CODE) -> Answer:
    """A script in an encoding; what is not gzip is not opened by anybody here."""
    sent = gzip.compress(body) if encoding == "gzip" else b"\x28\xb5\x2f\xfd" * 500
    return Answer(200, sent, {**JS, **YEAR, "Content-Encoding": encoding})


GOOD = compressed("gzip")


def found(
    script: Answer = GOOD, page: str = PAGE, headers: dict[str, str] = NO_CACHE, **declared: Any
) -> list[Finding]:
    def app(request: Request) -> Answer:
        return Answer(200, page, {**HTML, **headers}) if request.path in {"/", "/shop"} else script

    with serve(app) as server:
        findings = look(static_assets, server.url, **declared)
    assert {finding.criterion for finding in findings} == {"perf.assets"}
    return findings


def statuses(*args: Any, **kwargs: Any) -> set[Status]:
    return {finding.status for finding in found(*args, **kwargs)}


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_compressed_files_with_their_hash_in_their_name_pass(encoding: str) -> None:
    assert statuses(compressed(encoding)) == {Status.OK}


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        (Answer(200, CODE, {**JS, **YEAR}), Status.RISKY, "uncompressed"),
        (
            Answer(200, b"1;", {**JS, "Cache-Control": "no-cache"}),
            Status.PARTIAL,
            "not kept by browsers for long",
        ),
        (Answer(404), Status.FAILING, "answers 404"),
        (Answer(200, "<html></html>", HTML), Status.FAILING, "gets a page in its place"),
    ],
)
def test_a_fault_of_a_file_is_told(script: Answer, status: Status, words: str) -> None:
    findings = found(script)

    assert {finding.status for finding in findings} == {status}
    assert words in findings[0].detail


def test_a_small_file_needs_no_compression() -> None:
    assert statuses(Answer(200, "1;", {**JS, **YEAR})) == {Status.OK}


@pytest.mark.parametrize(
    ("cache", "status"),
    [("max-age=31536000", Status.RISKY), ("max-age=600", Status.PARTIAL), ("", Status.PARTIAL)],
)
def test_a_name_that_stays_is_not_to_be_kept_for_long(cache: str, status: Status) -> None:
    script = Answer(200, "1;", {**JS, **({"Cache-Control": cache} if cache else {})})

    assert statuses(script, '<script src="/js/app.js"></script>') == {status}


@pytest.mark.parametrize(
    ("name", "hashed"),
    [
        ("/static/app.3f2c1ab9.js", True),
        ("/assets/index-BgX2_dQz.js", True),
        ("/_next/static/chunks/main-3f2c1ab9d0e4f5a6.js", True),
        ("/assets/application-3f2c1ab9d0e4f5a6b7c8d9e0f1a2b3c4.css", True),
        ("/3f2c1ab9d0e4f5a6.js", True),
        ("/style.css?v=1.4.2", True),
        ("/lib/exe/css.php?t=dokuwiki&tseed=9f86d081884c7d65", True),
        ("/style.css?20261125", True),
        ("/js/app.js", False),
        ("/js/jquery-3.6.0.min.js", False),
        ("/js/my-component-library.js", False),
    ],
)
def test_a_name_with_a_hash_is_told_from_one_without(name: str, hashed: bool) -> None:
    assert module.is_hashed(f"https://shop.example.com{name}") == hashed


def test_of_a_name_that_may_hold_a_hash_nothing_bad_is_said() -> None:
    for cache in (YEAR, NO_CACHE):
        script = Answer(200, "1;", {**JS, **cache})
        assert statuses(script, '<script src="/assets/index-DiwrgTda.js"></script>') == {Status.OK}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Cache-Control": "no-store"}, Status.OK),
        ({"Cache-Control": "private, max-age=0, must-revalidate"}, Status.OK),
        ({"Cache-Control": "max-age=86400"}, Status.RISKY),
        ({"Last-Modified": "Wed, 25 Nov 2026 10:00:00 GMT"}, Status.PARTIAL),
        ({}, Status.OK),
    ],
)
def test_pages_are_to_be_asked_anew(headers: dict[str, str], status: Status) -> None:
    assert statuses(headers=headers) == {status}


@pytest.mark.parametrize(
    ("markup", "status"),
    [
        ('<script src="http://cdn.example.com/x.js"></script>', Status.FAILING),
        ('<link rel=stylesheet href="http://cdn.example.com/x.css">', Status.FAILING),
        ('<img src="http://cdn.example.com/x.png">', Status.RISKY),
        ('<link rel=icon href="http://cdn.example.com/x.ico">', Status.RISKY),
        ('<img src="http://z.example/x.png"><script src="http://a.example/x.js"></script>', Status.FAILING),
        ('<script src="http://[x"></script>', None),
        ('<script src="https://cdn.example.com/x.js"></script>', None),
        ('<script src="//cdn.example.com/x.js"></script>', None),
        ('<a href="http://example.com/">x</a><link rel=canonical href="http://shop.example.com/">', None),
        ('<script src="http://localhost:3000/x.js"></script>', None),
    ],
)
def test_a_secure_page_loads_nothing_over_plain_http(markup: str, status: Status | None) -> None:
    page = Exchange("GET", "https://shop.example.com/", 200, body=markup.encode())

    assert [told for told, _ in module.mixed(page)] == ([status] if status else [])
    plain = Exchange("GET", "http://shop.example.com/", 200, body=markup.encode())
    assert list(module.mixed(plain)) == []


def test_no_more_than_ten_files_are_asked_for_and_none_of_another_origin() -> None:
    page = '<iframe src="/frame"></iframe><script src="https://127.0.0.1:9/x.js"></script>'
    page += "".join(f'<script src="/a{number}.3f2c1ab9.js"></script>' for number in range(30))
    asked = []

    def app(request: Request) -> Answer:
        asked.append(request.path)
        return Answer(200, page, {**HTML, **NO_CACHE}) if request.path == "/" else GOOD

    with serve(app) as server:
        look(static_assets, server.url)

    assert sorted(asked) == sorted(["/", *(f"/a{number}.3f2c1ab9.js" for number in range(10))])


def test_the_declared_pages_are_read() -> None:
    (finding,) = found(page_paths=("/shop",))

    assert finding.evidence["pages"][0].endswith("/shop")


@pytest.mark.parametrize("page", ["<p>x</p>", '<script src="https://127.0.0.1:9/x.js"></script>'])
def test_a_page_without_files_of_its_own_is_no_proof_for_files(page: str) -> None:
    with pytest.raises(NotApplicable):
        found(page=page)


def test_an_api_has_no_static_files() -> None:
    with (
        serve(lambda request: Answer(200, "{}", {"Content-Type": "application/json"})) as server,
        pytest.raises(NotApplicable),
    ):
        look(static_assets, server.url)


@pytest.mark.parametrize("status", [429, 503, 403])
def test_files_that_could_not_be_read_are_no_proof(status: int) -> None:
    with pytest.raises(CannotTell, match=str(status)):
        found(Answer(status))


def test_a_page_that_was_cut_is_no_proof() -> None:
    with pytest.raises(CannotTell, match="longer than"):
        found(page=PAGE + "<p>long</p>" * 9000)


def test_a_page_that_does_not_answer_tells_nothing() -> None:
    with serve(lambda request: Answer(503)) as server, pytest.raises(CannotTell):
        look(static_assets, server.url)

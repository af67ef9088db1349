"""Scripts from elsewhere: pinned or not, and whose a host is."""

import time
from typing import Any

import pytest

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime import third_party_scripts as module
from readiness.probes.runtime.third_party_scripts import third_party_scripts
from readiness.probes.target import Target
from tests.readiness.probes.servers import Answer, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

CDN = "https://cdn.jsdelivr.net/npm/@mediapipe/hands@0.4/hands.js"
PIN = 'integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6" crossorigin="anonymous"'


def found(page: str, **declared: Any) -> Finding:
    with serve(lambda request: Answer(200, page, {"Content-Type": "text/html"})) as server:
        (finding,) = look(third_party_scripts, server.url, **declared)
    assert finding.criterion == "fe.third-party"
    return finding


@pytest.mark.parametrize(
    "page",
    [
        "<script src=/app.js></script><script>let x = 1</script>",
        """<script src="http://[x"></script><script>import "http://x:99999/y"</script><base href="http://[">""",
        f'<script src="{CDN}" {PIN} onerror="useLocal()"></script>',
        f'<script src="{CDN}" {PIN}></script><script>window.X||document.write("<script src=/x.js>")</script>',
        f'<script type="application/json">{{"src": "{CDN}"}}</script>',
        f'<!-- <script src="{CDN}"></script> --><a href="{CDN}">x</a>',
        f"<noscript>{CDN}</noscript><p>import x from '{CDN}'</p>",
    ],
)
def test_pages_that_hand_control_to_nobody_pass(page: str) -> None:
    assert found(page).status == Status.OK


@pytest.mark.parametrize(
    ("page", "status", "words"),
    [
        (f'<script src="{CDN}?key=abc"></script>', Status.RISKY, CDN),
        (f'<script async src="//{CDN[8:]}"></script>', Status.RISKY, "unseen"),
        (f'<base href="{CDN}"><script src="x.js"></script>', Status.RISKY, "unseen"),
        (f"<script type=module>import {{x}} from '{CDN}'</script>", Status.RISKY, "unseen"),
        (f'<script type=module>await import("{CDN}")</script>', Status.RISKY, "unseen"),
        (f'<script src="{CDN}" integrity="sha384-oqVuAfXRKap7"></script>', Status.FAILING, "crossorigin"),
        (f'<script src="{CDN}" {PIN}></script>', Status.PARTIAL, "does not load"),
    ],
)
def test_a_script_that_another_server_may_change_is_told(page: str, status: Status, words: str) -> None:
    finding = found(page)

    assert finding.status == status
    assert words in finding.detail
    assert "key=abc" not in str(finding)


def test_a_declared_page_elsewhere_is_read_with_its_own_scripts() -> None:
    page = "<script src=/app.js></script>"
    with serve(lambda request: Answer(200, page, {"Content-Type": "text/html"})) as frontend:
        assert found("", page_paths=(f"{frontend.url}/shop",)).status == Status.OK

    assert [request.path for request in frontend.requests] == ["/shop"]


def test_the_frontends_own_hosts_are_not_elsewhere() -> None:
    page = '<script src="https://static.shop.example.com/app.js"></script>'

    assert found(page).status == Status.RISKY
    assert found(page, frontend_origins=("https://shop.example.com",)).status == Status.OK


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("cdn.shop.example.com", "shop.example.com", True),
        ("cdn.example.com", "app.example.com", True),
        ("example.com", "www.example.com", True),
        ("example.com", "evil.com", False),
        ("evil-example.com", "example.com", False),
        ("a.co.uk", "b.co.uk", False),
        ("a.github.io", "b.github.io", False),
        ("a.herokuapp.com", "b.herokuapp.com", False),
        ("10.0.0.1", "11.0.0.1", False),
    ],
)
def test_hosts_of_one_owner_are_told_from_neighbours(one: str, other: str, same: bool) -> None:
    assert module.are_one_owners(one, other) == module.are_one_owners(other, one) == same


@pytest.mark.parametrize(
    ("page", "headers"),
    [
        ("<p>long</p>" * 9000, {}),
        ("<![unheard-of[ x ]]><p>x</p>", {}),
        (b"\x1b\x05\x00\xf8" * 90, {"Content-Encoding": "br"}),
    ],
)
def test_what_could_not_be_read_is_not_free_of_scripts(page: str | bytes, headers: dict[str, str]) -> None:
    answer = Answer(200, page, {"Content-Type": "text/html", **headers})
    with serve(lambda request: answer) as server, pytest.raises(CannotTell):
        look(third_party_scripts, server.url)


@pytest.mark.parametrize("unit", ["<a", "<script", "<!--", "from   ", 'import("'])
def test_a_page_that_is_made_to_stall_its_reader_is_read_at_once(unit: str) -> None:
    page = Exchange("GET", "http://127.0.0.1/", 200, body=f"<script>{unit * 9000}".encode())
    plain = Exchange("GET", "http://127.0.0.1/", 200, body=(unit * 30_000).encode())
    began = time.process_time()
    for one in (page, plain):
        list(module.scripts_of(Target(base_url="http://127.0.0.1"), one))

    assert time.process_time() - began < 1


def test_an_api_loads_no_scripts_and_a_page_that_fails_tells_nothing() -> None:
    api = Answer(200, "{}", {"Content-Type": "application/json"})
    with serve(lambda request: api) as server, pytest.raises(NotApplicable):
        look(third_party_scripts, server.url)
    with serve(lambda request: Answer(500)) as server, pytest.raises(CannotTell):
        look(third_party_scripts, server.url)

"""The way out, against servers on loopback that lie, stall, flood and redirect."""

import asyncio
import gzip
import socket
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from readiness.outside.egress import BODY_LIMIT, LONG_BODY_LIMIT, Client
from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell, NoAnswer, Unreachable
from readiness.outside.policy import Blocked, Policy
from tests.readiness.probes.servers import (
    Answer,
    Request,
    authority,
    refused_port,
    serve,
    serve_raw,
    server_context,
)

OPEN = Policy.of(["127.0.0.0/8"], ["1-65535"])


def ask(
    url: str,
    policy: Policy = OPEN,
    *,
    resolver: AbstractResolver | None = None,
    roots: str = "",
    headers: dict[str, str] | None = None,
    follow: bool = False,
    deadline: float = 3.0,
    is_long: bool = False,
    host: str = "",
    method: str = "GET",
    body: bytes | None = None,
) -> Exchange:
    async def once() -> Exchange:
        async with Client(policy, roots, resolver) as client:
            return await client.ask(
                method, url, headers, host=host, body=body, follow=follow, deadline=deadline, is_long=is_long
            )

    return asyncio.run(once())


class Names(AbstractResolver):
    """Answers with the next address of a list each time it is asked: what a rebinding name server does."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        address = self.answers.pop(0)
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=int(socket.AF_INET), proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


def hello(request: Request) -> Answer:
    return Answer(200, "hello", {"Content-Type": "text/plain; charset=utf-8"})


def redirect(to: str, status: int = 302) -> Callable[[Request], Answer]:
    return lambda request: Answer(status, "", {"Location": to})


def test_an_allowed_target_answers() -> None:
    with serve(hello) as server:
        exchange = ask(f"{server.url}/a?b=c")

    assert (exchange.status, exchange.text, exchange.media_type) == (200, "hello", "text/plain")
    assert server.requests[0].path == "/a?b=c"


def test_loopback_is_blocked_unless_an_administrator_opened_it() -> None:
    with serve(hello) as server:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0"):
            with pytest.raises(Blocked):
                ask(f"http://{host}:{server.port}/", Policy.of([], ["1-65535"]))

    assert server.requests == []


@pytest.mark.parametrize(
    "host", ["2130706433", "0177.0.0.1", "127.1", "0x7f000001", "0x7f.0.0.1", "017700000001", "127.0.0.1."]
)
def test_odd_spellings_of_an_address_are_blocked_even_where_it_is_allowed(host: str) -> None:
    with serve(hello) as server, pytest.raises(Blocked):
        ask(f"http://{host}:{server.port}/")

    assert server.requests == []


def test_a_name_that_turns_to_loopback_the_second_time_is_blocked() -> None:
    policy = Policy.of([], ["1-65535"])
    names = Names("8.8.8.8", "127.0.0.1")

    async def twice(port: int) -> None:
        async with Client(policy, resolver=names) as client:
            assert (await client._look_up("rebinding.example", port))[0][4][0] == "8.8.8.8"
            with pytest.raises(Blocked, match=r"127\.0\.0\.1 is in a private network"):
                await client.ask("GET", f"http://rebinding.example:{port}/")

    with serve(hello) as server:
        asyncio.run(twice(server.port))

    assert server.requests == []


def test_a_raw_connection_and_a_handshake_to_a_rebound_name_are_blocked() -> None:
    async def both(port: int) -> None:
        async with Client(Policy.of([], ["1-65535"]), resolver=Names("127.0.0.1", "10.0.0.1")) as client:
            with pytest.raises(Blocked, match=r"127\.0\.0\.1 is in a private network"):
                await client.connect("rebinding.example", port)
            with pytest.raises(Blocked, match=r"10\.0\.0\.1 is in a private network"):
                await client.handshake("rebinding.example", port)

    with serve(hello) as server:
        asyncio.run(both(server.port))

    assert server.requests == []


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "localhost."])
def test_letters_that_become_an_address_on_the_way_are_judged_as_that_address(host: str) -> None:
    with serve(hello) as server, pytest.raises((Blocked, CannotTell)):
        ask(f"http://{host}:{server.port}/", Policy.of([], ["1-65535"]))

    assert server.requests == []


def test_the_guard_at_the_socket_holds_when_the_resolver_is_fooled() -> None:
    async def dial(port: int) -> None:
        async with Client(Policy.of([], ["1-65535"])) as client:
            info = (int(socket.AF_INET), int(socket.SOCK_STREAM), 0, "", ("127.0.0.1", port))
            with pytest.raises(Blocked):
                client._socket_for(info)

    asyncio.run(dial(8000))


def test_raw_connections_meet_the_same_policy() -> None:
    async def dial(policy: Policy, port: int) -> str:
        async with Client(policy) as client:
            connected = await client.connect("127.0.0.1", port)
            with connected:
                return str(connected.getpeername()[0])

    with serve(hello) as server:
        assert asyncio.run(dial(OPEN, server.port)) == "127.0.0.1"
        with pytest.raises(Blocked):
            asyncio.run(dial(Policy(), server.port))
    with pytest.raises(Unreachable, match="refused"):
        asyncio.run(dial(OPEN, refused_port()))


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://100.100.100.200/",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "http://user:password@127.0.0.1/",
        "http://2130706433/",
    ],
)
def test_a_redirect_to_a_forbidden_address_is_not_followed(elsewhere: str) -> None:
    with serve(redirect(elsewhere)) as server, pytest.raises(Blocked) as refusal:
        ask(server.url, follow=True)

    assert str(refusal.value).endswith(".")


def test_a_redirect_is_not_followed_unless_asked_for() -> None:
    with serve(redirect("http://169.254.169.254/")) as server:
        exchange = ask(server.url)

    assert exchange.status == 302
    assert exchange.location == "http://169.254.169.254/"


def test_a_redirect_in_circles_ends_after_five_hops() -> None:
    with serve(redirect("/again")) as server, pytest.raises(Blocked, match="more than 5 times"):
        ask(server.url, follow=True)

    assert len(server.requests) == 6


def test_hops_are_kept_as_evidence() -> None:
    def app(request: Request) -> Answer:
        return hello(request) if request.path == "/b" else Answer(301, "", {"Location": "/b"})

    with serve(app) as server:
        exchange = ask(f"{server.url}/a", follow=True)

    assert exchange.text == "hello"
    assert [hop.status for hop in exchange.hops] == [301]


def test_credentials_and_the_host_stay_with_their_origin() -> None:
    with serve(hello) as other, serve(redirect(f"{other.url}/there")) as first:
        sent = {"Authorization": "Bearer secret", "Cookie": "session=1", "X-Kept": "yes"}
        ask(first.url, headers=sent, follow=True, host="app.example.com")

    assert first.requests[0].headers["authorization"] == "Bearer secret"
    assert first.requests[0].headers["host"] == "app.example.com"
    assert "authorization" not in other.requests[0].headers
    assert "cookie" not in other.requests[0].headers
    assert other.requests[0].headers["host"] == f"127.0.0.1:{other.port}"
    assert other.requests[0].headers["x-kept"] == "yes"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_was_sent_never_goes_to_another_site(status: int) -> None:
    with serve(hello) as other, serve(redirect(f"{other.url}/there", status)) as first:
        try:
            ask(first.url, follow=True, method="POST", body=b"password=secret")
        except Blocked as refusal:
            assert status in {307, 308}
            assert str(refusal).endswith("redirects what was sent to it to another site.")

    assert first.requests[0].body == b"password=secret"
    assert all((request.method, request.body) == ("GET", b"") for request in other.requests)
    assert len(other.requests) == (0 if status in {307, 308} else 1)


def test_what_was_sent_is_sent_again_inside_its_own_site_when_that_asks_for_it() -> None:
    def app(request: Request) -> Answer:
        return hello(request) if request.path == "/b" else Answer(307, "", {"Location": "/b"})

    with serve(app) as server:
        ask(f"{server.url}/a", follow=True, method="POST", body=b"{}")

    assert [(request.method, request.body) for request in server.requests] == [("POST", b"{}")] * 2


def test_a_host_with_a_line_break_sends_no_header_of_its_own() -> None:
    with serve(hello) as server, pytest.raises(CannotTell):
        ask(server.url, host="app.example.com\r\nMetadata-Flavor: Google")

    assert server.requests == []


def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path) -> None:
    root = authority()
    safely = server_context(tmp_path, root)
    with (
        serve(hello) as plain,
        serve(redirect(plain.url), tls=safely) as safe,
        pytest.raises(Blocked, match="from https to http"),
    ):
        ask(safe.url, follow=True, roots=root.pem)

    assert plain.requests == []


def test_a_certificate_that_nobody_vouches_for_is_not_read_past(tmp_path: Path) -> None:
    unknown = server_context(tmp_path, authority())
    with serve(hello, tls=unknown) as server, pytest.raises(CannotTell, match="tls-certificate"):
        ask(server.url)

    assert server.requests == []


@pytest.mark.parametrize(
    "name", ["Host", "host", "Connection", "Transfer-Encoding", "Metadata-Flavor", "X-aws-ec2-metadata-token"]
)
def test_a_probe_cannot_set_headers_that_fool_the_way(name: str) -> None:
    with pytest.raises(ValueError, match="may not set"):
        ask("http://127.0.0.1:8000/", headers={name: "x"})


def test_the_environment_cannot_put_a_proxy_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(hello) as server, serve(hello) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        ask(server.url)

    assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_a_body_of_gigabytes_is_cut() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000000\r\n\r\n")
        sent = 0
        while sent < 2**31:
            sent += connection.send(b"x" * 65536)
        flooded.append(sent)

    flooded: list[int] = []
    with serve_raw(flood) as server:
        exchange = ask(server.url)

    assert len(exchange.body) == BODY_LIMIT
    assert not exchange.complete
    assert flooded == []


def test_an_endless_chunked_body_is_cut() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    with serve_raw(flood) as server:
        assert len(ask(server.url).body) == BODY_LIMIT


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_a_compressed_bomb_opens_to_64_kilobytes(compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(b"\0" * 50_000_000)
    encoding = "gzip" if compress is gzip.compress else "deflate"
    with serve(lambda request: Answer(200, bomb, {"Content-Encoding": encoding})) as server:
        exchange = ask(server.url)

    assert len(exchange.body) == BODY_LIMIT
    assert not exchange.complete


def test_a_long_answer_is_read_to_two_megabytes_and_no_further() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    packed = {"Content-Encoding": "gzip"}
    with serve(lambda request: Answer(200, bomb, packed if request.path == "/bomb" else {})) as server:
        opened = ask(f"{server.url}/bomb", is_long=True)
        plain = ask(f"{server.url}/plain", is_long=True)

    assert (len(opened.body), opened.complete) == (LONG_BODY_LIMIT, False)
    assert (plain.body, plain.complete) == (bomb, True)


@pytest.mark.parametrize("encoding", ["gzip", "GZip", "x-gzip"])
def test_a_small_compressed_body_is_read_though_nobody_asked_for_it(encoding: str) -> None:
    packed = gzip.compress(b'{"status": "ok"}')
    with serve(lambda request: Answer(200, packed, {"Content-Encoding": encoding})) as server:
        exchange = ask(server.url)

    assert exchange.json() == {"status": "ok"}
    assert exchange.complete


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br", "gzip, gzip", "made-up"])
def test_a_body_in_an_encoding_that_nobody_asked_for_is_not_read(encoding: str) -> None:
    packed = gzip.compress(gzip.compress(b"AWS_SECRET_ACCESS_KEY=x"))
    with serve(lambda request: Answer(200, packed, {"Content-Encoding": encoding})) as server:
        exchange = ask(server.url)

    assert (exchange.body, exchange.complete, exchange.unread) == (b"", False, True)
    assert server.requests[0].headers["accept-encoding"] == "identity"
    with pytest.raises(CannotTell):
        exchange.json()


def test_an_encoding_is_read_from_all_of_its_headers() -> None:
    twice = [("Content-Encoding", "br"), ("Content-Encoding", "gzip")]
    with serve(lambda request: Answer(200, gzip.compress(b"brotli"), twice)) as server:
        assert ask(server.url).unread


def test_broken_compression_is_an_incomplete_body() -> None:
    with serve(lambda request: Answer(200, b"not gzip", {"Content-Encoding": "gzip"})) as server:
        exchange = ask(server.url)

    assert not exchange.complete
    with pytest.raises(CannotTell):
        exchange.json()


def test_a_slow_body_is_cut_at_the_deadline_and_the_headers_are_kept() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Here: yes\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    with serve_raw(drip) as server:
        exchange = ask(server.url, deadline=0.6)

    assert exchange.header("x-here") == "yes"
    assert not exchange.complete
    assert exchange.seconds < 2


def test_endless_headers_are_refused() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: " + b"y" * 1000 + b"\r\n")

    with serve_raw(endless) as server, pytest.raises(CannotTell):
        ask(server.url)


def test_one_endless_header_is_refused() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            connection.sendall(b"y" * 4096)

    with serve_raw(endless) as server, pytest.raises(CannotTell):
        ask(server.url)


@pytest.mark.parametrize("count", [200, 5000])
def test_a_flood_of_tiny_headers_is_refused(count: int) -> None:
    many = b"".join(b"X%d: y\r\n" % number for number in range(count))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + many + b"\r\n"
    with serve_raw(lambda connection: connection.sendall(answer)) as server, pytest.raises(CannotTell):
        ask(server.url)


@pytest.mark.parametrize("drop", [b"X", b"HTTP/1.1 102 Processing\r\n\r\n"])
def test_an_answer_that_never_gets_to_its_body_ends_with_the_deadline(drop: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        while True:
            connection.sendall(drop)
            time.sleep(0.02)

    started = time.monotonic()
    with serve_raw(drip) as server, pytest.raises(CannotTell):
        ask(server.url, deadline=0.3)

    assert time.monotonic() - started < 2


def test_the_deadline_is_for_all_hops_together() -> None:
    def app(request: Request) -> Answer:
        time.sleep(0.15)
        return Answer(302, "", {"Location": f"{request.path}a"})

    with serve(app) as server, pytest.raises(NoAnswer):
        ask(f"{server.url}/a", follow=True, deadline=0.4)

    assert len(server.requests) <= 3


def test_more_than_16_kilobytes_of_headers_are_refused() -> None:
    many = {f"X-{number}": "y" * 1000 for number in range(20)}
    with serve(lambda request: Answer(200, "", many)) as server, pytest.raises(CannotTell, match="16 KiB"):
        ask(server.url)


def test_a_target_that_never_answers_is_no_answer() -> None:
    with serve_raw(lambda connection: time.sleep(5)) as server, pytest.raises(NoAnswer, match="in time"):
        ask(server.url, deadline=0.3)


def test_a_target_that_refuses_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="refused the connection"):
        ask(f"http://127.0.0.1:{refused_port()}/")


def test_a_target_that_hangs_up_is_unreachable() -> None:
    with serve_raw(lambda connection: None) as server, pytest.raises(Unreachable):
        ask(server.url)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0\0\0\0\0\0",
        b"HTTP/9.9 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nBad Header\r\n\r\n",
    ],
)
def test_what_is_not_http_is_an_error_with_a_sentence(said: bytes) -> None:
    with (
        serve_raw(lambda connection: connection.sendall(said)) as server,
        pytest.raises(CannotTell) as reason,
    ):
        ask(server.url)

    assert str(reason.value).endswith(".")


def test_a_name_that_does_not_resolve_is_our_trouble_and_not_the_targets() -> None:
    with pytest.raises(CannotTell, match="could not be resolved") as reason:
        ask("http://nowhere.invalid/")

    assert not isinstance(reason.value, Unreachable)


def test_raw_bytes_in_a_path_arrive_as_they_were_written() -> None:
    with serve(hello) as server:
        ask(f"{server.url}/%ff?id=%27")

    assert server.requests[0].path == "/%ff?id=%27"

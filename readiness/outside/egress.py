"""Owns every connection that this program opens to the outside: the only module that may, under the policy.

Each address is checked when its socket is made, so a name that resolves differently the second time, an IP
literal and a redirect all meet the same guard.
"""

import asyncio
import errno
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rcode
import dns.rdatatype
import dns.resolver
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from yarl import URL

from readiness.outside import addresses
from readiness.outside.exchange import Exchange, Heard, origin
from readiness.outside.failures import CannotTell, NoAnswer, Silent, Unreachable
from readiness.outside.names import Records
from readiness.outside.policy import AddrInfo, Blocked, Policy
from readiness.outside.tls import Handshake, trusting, trusting_anybody

BODY_LIMIT = 64 * 1024
# The documents of an API with hundreds of operations; of so many bytes at once only a few answers are held.
LONG_BODY_LIMIT = 2 * 1024 * 1024
LONG_AT_ONCE = 4
HEADER_LIMIT = 16 * 1024
HOPS = 5
CONNECT_SECONDS = 5.0
DNS_SECONDS = 4.0
DEADLINE = 8.0
HEARD_LIMIT = 1024
HEARD_SECONDS = 3.0
CREDENTIALS = frozenset({"authorization", "cookie"})
RESERVED_HEADERS = ("host", "connection", "transfer-encoding", "content-length", "metadata", "x-aws-")
USER_AGENT = "deployment-readiness-probe/1"
USUAL_HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
BROKER_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


def from_settings() -> Policy:
    """Return the policy of this installation: what administrators opened, and its own database and broker."""
    own = [(network, port) for host, port in own_services() for network in _networks_of(host)]
    return Policy.of(settings.EGRESS_ALLOW, settings.EGRESS_ALLOW_PORTS, own, settings.DNS_SERVERS)


def own_services() -> list[tuple[str, int]]:
    """Return (host, port) of this installation's own database and broker, from the settings."""
    database, broker = settings.DATABASES["default"], urlsplit(settings.CELERY_BROKER_URL)
    services = []
    if "postgresql" in database["ENGINE"]:
        services.append((str(database.get("HOST") or "localhost"), int(database.get("PORT") or 5432)))
    if broker.scheme in BROKER_PORTS:
        services.append((broker.hostname or "localhost", broker.port or BROKER_PORTS[broker.scheme]))
    return services


def pinned(policy: Policy, host: str, port: int) -> addresses.Address:
    """Return the one checked address behind a host, for a program that dials by itself.

    Raises Blocked, or CannotTell when the name does not resolve.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CannotTell(f"The name {host} could not be resolved from here.") from None
    return ip_address(str(policy.permitted(found)[0][4][0]))


def check_url(url: str) -> None:
    """Raise Blocked, with one clear sentence, when this installation may not probe the address."""
    from_settings().check_url(url)


class Client:
    """Speaks TCP, TLS, HTTP and DNS under a policy. Use it as `async with Client(policy)`, one per batch.

    `roots` are certificates in PEM that an administrator trusts beside the system's. `resolver` is for tests.
    """

    def __init__(self, policy: Policy, roots: str = "", resolver: AbstractResolver | None = None) -> None:
        self.policy = policy
        self.roots = roots
        self._passed: set[str | tuple[str, int]] = set()
        self._long = asyncio.Semaphore(LONG_AT_ONCE)
        self._names = resolver or aiohttp.ThreadedResolver()
        self._resolver = Permitted(policy, self._names)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                socket_factory=self._socket_for,
                resolver=self._resolver,
                use_dns_cache=False,
                ssl=trusting(roots),
                limit=0,  # who may ask at once is the runner's business: waiting here would eat the deadline
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # a proxy from the environment would dial in our place, past the policy
            auto_decompress=False,
            max_field_size=HEADER_LIMIT,
            max_line_size=HEADER_LIMIT,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def _socket_for(self, info: AddrInfo) -> socket.socket:
        """Return a fresh socket for an address that passes: the guard that every dial goes through."""
        place = (str(info[4][0]), int(info[4][1]))
        if place not in self._passed:
            self.policy.check(*place)
            self._passed.add(place)
        made = socket.socket(info[0], info[1], info[2])
        made.setblocking(False)
        return made

    async def connect(self, host: str, port: int, seconds: float = CONNECT_SECONDS) -> socket.socket:
        """Return a connected, non-blocking socket: the way out for probes that do not speak HTTP.

        Raises Blocked; Unreachable when the target refuses; Silent when nothing takes the connection in time;
        CannotTell when the name does not resolve or no way leads there.
        """
        failure: Exception = CannotTell(f"{host}:{port} could not be reached from here.")
        for info in await self._look_up(host, port):
            made = self._socket_for(info)
            try:
                async with asyncio.timeout(seconds):
                    await asyncio.get_running_loop().sock_connect(made, info[4])
                return made
            except OSError as error:
                made.close()
                failure = _of_os_error(error, f"{host}:{port}")
            except BaseException:
                made.close()
                raise
        raise failure

    async def _look_up(self, host: str, port: int) -> list[AddrInfo]:
        if literal := addresses.parse(host):
            family = socket.AF_INET6 if literal.version == 6 else socket.AF_INET
            return [(family, socket.SOCK_STREAM, 0, "", (str(literal), port))]
        try:
            found = await self._resolver.resolve(host, port)
        except Blocked:
            raise
        except (OSError, UnicodeError):
            raise CannotTell(f"The name {host} could not be resolved from here.") from None
        return [
            (entry["family"], socket.SOCK_STREAM, 0, "", (entry["host"], entry["port"])) for entry in found
        ]

    async def addresses_of(self, host: str) -> list[str]:
        """Return every address that a host has for this machine, sorted, whether it may be asked or not.

        Raises CannotTell when the name does not resolve.
        """
        if literal := addresses.parse(host):
            return [str(literal)]
        try:
            return sorted({entry["host"] for entry in await self._names.resolve(host, 0)})
        except (OSError, UnicodeError):
            raise CannotTell(f"The name {host} could not be resolved from here.") from None

    async def look_up(self, name: str, kind: str, seconds: float = DNS_SECONDS) -> Records:
        """Return what the name servers of this installation say about a name; a CNAME is followed.

        `kind` is a kind of record: "A", "AAAA", "CAA". Raises CannotTell when none of them answers clearly.
        """
        records = await self._asked(name, kind, seconds)
        if records.values or not records.exists or not records.aliases or records.zone:
            return records
        # A server that does not follow aliases itself says only where they lead.
        there = await self._asked(records.last, kind, seconds)
        return replace(there, name=name, aliases=(*records.aliases, *there.aliases))

    async def _asked(self, name: str, kind: str, seconds: float) -> Records:
        try:
            return _records(name, kind, await self._response(dns.name.from_text(name), kind, seconds))
        except (dns.exception.DNSException, OSError, UnicodeError):
            raise CannotTell(f"No name server gave a clear answer about {name} ({kind}).") from None

    async def _response(self, asked: dns.name.Name, kind: str, seconds: float) -> dns.message.Message:
        try:
            answer = await self._name_servers().resolve(
                asked, kind, lifetime=seconds, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN as denial:
            said: dns.message.Message = denial.response(asked)  # type: ignore[no-untyped-call]
            return said
        return answer.response

    def _name_servers(self) -> dns.asyncresolver.Resolver:
        servers = self.policy.name_servers
        resolver = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in servers]
        return resolver

    async def converse(
        self, host: str, port: int, said: bytes, *, until: bytes = b"", context: ssl.SSLContext | None = None
    ) -> Heard:
        """Say a few bytes on a fresh connection and return what is answered, up to `until` and 1 KiB.

        With `context` it is said over TLS. Raises as `connect` does, NoAnswer when nothing comes in time, and
        ssl.SSLError when a handshake fails.
        """
        connected = await self.connect(host, port)
        with connected:
            try:
                async with asyncio.timeout(HEARD_SECONDS):
                    address = str(connected.getpeername()[0])
                    if context is None:
                        return Heard(await _heard(connected, said, until), address)
                    return Heard(await _heard_over_tls(connected, said, context, host), address)
            except TimeoutError:
                raise NoAnswer(f"{host}:{port} took the connection and did not answer in time.") from None
            except ConnectionError as error:
                raise _of_os_error(error, f"{host}:{port}") from error

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        host: str = "",
        body: bytes | None = None,
        follow: bool = False,
        deadline: float = DEADLINE,
        is_long: bool = False,
    ) -> Exchange:
        """Put one question and return the answer; with `follow`, the answer after at most five redirects.

        `host` replaces the Host header, and the TLS name, on the first origin; no other is sent the `body`.
        `deadline` is in seconds, for all hops together. Of an answer 64 KiB are read, of one that is known to
        be long 2 MiB. Raises Blocked, Unreachable, NoAnswer, or CannotTell with a sentence.
        """
        sent = dict(headers or {})
        if wrong := [name for name in sent if name.lower().startswith(RESERVED_HEADERS)]:
            raise ValueError(f"A probe may not set the header {wrong[0]}.")
        limit = LONG_BODY_LIMIT if is_long else BODY_LIMIT
        async with self._long if is_long else nullcontext():
            until = time.monotonic() + deadline
            exchange = await self._once(method, url, sent, host, body, until, limit)
            hops: list[Exchange] = []
            while follow and exchange.location:
                hops.append(exchange)
                sent, host = _next_hop(hops, sent, host)
                if exchange.status == 303 or (exchange.status in {301, 302} and method == "POST"):
                    method, body = "GET" if method != "HEAD" else method, None
                if body is not None and origin(exchange.url) != origin(exchange.location):
                    raise Blocked(f"{exchange.url} redirects what was sent to it to another site.")
                exchange = await self._once(method, exchange.location, sent, host, body, until, limit)
            return replace(exchange, hops=tuple(hops)) if hops else exchange

    def _check(self, url: str) -> None:
        """Raise Blocked unless the policy passes the address: asked once, for it never changes its mind."""
        if url not in self._passed:
            self.policy.check_url(url)
            self._passed.add(url)

    async def _once(
        self,
        method: str,
        url: str,
        sent: Mapping[str, str],
        host: str,
        body: bytes | None,
        until: float,
        limit: int,
    ) -> Exchange:
        self._check(url)
        headers = {**USUAL_HEADERS, **sent}
        started = time.monotonic()
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                headers={**headers, "Host": host} if host else headers,
                data=body,
                allow_redirects=False,
                server_hostname=host.partition(":")[0] if host and url.startswith("https:") else None,
                timeout=aiohttp.ClientTimeout(total=max(until - started, 0.01), sock_connect=CONNECT_SECONDS),
            ) as response:
                got = _headers(response)
                if sum(len(name) + len(value) + 4 for name, value in got) > HEADER_LIMIT:
                    raise CannotTell(f"{url} sent more than 16 KiB of headers, so its answer was not read.")
                raw, complete = await _read(response, limit)
                response.close()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _explained(error, url) from error
        encodings = [value.lower() for name, value in got if name == "content-encoding"]
        plain, whole = _decompressed(raw, ", ".join(encodings), limit)
        seconds = time.monotonic() - started
        return Exchange(method, url, response.status, got, plain, complete and whole, seconds, headers)

    async def handshake(
        self, host: str, port: int, *, name: str = "", context: ssl.SSLContext | None = None
    ) -> Handshake:
        """Shake hands on a fresh connection and return what was shown, trusted or not.

        `name` is the server name asked for, if it is not the host. Raises as `Policy.open` does, and
        ssl.SSLError when the two sides find no protocol in common.
        """
        try:
            return await self._shake(host, port, name or host, context or trusting(self.roots))
        except ssl.SSLCertVerificationError as error:
            shown = await self._shake(host, port, name or host, trusting_anybody())
            return Handshake(
                shown.protocol, shown.certificate, error.verify_code, error.verify_message, shown.address
            )

    async def _shake(self, host: str, port: int, name: str, context: ssl.SSLContext) -> Handshake:
        connected = await self.connect(host, port)
        address = str(connected.getpeername()[0])
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(sock=connected, ssl=context, server_hostname=name)
        except TimeoutError:
            connected.close()
            raise NoAnswer(f"{host}:{port} took the connection and did not finish a TLS handshake.") from None
        except ConnectionError as error:
            connected.close()
            raise _of_os_error(error, f"{host}:{port}") from error
        try:
            shown = writer.get_extra_info("ssl_object")
            return Handshake(
                shown.version(),
                shown.getpeercert(binary_form=True) or b"",
                address=address,
                alpn=shown.selected_alpn_protocol() or "",
            )
        finally:
            writer.transport.abort()


class Permitted(AbstractResolver):
    """Resolves names, and keeps only the addresses that the policy lets through."""

    def __init__(self, policy: Policy, resolver: AbstractResolver) -> None:
        self._policy, self._resolver = policy, resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the permitted addresses; raises Blocked when there is none."""
        found = await self._resolver.resolve(host, port, family)
        kept = self._policy.permitted((0, 0, 0, "", (entry["host"], entry["port"])) for entry in found)
        passed = {info[4][0] for info in kept}
        return [entry for entry in found if entry["host"] in passed]

    async def close(self) -> None:
        """Close the resolver behind."""
        await self._resolver.close()


def _networks_of(host: str) -> list[addresses.Network]:
    """Return the networks in which one of our own services is reached.

    A service on loopback is reached by every loopback address, and usually by this machine's own as well.
    """
    try:
        names = [host, socket.gethostname()] if host == "localhost" else [host]
        found = {str(info[4][0]) for name in names for info in socket.getaddrinfo(name, None)}
    except OSError:
        return [ip_network("0.0.0.0/0"), ip_network("::/0")]
    parsed = [addresses.unwrap(address) for text in found if (address := addresses.parse(text))]
    loopback = addresses.LOOPBACK if any(address.is_loopback for address in parsed) else ()
    return [*loopback, *(ip_network(address) for address in parsed)]


def _headers(response: aiohttp.ClientResponse) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1").lower(), value.decode("utf-8", "replace").strip())
        for name, value in response.raw_headers
    )


def _records(name: str, kind: str, response: dns.message.Message) -> Records:
    """Return what a response says. Raises DNSException when it contradicts itself."""
    if not isinstance(response, dns.message.QueryMessage):
        raise dns.exception.FormError
    chain = response.resolve_chaining()
    zones = [
        rrset.name
        for rrset in response.authority
        if rrset.rdtype == dns.rdatatype.SOA and chain.canonical_name.is_subdomain(rrset.name)
    ]
    return Records(
        name,
        kind,
        tuple(sorted(record.to_text() for record in chain.answer or ())),
        tuple(link[0].target.to_text(omit_final_dot=True) for link in chain.cnames),
        response.rcode() != dns.rcode.NXDOMAIN,
        zones[0].to_text(omit_final_dot=True) if zones else "",
    )


async def _heard(connected: socket.socket, said: bytes, until: bytes) -> bytes:
    """Say and listen. Not by streams: they throw away what was said just before a connection was reset."""
    loop, got = asyncio.get_running_loop(), b""
    with suppress(ConnectionError):
        await loop.sock_sendall(connected, said)
    with suppress(ConnectionError):
        while chunk := await loop.sock_recv(connected, HEARD_LIMIT - len(got)):
            got += chunk
            if until in got or len(got) >= HEARD_LIMIT:
                break
    return got


async def _heard_over_tls(connected: socket.socket, said: bytes, context: ssl.SSLContext, name: str) -> bytes:
    reader, writer = await asyncio.open_connection(sock=connected, ssl=context, server_hostname=name)
    try:
        writer.write(said)
        return await reader.read(HEARD_LIMIT)
    finally:
        writer.transport.abort()


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """Read at most `limit` bytes of a body as it is sent, and say whether that was all. A slow one is cut."""
    got = bytearray()
    try:
        while len(got) <= limit and (chunk := await response.content.read(limit + 1 - len(got))):
            got += chunk
    except (TimeoutError, aiohttp.ClientError):
        return bytes(got[:limit]), False
    return bytes(got[:limit]), len(got) <= limit


def _decompressed(raw: bytes, encoding: str, limit: int) -> tuple[bytes, bool]:
    """Undo gzip and deflate up to `limit` bytes, whatever the ratio. What will not open is empty, not whole.

    Nobody asked for another encoding (brotli, zstd, two in a row), so none is undone, and its bytes are not
    handed on: what cannot be read must not be searched, or it would pass for clean.
    """
    if encoding in {"", "identity"} or not raw:
        return raw, True
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return b"", False
    opened = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = opened.decompress(raw, limit)
    except zlib.error:
        return b"", False
    return plain, opened.eof


def _next_hop(hops: list[Exchange], sent: dict[str, str], host: str) -> tuple[dict[str, str], str]:
    """Return the headers and the Host to carry over the newest redirect; raise Blocked if it leads astray."""
    here, there = hops[-1].url, hops[-1].location
    if len(hops) > HOPS:
        raise Blocked(f"{hops[0].url} redirects more than {HOPS} times.")
    if here.startswith("https:") and there.startswith("http:"):
        raise Blocked(f"{here} redirects from https to http, which probes do not follow.")
    if origin(here) == origin(there):
        return sent, host
    return {name: value for name, value in sent.items() if name.lower() not in CREDENTIALS}, ""


def _blocked_in(error: BaseException | None) -> Blocked | None:
    """Return the refusal of the policy inside an error of the HTTP library, if there is one."""
    while error is not None and not isinstance(error, Blocked):
        error = getattr(error, "os_error", None) or error.__cause__
    return error


def _of_os_error(error: OSError, where: str) -> Exception:
    if blocked := _blocked_in(error):
        return blocked
    if isinstance(error, TimeoutError):
        return Silent(f"{where} did not take a connection within {CONNECT_SECONDS:.0f} seconds.")
    if error.errno == errno.ECONNREFUSED:
        return Unreachable(f"{where} refused the connection.")
    if isinstance(error, ConnectionError):
        return Unreachable(f"{where} broke the connection off.")
    return CannotTell(f"{where} could not be reached from here.")


def _explained(error: Exception, url: str) -> Exception:
    """Return what an error of the HTTP library means, as an exception with a sentence."""
    if blocked := _blocked_in(error):
        return blocked
    where = "{}://{}".format(*urlsplit(url)[:2])
    match error:
        case aiohttp.ClientConnectorDNSError():
            return CannotTell(f"The name in {where} could not be resolved from here.")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return CannotTell(
                f"{where} could not be asked over TLS with a trusted certificate; tls-certificate says why."
            )
        case aiohttp.ClientConnectorError():
            return _of_os_error(error.os_error, where)
        case aiohttp.ConnectionTimeoutError():
            return CannotTell(f"{where} did not take a connection within {CONNECT_SECONDS:.0f} seconds.")
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return Unreachable(f"{where} closed the connection without an answer.")
        case TimeoutError():
            return NoAnswer(f"{url} did not answer in time.")
        case _:
            return CannotTell(f"What {where} answered is not HTTP as it should be ({type(error).__name__}).")

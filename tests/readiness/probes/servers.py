"""Owns the servers that the tests of probes ask: real sockets on loopback, each with a fault or its cure."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Request:
    """What a server was asked; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What a server says. `headers` may repeat a name when it is a list of pairs."""

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] | list[tuple[str, str]] = field(default_factory=dict)


@dataclass
class Served:
    """A running server: its address, and what it was asked so far."""

    url: str
    port: int
    requests: list[Request] = field(default_factory=list)


App = Callable[[Request], Answer]


class Handler(BaseHTTPRequestHandler):
    """Turns a request on a socket into a call of the server's app."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece, else each answer waits 40 ms for an acknowledgement
    server: "Server"

    def answer(self) -> None:
        """Answer one request of any method."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.read_body(headers))
        self.server.served.requests.append(request)
        answer = self.server.app(request)
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        self.send_response_only(answer.status)
        pairs = answer.headers.items() if isinstance(answer.headers, Mapping) else answer.headers
        for name, value in pairs:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self, headers: Mapping[str, str]) -> bytes:
        """Read the body of the request, chunked or not."""
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size + 2)[:-2])
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


for method in ("GET", "HEAD", "POST", "OPTIONS", "TRACE", "DELETE"):
    setattr(Handler, f"do_{method}", Handler.answer)


class Server(ThreadingHTTPServer):
    """A server of one app, over TLS when it is given a context."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, app: App, host: str, tls: ssl.SSLContext | None) -> None:
        super().__init__((host, 0), Handler)
        port = self.server_address[1]
        self.app, self.tls = app, tls
        self.served = Served(f"{'https' if tls else 'http'}://{host}:{port}", port)

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; the handshake is left to its thread."""
        connection, address = super().get_request()
        if self.tls is None:
            return connection, address
        connection.settimeout(5)
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address


@contextmanager
def serve(app: App, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Served]:
    """Serve an app on a free port of loopback for as long as the block runs."""
    server = Server(app, host, tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serve_raw(speak: Callable[[socket.socket], None]) -> Iterator[Served]:
    """Serve one connection after the other with a function that may say anything, or nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    served = Served(f"http://127.0.0.1:{port}", port)
    stop = threading.Event()

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            try:
                connection.recv(65536)
                speak(connection)
            except OSError:
                pass

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield served
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def refused_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the tests."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """Its certificate, for those who shall trust it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def authority(name: str = "Test authority", issuer: Authority | None = None) -> Authority:
    """Make an authority: a root, or an intermediate under `issuer`."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, issuer.certificate.subject if issuer else None, key.public_key(), days=365)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Authority(builder.sign((issuer or Authority(None, key)).key, hashes.SHA256()), key)  # type: ignore[arg-type]


def server_context(
    folder: Path,
    issuer: Authority,
    *,
    names: tuple[str, ...] = ("127.0.0.1", "localhost"),
    days: float = 90,
    started: float = 30,
    rsa_bits: int = 0,
    chain: tuple[Authority, ...] = (),
) -> ssl.SSLContext:
    """Return a server's context with a certificate that expires in `days` and began `started` days ago."""
    key: Any = (
        rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    )
    builder = _builder(names[0], issuer.certificate.subject, key.public_key(), days=days, started=started)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_name(name) for name in names]), critical=False
    )
    certificate = builder.sign(issuer.key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    bundle = folder / f"server-{certificate.serial_number}.pem"
    bundle.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
        + b"".join(link.certificate.public_bytes(pem) for link in chain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL would not serve the weak ones
    context.load_cert_chain(bundle)
    return context


def _builder(
    name: str, issuer: x509.Name | None, key: Any, *, days: float, started: float = 30
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=started))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)

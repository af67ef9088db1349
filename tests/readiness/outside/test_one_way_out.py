"""Only `readiness/outside/egress.py` opens connections: the whole code base is read for any other way out."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
THE_ONE = ROOT / "readiness" / "outside" / "egress.py"
CODE = sorted(
    path
    for folder in ("readiness", "tickets", "demo")
    for path in (ROOT / folder).rglob("*.py")
    if path != THE_ONE
)

# The libraries of Celery, Redis, the database and the bucket of FILES_STORAGE (boto3) connect by themselves:
# to what the settings name and to nothing that a person or a report names.
CONNECTING = frozenset(
    {
        "aiohttp",
        "aiosmtplib",
        "apprise",
        "asyncore",
        "dns",
        "ftplib",
        "http.client",
        "httpx",
        "imaplib",
        "nntplib",
    }
    | {"poplib", "pycurl", "requests", "smtplib", "socket", "telnetlib", "urllib.request", "urllib3"}
    | {"webbrowser", "websockets", "xmlrpc"}
)
CALLS = frozenset(
    {
        "create_connection",
        "create_datagram_endpoint",
        "getaddrinfo",
        "open_connection",
        "open_unix_connection",
    }
    | {"sock_connect", "urlopen", "urlretrieve", "gethostbyname"}
)
PROGRAMS = frozenset({"curl", "wget", "nc", "ncat", "ssh", "scp", "telnet", "openssl"})


def ways_out(source: str) -> list[str]:
    """Return what in a module could open a connection: imports, calls, and programs that do."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom():
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            case ast.Attribute(attr=name) if name in CALLS:
                found.append(name)
                continue
            case ast.Constant(value=str() as text) if text in PROGRAMS:
                found.append(text)
                continue
            case _:
                continue
        found += [
            name for name in names if any(name == bad or name.startswith(f"{bad}.") for bad in CONNECTING)
        ]
    return found


def test_there_is_code_to_read() -> None:
    assert len(CODE) > 10
    assert ways_out(THE_ONE.read_text())


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_opens_connections(path: Path) -> None:
    assert ways_out(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "from socket import socket",
        "import urllib.request as u",
        "from urllib import request",
        "import http.client",
        "from http import client",
        "import aiohttp.web",
        "import dns.asyncresolver",
        "from dns import resolver",
        "async def f(): await asyncio.open_connection('a', 1)",
        "loop.create_connection(None)",
        "subprocess.run(['curl', url])",
    ],
)
def test_the_reader_finds_a_way_out(source: str) -> None:
    assert ways_out(source)


def test_the_git_that_clones_is_given_a_checked_address() -> None:
    source = (ROOT / "readiness" / "probes" / "git.py").read_text()

    assert "http.curloptResolve=" in source
    assert "pinned(policy, host, port)" in source
    assert "http.followRedirects=false" in source

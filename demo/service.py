"""Owns the demo's answers: a page, an API and a health check over HTTP, as small services have them."""

import json
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo.faults import Faults

FRONTEND = "https://app.demo.example"
"""Where the demo's frontend is said to live in production."""

DEVELOPERS = ("http://localhost:3000", "http://localhost:5173")
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Reading club</title></head>
<body><h1>Reading club</h1><p>Three books are being read this month.</p></body>
</html>
"""
BOOKS = [
    {"title": "The Dispossessed", "readers": 4},
    {"title": "Kindred", "readers": 7},
    {"title": "Solaris", "readers": 2},
]
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
}


class Store:
    """Stands in for Redis: the demo keeps its counters in memory."""

    def __init__(self) -> None:
        self._counters: dict[str, int] = {}

    def increment(self, name: str) -> int:
        """Count one up and return the new number."""
        self._counters[name] = self._counters.get(name, 0) + 1
        return self._counters[name]

    def ping(self) -> bool:
        """Answer as Redis does."""
        return self.increment("pings") > 0


class Handler(BaseHTTPRequestHandler):
    """Answers one request; what is faulty is looked up each time."""

    server: "Demo"
    protocol_version = "HTTP/1.1"
    server_version = "demo"
    sys_version = ""
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer the page, the API or the health check."""
        match self.path.partition("?")[0]:
            case "/":
                self.answer(200, PAGE, "text/html; charset=utf-8")
            case "/api/books":
                self.answer_json(200, {"books": BOOKS, "visits": self.server.store.increment("visits")})
            case "/health":
                self.answer_health()
            case _:
                self.answer_json(404, {"detail": "Not found"})

    def do_HEAD(self) -> None:
        """Answer as to GET, without the body."""
        self.do_GET()

    def do_OPTIONS(self) -> None:
        """Answer a preflight: by the list of origins, and with the methods in any case."""
        allowed = self.origin_headers()
        methods = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "content-type",
        }
        self.answer(204 if allowed else 400, "", "text/plain", methods)

    def answer_health(self) -> None:
        """Say how the service is: of the database alone, or, once cured, of all it depends on."""
        checks = {"database": self.server.ask_database()}
        if "health" in self.server.faults.cured():
            checks["redis"] = self.server.store.ping()
        words = {name: "ok" if is_well else "down" for name, is_well in checks.items()}
        is_well = all(checks.values())
        self.answer_json(
            200 if is_well else 503, {"status": "ok" if is_well else "unhealthy", "checks": words}
        )

    def origin_headers(self) -> dict[str, str]:
        """Return the header that lets the asking origin in, if it is on the list."""
        asking = self.headers.get("Origin", "")
        listed = (FRONTEND,) if "cors" in self.server.faults.cured() else DEVELOPERS
        return {"Access-Control-Allow-Origin": asking} if asking in listed else {}

    def answer_json(self, status: int, body: Any) -> None:
        """Answer a value as JSON."""
        self.answer(status, json.dumps(body), "application/json")

    def answer(self, status: int, body: str, kind: str, extra: dict[str, str] | None = None) -> None:
        """Send an answer with the headers that every answer has."""
        safe = SAFE_HEADERS if "headers" in self.server.faults.cured() else {}
        encoded = body.encode()
        self.send_response(status)
        for name, value in {**safe, **self.origin_headers(), **(extra or {})}.items():
            self.send_header(name, value)
        self.send_header("Vary", "Origin")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(encoded)

    def log_message(self, *_: Any) -> None:
        """Say nothing: probes ask often."""


class Demo(ThreadingHTTPServer):
    """The service, listening on loopback from the moment it is made."""

    daemon_threads = True

    def __init__(self, port: int, faults: Faults) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.faults = faults
        self.store = Store()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def ask_database(self) -> bool:
        """Ask the database something, as a health check should."""
        try:
            with sqlite3.connect(":memory:") as connection:
                answered = connection.execute("select 1").fetchone()
            connection.close()
        except sqlite3.Error:
            return False
        return bool(answered == (1,))

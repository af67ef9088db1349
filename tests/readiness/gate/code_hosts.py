"""A code host on loopback that refuses what GitHub and GitLab refuse."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class CodeHost:
    """What the host knows, and what it was told. `troubles` are (status, headers) of the next answers."""

    token: str = "good"
    commits: set[str] = field(default_factory=set)
    told: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: int = 0
    limit: int = 1000
    url: str = ""
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def github(self, path: str, headers: Any, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        owner, repository, sha = path.split("/")[2:4] + path.split("/")[-1:]
        if headers["Authorization"] != f"Bearer {self.token}":
            return 401, {"message": "Bad credentials"}
        if (owner, repository) != ("harbour", "books"):
            return 404, {"message": "Not Found"}
        if said.get("state") not in {"error", "failure", "pending", "success"}:
            return 422, {"message": "Validation Failed", "errors": [{"message": "state is not included"}]}
        if len(said.get("description", "")) > 140:
            return 422, {"message": "Validation Failed", "errors": [{"message": "description is too long"}]}
        if sha not in self.commits:
            return 422, {"message": f"No commit found for SHA: {sha}"}
        return self.keep(sha, said["context"].lower(), said)

    def gitlab(self, path: str, headers: Any, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        project, sha = unquote(path.split("/")[4]), path.rsplit("/", maxsplit=1)[-1]
        if headers["PRIVATE-TOKEN"] != self.token:
            return 401, {"message": "401 Unauthorized"}
        if project != "harbour/books":
            return 404, {"message": "404 Project Not Found"}
        if said.get("state") not in {"pending", "running", "success", "failed", "canceled", "skipped"}:
            return 400, {"error": "state does not have a valid value"}
        if len(said.get("target_url", "")) > 255 or len(said.get("description", "")) > 255:
            return 400, {"message": {"target_url": ["is too long (maximum is 255 characters)"]}}
        if sha not in self.commits:
            return 404, {"message": "404 Commit Not Found"}
        return self.keep(sha, said["name"], said)

    def keep(self, sha: str, context: str, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.counts[sha, context] += 1
        if self.counts[sha, context] > self.limit:
            reason = "This SHA and context has reached the maximum number of statuses."
            return 422, {"message": "Validation Failed", "errors": [{"message": reason}]}
        self.told.append({"sha": sha, **said})
        return 201, {"id": len(self.told)}


@contextmanager
def code_host(*commits: str) -> Iterator[CodeHost]:
    """Yield a code host that knows these commits and listens at its `url`."""
    host = CodeHost(commits=set(commits))

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            host.asked += 1
            path = urlsplit(self.path).path
            if host.troubles:
                status, headers = host.troubles.pop(0)
                body: dict[str, Any] = {"message": "Trouble."}
            else:
                speak = host.gitlab if path.startswith("/api/v4/") else host.github
                (status, body), headers = speak(path, self.headers, said), {}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    host.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

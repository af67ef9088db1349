"""Visits the running product over HTTP as a person's browser does: with a session, forms and files."""

import http.client
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from django.conf import settings
from django.test import Client

from tickets.models import User

FORM_SECRET = "a" * 32
TIMEOUT = 60


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def words(self) -> str:
        """Return the page without its tags."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.text)).split())

    @property
    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text)
        return answer


class Visitor:
    """A browser of one person, or of nobody."""

    def __init__(self, url: str, person: User | None = None) -> None:
        self.host = urlsplit(url).netloc
        self.cookies = {settings.CSRF_COOKIE_NAME: FORM_SECRET}
        if person:
            client = Client()
            client.force_login(person, "django.contrib.auth.backends.ModelBackend")
            self.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request as it is, and return the answer; a redirect is not followed."""
        connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            # Whoever refuses a large body may answer before it is all sent.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, {"Cookie": cookies, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return Answer(answer.status, text, {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def send(self, path: str, fields: Mapping[str, str], **more: str) -> Answer:
        """Send a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": FORM_SECRET, **more}
        return self.ask("POST", path, urlencode(fields).encode(), headers)

    def upload(self, path: str, name: str, file: bytes) -> Answer:
        """Send a form that holds one file."""
        mark = uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="audit.md"\r\n\r\n'
        body = head.encode() + file + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}", "X-CSRFToken": FORM_SECRET}
        return self.ask("POST", path, body, headers)

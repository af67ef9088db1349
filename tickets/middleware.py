"""Owns what happens to every request: log lines without secrets, the content policy, and no NUL."""

import re
from collections.abc import Callable
from logging import Filter, LogRecord
from typing import Any

import structlog
from csp.constants import HEADER as CONTENT_POLICY
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django_structlog.middlewares import RequestMiddleware

NUL = "\0"
# Their doors read everything themselves, and answer machines in a machine's words.
MACHINES = ("/api/", "/hooks/", "/push/")
SECRET_IN_ADDRESS = re.compile(r"(/(?:push|sign-in)/)[^/?\s]+")


def without_secret(address: str) -> str:
    """Return an address without the part that lets somebody in."""
    return SECRET_IN_ADDRESS.sub(r"\1[masked]", address)


class RequestLog(RequestMiddleware):
    """Logs every request as django-structlog does, its address without secrets, its sender as we know it."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return without_secret(f"{request.method} {request.get_full_path()}")

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=sender_of(request))


def sender_of(request: HttpRequest) -> str:
    """Return the address that a request came from: the peer's, or the last one that our proxy wrote down.

    Whatever stands before that in X-Forwarded-For was said by the sender, who may say anything.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.BEHIND_PROXY:
        return peer
    return str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()[:45] or peer


class ContentPolicy(CSPMiddleware):
    """Adds the content policy to pages; an answer to a machine brings its own, which allows nothing."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if CONTENT_POLICY in response:
            return response
        return super().process_response(request, response)


class AddressFilter(Filter):
    """Takes secrets out of the addresses that Django itself logs."""

    def filter(self, record: LogRecord) -> bool:
        record.msg, record.args = without_secret(record.getMessage()), ()
        return True


class RefuseNul:
    """Answers 400 to a NUL in a page's address or form, on whatever database, before any view sees it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Raise BadRequest when a NUL is in what would be looked up or stored."""
        if request.path.startswith(MACHINES):
            return
        if NUL in request.path or has_nul(request.GET) or has_nul(request.POST):
            raise BadRequest("The request holds a NUL character.")


def has_nul(sent: QueryDict) -> bool:
    """Tell whether a name or a value holds one."""
    return any(NUL in name or any(NUL in value for value in values) for name, values in sent.lists())

"""Owns what is answered when a request cannot be read at all."""

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that what was sent is too large (413), or that it could not be read (400)."""
    code = 413 if isinstance(exception, RequestDataTooBig | TooManyFieldsSent) else 400
    return render(request, f"{code}.html", status=code)

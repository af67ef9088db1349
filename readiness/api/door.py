"""Owns what happens to every request before and after its operation: proof, limits, tags and refusals."""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as InvalidField
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_exempt
from ninja import Schema
from ninja.errors import HttpError, ValidationError
from ninja.responses import NinjaJSONEncoder

from readiness.api.access import SAFE, Asked, asker_of
from readiness.api.idempotency import once
from readiness.api.limits import READ, WRITE, take
from readiness.intake.pace import Allowance
from readiness.intake.problems import Problem, as_problem
from tickets.models import Conflict, Refused

View = Callable[..., HttpResponse]
KnownParameters = Callable[[str, str], frozenset[str] | None]
NOT_FOUND = "There is nothing here for you. Look at the address, and at which deployment the token is for."


def door(view: View, known: KnownParameters) -> View:
    """Return the view behind proof, rate limit and checks; `known` names an operation's query parameters."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, **kwargs: object) -> HttpResponse:
        asked = cast(Asked, request)
        try:
            asked.asker, asked.next_page = asker_of(request), None
        except Problem as refused:
            return finished(request, refused.response())
        allowance = take(asked.asker.name, READ if request.method in SAFE else WRITE)
        response = _answer(asked, allowance, view, known, kwargs)
        for name, value in allowance.headers().items():
            response[name] = value
        return finished(request, response)

    return answered


def _answer(
    request: Asked, allowance: Allowance, view: View, known: KnownParameters, kwargs: dict[str, Any]
) -> HttpResponse:
    try:
        allowance.check()
        request.asker.check_may(request.method)
        check_address(request, known)
        check_body(request)
        token = request.asker.token
        if request.method == "POST" and token is not None:
            return once(request, token, lambda: _operate(request, view, kwargs))
        return _operate(request, view, kwargs)
    except (Problem, RequestDataTooBig, UnreadablePostError) as refused:
        return refusal_of(refused)


def _operate(request: Asked, view: View, kwargs: dict[str, Any]) -> HttpResponse:
    method = request.method
    # HEAD is GET without the body, which the server leaves out.
    request.method = "GET" if method == "HEAD" else method
    response = view(request, **kwargs)
    request.method = method
    return as_problem(request, response)


def check_address(request: HttpRequest, known: KnownParameters) -> None:
    """Raise Problem 400 for a query parameter that the operation does not have, or that is there twice."""
    route = request.resolver_match.route if request.resolver_match else ""
    names = known(route, "GET" if request.method in SAFE else request.method or "")
    for name, values in request.GET.lists():
        if names is not None and name not in names:
            listed = ", ".join(sorted(names)) or "none"
            detail = f"There is no parameter {name[:40]!r}. Known are: {listed}."
            raise Problem(400, "Unknown parameter", detail, parameter=name[:40])
        if len(values) > 1 or "\0" in values[0]:
            detail = f"The parameter {name[:40]!r} cannot be read. Write it once, as plain text."
            raise Problem(400, "Unreadable parameter", detail, parameter=name[:40])


def check_body(request: HttpRequest) -> None:
    """Raise Problem (411, 415) for a body of no known length or not JSON; RequestDataTooBig for too much."""
    if "Transfer-Encoding" in request.headers and "Content-Length" not in request.headers:
        # Django reads such a body as an empty one.
        raise Problem(411, "Length is missing", "Send the body with a Content-Length, and not in chunks.")
    if request.body and request.content_type != "application/json":
        raise Problem(415, "Not JSON", "Send the body as JSON, with Content-Type: application/json.")


def finished(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the answer with its tag and its headers for caches, or 304 when the asker has it already."""
    patch_vary_headers(response, ["Authorization", "Cookie"])
    next_page = getattr(request, "next_page", None)
    if next_page:
        response["Link"] = f'<{next_page}>; rel="next"'
    if request.method == "PATCH" and response.status_code == 200:
        # What is answered is the row as a GET would tell it now, so that the next change can name it.
        response["ETag"] = tag(response.content)
    if request.method not in SAFE or response.status_code != 200:
        response.setdefault("Cache-Control", "no-store")
        return response
    response.setdefault("Cache-Control", "private, no-cache")
    if "ETag" not in response:
        response["ETag"] = tag(response.content)
    return cast(HttpResponse, get_conditional_response(request, etag=response["ETag"], response=response))


def tag(content: bytes) -> str:
    """Return the strong ETag of an answer's bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def tag_of(told: Schema) -> str:
    """Return the ETag that a GET of this row answers with."""
    return tag(rendered(told.model_dump()))


def rendered(content: Any) -> bytes:
    """Return the JSON that the API answers with."""
    return json.dumps(content, cls=NinjaJSONEncoder).encode()


def check_unchanged(request: HttpRequest, told: Schema) -> None:
    """Raise Problem unless If-Match names the row as it is: 428 without the header, 412 for an older one."""
    sent = request.headers.get("If-Match")
    if sent is None:
        detail = "Send If-Match with the ETag of what you read: nobody's words are overwritten unseen."
        raise Problem(428, "If-Match is missing", detail)
    tags = parse_etags(sent)
    if tags != ["*"] and tag_of(told) not in tags:
        detail = "Somebody changed this since you read it. Read it again, and then decide."
        raise Problem(412, "Changed meanwhile", detail)


Refusal = (
    Problem | Http404 | HttpError | ValidationError | InvalidField | Refused | RequestDataTooBig
    | UnreadablePostError
)  # fmt: skip


def refusal_of(refused: Refusal) -> HttpResponse:
    """Return the problem details of whatever was refused, one sentence that says what to do in each."""
    return _problem_of(refused).response()


def _problem_of(refused: Refusal) -> Problem:
    match refused:
        case Problem():
            return refused
        case Http404():
            return Problem(404, "Not found", NOT_FOUND)
        case ValidationError():
            return invalid([_fault(error) for error in refused.errors])
        case InvalidField():
            return invalid(list(_faults(refused)))
        case Refused():
            members = {"current": refused.current} if isinstance(refused, Conflict) else {}
            return Problem(409, "Not possible now", str(refused), **members)
        case RequestDataTooBig():
            return Problem(413, "Too large", "The body is too large. Send less than 3 MB.")
        case HttpError():
            return Problem(400, "Unreadable", f"The body cannot be read as JSON{_place(refused)}.")
        case _:
            return Problem(400, "Cut off", "The body ended before it was whole. Send it again.")


def _place(refused: HttpError) -> str:
    """Return where a body stops being JSON, as far as that is known."""
    cause = refused.__cause__
    return f": line {cause.lineno}, column {cause.colno}" if isinstance(cause, json.JSONDecodeError) else ""


def invalid(errors: list[dict[str, str]]) -> Problem:
    """Return the problem of values that are readable and wrong, each with where it stands."""
    return Problem(422, "Not valid", "Some values cannot be used: see errors.", errors=errors)


def _fault(error: dict[str, Any]) -> dict[str, str]:
    """Return one of the schema's complaints: a pointer (RFC 6901) into the body, or the parameter's name."""
    where, *path = error["loc"]
    if where == "body":
        return {"pointer": "#" + "".join(f"/{_escaped(part)}" for part in path[1:]), "detail": error["msg"]}
    return {"parameter": str(path[-1]) if path else "", "detail": error["msg"]}


def _faults(error: InvalidField) -> list[dict[str, str]]:
    if not hasattr(error, "error_dict"):
        return [{"pointer": "#", "detail": text} for text in error.messages]
    return [
        {"pointer": "#" if name == "__all__" else f"#/{name}", "detail": text}
        for name, texts in error.message_dict.items()
        for text in texts
    ]


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")

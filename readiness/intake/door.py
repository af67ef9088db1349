"""Owns the door for machines: who posts is proven over the raw bytes, and the body is taken in once."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from readiness.intake.models import ApiToken, Source
from readiness.intake.pace import keep_pace, with_pace
from readiness.intake.problems import Problem, as_problem
from readiness.intake.signatures import BadSignature, Key, StandardWebhook, bearer_of, is_signed, usable
from readiness.intake.spool import Readable, Spooled, TooMuch, announced, spooled, stream_of
from readiness.intake.terms import Terms, WrongTerm, terms_of, with_event
from tickets.models import Deployment

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponse]
# A sender that is cut off in the middle of a large body reports a broken pipe, not our answer.
DRAINED_BYTES = 256 * 1024 * 1024
DRAIN_CHUNK = 1024 * 1024
# Nobody shows an answer to a machine; who opens it in a browser shall have nothing run in it.
ALLOW_NOTHING = "default-src 'none'; frame-ancestors 'none'"
NOT_PROVEN = "Not proven"


@dataclass(frozen=True, slots=True)
class Post:
    """A post whose sender is proven, with its body in a temporary file; `source` is None for a token."""

    deployment: Deployment
    sender: str
    source: Source | None
    webhook_id: str
    body: Spooled


def for_machines(view: View) -> View:
    """Answer refusals as problem details, and what is not there as 404 in the same form."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            answer = as_problem(request, view(request, *args, **kwargs))
        except Problem as problem:
            answer = problem.response()
        except Http404:
            answer = Problem(404, "Not found", "There is nothing here for this token.").response()
        answer["Content-Security-Policy"] = ALLOW_NOTHING
        return with_pace(request, answer)

    return answered


@contextmanager
def proven(request: HttpRequest, slug: str, *, may_be_empty: bool = False) -> Iterator[Post]:
    """Take a post in from a token or a signing source of this deployment; raises Problem, or Http404."""
    if is_signed(request.headers):
        with signed_post(request, slug, may_be_empty) as post:
            yield post
        return
    token = proven_token(request, ApiToken.of_a_post)
    if not token.may(ApiToken.Action.POST_EVIDENCE, token.deployment):
        raise Problem(403, "Not allowed", "This token may not post evidence. Use one that may.")
    if token.deployment.slug != slug:
        raise Http404
    with taken(request, lambda _: None, may_be_empty) as body:
        # Not before: who is refused in the middle of a body does not get to read why.
        keep_pace(request, f"token:{token.pk}")
        token.used()
        yield Post(token.deployment, f"token {token.name}", None, "", body)


@contextmanager
def signed_post(request: HttpRequest, slug: str, may_be_empty: bool) -> Iterator[Post]:
    """Take in a post that is signed; an unknown deployment is answered like a wrong signature."""
    sources = Source.objects.signing_for(slug)
    try:
        check = StandardWebhook(lower_headers(request), usable(keys_of(sources)), time.time())
    except BadSignature as refused:
        raise Problem(401, NOT_PROVEN, str(refused)) from refused
    with taken(request, check.update, may_be_empty) as body:
        try:
            signer = check.signer()
        except BadSignature as refused:
            log.warning("a post was not proven", slug=slug, body_sha256=body.sha256, reason=str(refused))
            raise Problem(401, NOT_PROVEN, str(refused)) from refused
        source = next(source for source in sources if str(source.pk) == signer)
        keep_pace(request, f"source:{source.pk}")
        yield Post(source.deployment, f"source {source.name}", source, check.id, body)


def keys_of(sources: Sequence[Source]) -> list[Key]:
    return [Key(str(source.pk), secret) for source in sources for secret in source.secrets]


def lower_headers(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def proven_token(request: HttpRequest, found: Callable[[str], ApiToken | None] = ApiToken.of) -> ApiToken:
    """The live token of the Authorization header, as `found` gets it by its text; raises Problem."""
    try:
        token = found(bearer_of(request.headers.get("Authorization", "")))
    except BadSignature as refused:
        raise Problem(401, NOT_PROVEN, str(refused)) from refused
    if token is None:
        raise Problem(401, NOT_PROVEN, "The token is not known, has expired or was revoked. Issue a new one.")
    return token


def reading_token(request: HttpRequest) -> ApiToken:
    """The live token of somebody who only asks what became of something; raises Problem."""
    token = proven_token(request)
    keep_pace(request, f"token:{token.pk}")
    return token


def checked_terms(request: HttpRequest) -> Terms:
    """The terms in the query; a CloudEvent in binary mode, whose attributes are headers, says the rest."""
    try:
        terms = terms_of(request.GET.dict(), timezone.now())
        if "ce-specversion" not in request.headers:
            return terms
        return with_event(terms, lower_headers(request), timezone.now())
    except WrongTerm as wrong:
        raise Problem(400, "Wrong parameter", str(wrong)) from wrong


@contextmanager
def taken(
    request: HttpRequest, watch: Callable[[bytes], object], may_be_empty: bool = False
) -> Iterator[Spooled]:
    """The body in a temporary file, its chunks shown to `watch`; raises Problem when it cannot be taken."""
    limit: int = settings.PAYLOAD_MAX_BYTES
    if (request.content_type or "").startswith("multipart/"):
        raise Problem(415, "Not a report", "Send the report itself as the body: curl --data-binary @FILE.")
    stream = stream_of(request)
    with ExitStack() as stack:
        try:
            if announced(request) > limit:
                raise TooMuch(limit)
            body = stack.enter_context(spooled(stream, limit, watch))
        except TooMuch as much:
            drain(stream)
            detail = f"{much} Post it compressed with gzip."
            raise Problem(413, "Too large", detail, limit="PAYLOAD_MAX_BYTES", limit_bytes=limit) from much
        except OSError as error:
            raise Problem(400, "Cut off", "The body ended before it was whole. Post it again.") from error
        if not body.size and not may_be_empty:
            raise Problem(
                400, "Empty", "The body is empty. Send the report itself: curl --data-binary @FILE."
            )
        yield body


def drain(stream: Readable) -> None:
    """Read away the rest of a body that is refused, so that the sender gets to read why."""
    left = DRAINED_BYTES
    try:
        while left > 0 and (chunk := stream.read(DRAIN_CHUNK)):
            left -= len(chunk)
    except OSError as error:
        log.info("the sender left before the answer", error=str(error))

"""Owns who asks the API, and the rows that an answer may start from."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from readiness.intake.door import proven_token
from readiness.intake.models import ApiToken
from readiness.intake.problems import Problem
from tickets.models import Actor, Deployment, Ticket, User

SAFE = frozenset({"GET", "HEAD"})
NOT_PROVEN = "Send a token that may read the record (Authorization: Bearer …), or sign in."
NOT_PROVEN_FOR_A_CHANGE = "Changes need a token that may change the record (Authorization: Bearer …)."


@dataclass(frozen=True, slots=True)
class Asker:
    """A token, which sees and changes its own deployment, or a person, who reads what is theirs to see."""

    token: ApiToken | None = None
    user: User | None = None

    @property
    def name(self) -> str:
        """Return what requests are counted under."""
        return f"token:{self.token.pk}" if self.token else f"user:{self.user.pk if self.user else ''}"

    def check_may(self, method: str | None) -> None:
        """Raise Problem 403 when the token is not for reading, or not for changing."""
        action = ApiToken.Action.READ if method in SAFE else ApiToken.Action.WRITE
        if self.token is not None and action not in self.token.actions:
            detail = f"This token may not do this. Use one that may: {action.label}."
            raise Problem(403, "Not allowed", detail)

    def deployments(self) -> QuerySet[Deployment]:
        """Return the deployments that whoever asks may know of."""
        if self.token is not None:
            return Deployment.objects.filter(pk=self.token.deployment_id)
        return Deployment.objects.visible_to(self.user) if self.user else Deployment.objects.none()

    def tickets(self) -> QuerySet[Ticket]:
        """Return the tickets that whoever asks may know of, without the imported documents."""
        rows = Ticket.objects.filter(deployment__in=self.deployments())
        return rows.select_related("deployment", "snapshot").defer("source_document", "layout")


class Asked(HttpRequest):
    """A request that came through the door: who asks is known, and what its answer leads on to."""

    asker: Asker
    next_page: str | None


def asker_of(request: HttpRequest) -> Asker:
    """Return who asks; raises Problem 401. A session is no proof for a change, so no form can be forged."""
    if "Authorization" in request.headers:
        token = proven_token(request)
        token.used()
        return Asker(token=token)
    if request.method in SAFE and request.user.is_authenticated:
        return Asker(user=request.user)
    raise Problem(401, "Not proven", NOT_PROVEN if request.method in SAFE else NOT_PROVEN_FOR_A_CHANGE)


def actor(request: Asked) -> Actor:
    """Return who does it, for the log; only for operations that change something."""
    token = request.asker.token
    assert token is not None  # noqa: S101 - the door lets no session change anything
    return Actor.token(
        f"token {token.name}", request.headers.get("X-Request-ID", "")[:64], issuer=token.created_by
    )


def deployment_of(request: Asked, slug: str) -> Deployment:
    """Return a deployment that whoever asks may know of; Http404 for every other."""
    return get_object_or_404(request.asker.deployments(), slug=slug)


def ticket_of(request: Asked, key: str) -> Ticket:
    """Return a ticket that whoever asks may know of; Http404 for every other."""
    return get_object_or_404(request.asker.tickets(), key=key)

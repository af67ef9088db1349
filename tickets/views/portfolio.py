"""Owns the portfolio: every deployment that the person may see, with its verdict, score and open blockers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from tickets import arranging, tones
from tickets.charts import Bar
from tickets.forms import PortfolioForm
from tickets.models import Deployment, Snapshot, Ticket
from tickets.tones import Tone
from tickets.views.access import htmx, person

PAGE = 50
TREND = timedelta(days=30)
LONG_AGO = datetime.min.replace(tzinfo=timezone.get_default_timezone())
SEVERITY = {"not-ready": 0, "unknown": 1, "conditions": 2, "ready": 3}
STANDS = {"NOT READY": "not-ready", "READY WITH CONDITIONS": "conditions", "READY": "ready"}


@dataclass
class Line:
    """One deployment in the list, from its newest audit's stored snapshot."""

    deployment: Deployment
    ticket: Ticket | None
    at: datetime
    scores: list[Decimal]

    @property
    def snapshot(self) -> Snapshot | None:
        """Return the stored result; None before anything was judged."""
        return self.ticket.snapshot if self.ticket else None

    @property
    def expired(self) -> bool:
        """Tell whether time alone may have changed the result, so that it is not shown as current."""
        return bool(self.snapshot and self.snapshot.is_expired(self.at))

    @property
    def assessed(self) -> bool:
        """Tell whether there is anything that a verdict rests on."""
        found = self.snapshot
        return found is not None and (found.overall is not None or found.p0_open + found.p1_open > 0)

    @property
    def stands(self) -> str:
        """Return where it stands, as the filter names it; what is not known is `unknown`, never ready."""
        if self.snapshot is None or self.expired or not self.assessed:
            return "unknown"
        return STANDS.get(self.snapshot.verdict, "unknown")

    @property
    def verdict(self) -> str:
        """Return the verdict's words; empty when nothing was assessed."""
        return self.snapshot.verdict if self.snapshot and self.assessed else ""

    @property
    def tone(self) -> Tone:
        """Return the tone that goes with where it stands."""
        return "unk" if self.expired else tones.of_verdict(self.verdict)

    @property
    def p0(self) -> int:
        """Return how many P0 blockers are open."""
        return self.snapshot.p0_open if self.snapshot else 0

    @property
    def bars(self) -> list[Bar]:
        """Return the six bars."""
        return arranging.bars(self.snapshot.categories, stale=self.expired) if self.snapshot else []

    @property
    def change(self) -> Decimal | None:
        """Return by how much the score moved in the time shown; None without a history."""
        return self.scores[-1] - self.scores[0] if len(self.scores) > 1 else None


@login_required
@require_GET
@vary_on_headers("HX-Request")
def listing(request: HttpRequest) -> HttpResponse:
    """Show the deployments; filter, sort and page are in the address."""
    now = timezone.now()
    lines = read_lines(request, now)
    wanted = PortfolioForm(request.GET).wanted()
    found = sort(keep(lines, wanted), wanted["sort"])
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    add_trends(page.object_list, now)
    context = {
        "area": "deployments",
        "lines": page.object_list,
        "page": page,
        "total": len(lines),
        "found": len(found),
        "wanted": wanted,
        "filtered": any(wanted[name] for name in ("q", "verdict", "env", "p0")),
        "counts": {key.replace("-", "_"): n for key, n in Counter(line.stands for line in lines).items()},
        "p0_total": sum(line.p0 for line in lines),
        "choices": PortfolioForm,
        "environments": Deployment.Environment.choices,
    }
    template = "tickets/deployment_list.html"
    return render(request, f"{template}#list" if htmx(request) else template, context)


def read_lines(request: HttpRequest, now: datetime) -> list[Line]:
    """Return a line for every deployment the person may see, in two queries."""
    newest = Ticket.objects.speaking().filter(deployment=OuterRef("pk")).values("pk")[:1]
    rows = Deployment.objects.visible_to(person(request)).filter(archived=False)
    deployments = list(rows.select_related("owner").annotate(speaking=Subquery(newest)))
    tickets = (
        Ticket.objects.filter(pk__in=[getattr(row, "speaking", None) for row in deployments])
        .select_related("snapshot")
        .defer("source_document", "layout", "conclusion", "next_steps", "snapshot__conditions")
        .in_bulk()
    )
    return [Line(row, tickets.get(getattr(row, "speaking", None)), now, []) for row in deployments]


def keep(lines: Iterable[Line], wanted: dict[str, str]) -> list[Line]:
    """Return the lines that the filter asks for."""
    words = wanted["q"].casefold()
    return [
        line
        for line in lines
        if (
            not words
            or words in f"{line.deployment.name} {line.deployment.slug} {line.ticket or ''}".casefold()
        )
        and wanted["verdict"] in {"", line.stands}
        and wanted["env"] in {"", line.deployment.environment}
        and (not wanted["p0"] or line.p0)
    ]


def sort(lines: list[Line], by: str) -> list[Line]:
    """Return the lines in the asked order; without one, the worst verdict first, then most P0."""
    lines.sort(key=lambda line: line.deployment.name.casefold())
    if by == "score":
        lines.sort(key=lambda line: (line.snapshot is None or line.snapshot.overall is None, overall(line)))
    elif by == "p0":
        lines.sort(key=lambda line: -line.p0)
    elif by == "evidence":
        lines.sort(key=evidence_at)
    elif by != "name":
        lines.sort(key=lambda line: (SEVERITY[line.stands], -line.p0))
    return lines


def overall(line: Line) -> Decimal:
    """Return the score for sorting, 0 without one."""
    return (line.snapshot.overall if line.snapshot else None) or Decimal(0)


def evidence_at(line: Line) -> datetime:
    """Return when the newest evidence was seen, for sorting: never is the oldest."""
    return (line.snapshot.evidence_at if line.snapshot else None) or LONG_AGO


def add_trends(lines: Iterable[Line], now: datetime) -> None:
    """Give the lines of a page the scores of the last 30 days, in one query."""
    by_ticket = {line.ticket.pk: line for line in lines if line.ticket}
    rows = Snapshot.objects.filter(ticket__in=by_ticket, at__gt=now - TREND, overall__isnull=False)
    for ticket, score in rows.order_by("id").values_list("ticket", "overall"):
        if score is not None:
            by_ticket[ticket].scores.append(score)

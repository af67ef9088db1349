"""Makes records to look at: a usual one, one with nothing in it, one with too much of everything."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone

from readiness.asking import ask_and_record
from readiness.gate.models import Badge
from readiness.gate.statuses import StatusTarget
from readiness.intake.models import ApiToken, Delivery, Source
from readiness.outside.exchange import Exchange
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.probes.outcomes import Outcome
from readiness.probes.push import PushProbe
from readiness.probes.registry import PROBES
from readiness.probes.trials import Trial, may_be_tried
from readiness.reports.models import Report
from tests import factories as make
from tests.live import Live
from tests.shop import harbour_books
from tickets.models import (
    ChecklistItem,
    Deployment,
    Evidence,
    Recommendation,
    Reported,
    SignInLink,
    Ticket,
)
from tickets.scoring import Status
from tickets.sightings import SEVERITIES, Sighting

LONG = "A name that somebody wrote without thinking of those who have to read it on a telephone in the rain"
UNBROKEN = "shop/checkout/payment/provider_with_a_very_long_name_that_never_ends/settings_of_production.py"
PERSON = "bartholomew-maximilian.featherstonehaugh-cholmondeley"


@dataclass
class Record:
    """One ticket with what hangs on it, to look at."""

    ticket: Ticket

    @property
    def deployment(self) -> Deployment:
        return self.ticket.deployment

    def address(self, name: str) -> str:
        """Return the address of a page by its name in the table of addresses; empty without one."""
        arguments = ARGUMENTS[name](self) if name in ARGUMENTS else ()
        return "" if None in arguments else reverse(name, args=arguments)


Arguments = Callable[[Record], tuple[object, ...]]


def of_ticket(record: Record) -> tuple[object, ...]:
    return (record.ticket.key,)


def of_deployment(record: Record) -> tuple[object, ...]:
    return (record.deployment.slug,)


def of_blocker(record: Record) -> tuple[object, ...]:
    return (record.ticket.key, first(record.ticket.blockers.values_list("number", flat=True)))


def of_report(record: Record) -> tuple[object, ...]:
    return (record.ticket.key, first(record.ticket.reports.values_list("number", flat=True)))


def first(values: "object") -> object:
    return next(iter(values), None)  # type: ignore[call-overload]


ARGUMENTS: dict[str, Arguments] = {
    **dict.fromkeys(
        ("ticket-detail", "blocker-list", "blocker-add", "finding-list", "finding-add", "checklist",
         "activity", "recommendation-list", "score", "ticket-probes", "report-list", "overrides",
         "lower-verdict"),
        of_ticket,
    ),
    **dict.fromkeys(
        ("deployment-detail", "deployment-settings", "deployment-members", "badge-settings", "token-list",
         "connect", "delivery-list", "problem-list", "push-list", "commit-status", "evaluation-list",
         "deployment-history"),
        of_deployment,
    ),
    **dict.fromkeys(
        ("blocker-detail", "blocker-about", "waivers", "blocker-duplicate", "blocker-proof"), of_blocker
    ),
    **dict.fromkeys(("report-detail", "report-verify"), of_report),
    "blocker-field": lambda record: (*of_blocker(record), "fix"),
    "finding-detail": lambda record: (
        record.ticket.key, first(record.ticket.criteria.values_list("pk", flat=True))
    ),
    "category-detail": lambda record: (
        record.ticket.key, first(record.ticket.categories.values_list("key", flat=True))
    ),
    "ticket-probe": lambda record: (record.ticket.key, "cors-production"),
    "probe-detail": lambda record: ("cors-production",),
    "push-detail": lambda record: (
        record.deployment.slug, first(record.deployment.push_probes.values_list("name", flat=True))
    ),
    "trial": lambda record: (first(Trial.objects.values_list("pk", flat=True)),),
    "probe-run": lambda record: (first(record.deployment.probe_runs.values_list("pk", flat=True)),),
    "delivery-detail": lambda record: (
        first(record.deployment.deliveries.values_list("public_id", flat=True)),
    ),
    "problem-detail": lambda record: (
        record.deployment.slug, first(record.deployment.problems.values_list("pk", flat=True))
    ),
    "policy-edit": lambda _: ("production",),
    "sign-in-link": lambda record: (SignInLink.issue(make.person("newcomer")),),
}  # fmt: skip


def usual(live: Live) -> Record:
    """Return the example audit half way: probes ran, CI posted, blockers are in every state."""
    ticket = harbour_books(live)
    secret, database, origins, health, errors = ticket.blockers.order_by("number")
    by_alice, by_bob = make.acting(make.alice()), make.acting(make.bob())
    secret.edit("assignee", make.bob(), by=by_alice)
    secret.edit("due", (timezone.now() - timedelta(days=3)).date(), by=by_alice)
    secret.move("in_progress", by=by_bob)
    database.claim_fix(by=by_bob)
    health.move("wont_fix", by=by_bob)
    errors.claim_fix(by=by_bob)
    errors.verify(by=by_alice, reason="A test event arrived.")
    ticket.comment("Who has the key of the old tracker?", by=by_bob, blocker=errors)
    now = timezone.now()
    make.record(ticket, make.finding("cfg.cors-origins", Status.OK), at=now)
    make.record(ticket, make.finding("hlt.deep", Status.MISSING), source="probe:health-dependencies", at=now)
    origins.refresh_from_db()
    item = ticket.checklist.order_by("position").first()
    assert item is not None
    item.tick(by=by_bob)
    probes_ran(ticket.deployment)
    deliveries_came(ticket.deployment)
    problems_came(ticket, "Hardcoded password", "settings/base.py")
    machines_may(ticket.deployment)
    jobs_report(ticket.deployment)
    somebody_tried("https://books.example.com")
    people_signed(ticket)
    Report.ask(ticket, by_alice)
    return Record(ticket)


def bare(live: Live) -> Record:
    """Return a ticket in which nothing was written yet, of a deployment that nothing looked at."""
    return Record(
        make.ticket(make.deployment("bare", team=False), categories=[], auditor="", audited_on=None)
    )


def crowded(live: Live) -> Record:
    """Return a ticket with too much of everything, and names that fit nowhere."""
    deployment = make.deployment(
        "a-short-name-that-is-not-short-at-all-and-goes-on-for-as-long-as-it-is-let-be",
        name=LONG, base_url=f"https://{'a' * 50}.{'b' * 50}.example.com/{UNBROKEN}",
        dependencies=[f"dependency-{number}" for number in range(20)],
        repository_url=f"https://git.example.com/{UNBROKEN}", deployed_commit="a" * 40,
    )  # fmt: skip
    for number in range(20):
        deployment.admit(make.person(f"member-{number}-{PERSON}"), by=make.SYSTEM)
    deployment.admit(make.person(PERSON, first_name=LONG[:60], last_name=PERSON), by=make.SYSTEM)
    ticket = make.ticket(
        deployment, title=LONG, auditor=LONG, scope=UNBROKEN * 3, stated_recommendation=LONG * 3,
        stated_estimate=LONG, conclusion=f"{LONG}\n\n{UNBROKEN * 3}", next_steps=[LONG, UNBROKEN],
        target_date=timezone.now().date() + timedelta(days=30), audited_on=timezone.now().date(),
    )  # fmt: skip
    crowd(ticket)
    for _ in range(3):
        probes_ran(deployment)
    deliveries_came(deployment)
    problems_came(ticket, LONG, UNBROKEN)
    machines_may(deployment, name=LONG[:90])
    jobs_report(deployment, name=LONG[:56].replace(" ", "-"), text=f"{LONG} {UNBROKEN}\n" * 20)
    somebody_tried(deployment.base_url)
    people_signed(ticket, LONG)
    Report.ask(ticket, make.acting(make.alice()))
    return Record(ticket)


def crowd(ticket: Ticket) -> None:
    """Fill a ticket with long rows of every kind."""
    now = timezone.now()
    categories = list(ticket.categories.all())
    sections = [make.section(ticket, f"{n}.{n}", LONG, category=categories[n], position=n) for n in range(4)]
    criteria = [
        make.criterion(
            ticket, f"{UNBROKEN}:{number}", list(Status)[number % 8], at=now,
            category=categories[number % 6].name, section=sections[number % 4],
            notes=f"{LONG} {UNBROKEN}", fix=LONG, severity="critical",
            severity_word=LONG[:40],
        )
        for number in range(24)
    ]  # fmt: skip
    for category in categories:
        make.assess(category, "10", at=now)
    for number in range(12):
        row = make.blocker(
            ticket, f"{LONG} {number}", f"P{number % 4}", criteria=criteria[number : number + 3], at=now,
            location=UNBROKEN, issue=f"{LONG} {UNBROKEN}", risk=LONG, fix=UNBROKEN,
            assignee=make.person(PERSON),
        )  # fmt: skip
        row.move(("open", "in_progress", "fix_ready")[number % 3], by=make.acting(make.bob()), reason=LONG)
    for number in range(12):
        ChecklistItem.objects.create(
            ticket=ticket, phase=("pre", "during", "post")[number % 3], heading=LONG,
            text=f"{LONG} {UNBROKEN}", position=number,
        )  # fmt: skip
        Recommendation.objects.create(
            ticket=ticket, horizon=f"{LONG} {number % 3}", text=UNBROKEN, position=number
        )
    ticket.refresh_from_db()


def probes_ran(deployment: Deployment) -> None:
    """Add a finished run in which every probe said something."""
    now, outcomes = timezone.now(), list(Outcome)
    run = ProbeRun.objects.create(
        deployment=deployment, state=ProbeRun.State.DONE, total=len(PROBES), finished=len(PROBES)
    )
    (evidence,) = Evidence.keep([seen_at(f"{deployment.base_url}/{UNBROKEN}")])
    for place, name in enumerate(PROBES):
        outcome = outcomes[place % len(outcomes)]
        ProbeState.objects.update_or_create(
            deployment=deployment, probe=name,
            defaults={"outcome": outcome, "detail": LONG, "since": now, "last_run_at": now},
        )  # fmt: skip
        ProbeResult.objects.create(
            run=run, deployment=deployment, probe=name, outcome=outcome, detail=LONG, changed=True,
            evidence=evidence, started_at=now, seconds=Decimal("0.2"),
        )  # fmt: skip


def seen_at(url: str) -> dict[str, object]:
    """Return evidence with findings at several places, and an exchange with a redirect."""
    hop = Exchange("GET", url, 301, (("location", f"{url}/"),), b"")
    last = Exchange("GET", f"{url}/", 200, (("x-very-long", UNBROKEN * 3),), LONG.encode(), hops=(hop,))
    each = [{"status": "hardcoded", "detail": LONG, "at": f"{UNBROKEN}:12", "origins": [LONG, UNBROKEN]}] * 2
    finding = {"criterion": "cfg.cors-origins", "status": "hardcoded", "evidence": {"each": each}}
    return {"findings": [finding], "exchanges": [last.evidence]}


def jobs_report(deployment: Deployment, name: str = "nightly-backup", text: str = "12 tables") -> None:
    """Let one job report runs of every kind, and open a push probe that nobody calls."""
    by, day = make.acting(deployment.owner), timedelta(days=1)
    for called, proves in ((name, "dat.backup"), ("zz-restore-drill", "dat.restore")):
        PushProbe.open_for(deployment, name=called, proves=proves, every=day, grace=day, by=by)
    push = deployment.push_probes.get(name=name)
    for kind, code in (("start", None), ("ok", 0), ("fail", 3)):
        push.take(kind, rid="run-7", text=text, commit="a1f39c2", exit_code=code)
    push.miss(timezone.now())


def somebody_tried(url: str) -> None:
    """Add a trial of alice's that is over, with an answer of every kind."""
    names = [probe.name for probe in may_be_tried()]
    said = zip(names, Outcome, strict=False)
    results = [
        {"probe": name, "outcome": outcome.value, "detail": LONG, "evidence": seen_at(url)}
        for name, outcome in said
    ]
    trial = Trial.ask(make.alice(), url=url, probes=names[: len(results)], environment="production")
    Trial.objects.filter(pk=trial.pk).update(state=Trial.State.DONE, results=results)


def deliveries_came(deployment: Deployment) -> None:
    """Add a delivery of every result."""
    for place, result in enumerate(Delivery.Result.values):
        Delivery.objects.create(
            public_id=f"dlv-{deployment.pk}-{place}", deployment=deployment, idempotency_key=str(place),
            sender="token ci", payload_sha256="0" * 64, payload_bytes=1200, format="junit", result=result,
            context={"commit": "a1f39c2", "branch": UNBROKEN}, observed_at=timezone.now(),
            summary={"tests": 84, "passed": 67, "failures": 17}, warnings=[LONG], reason=LONG,
            state=Delivery.State.QUEUED if result == Delivery.Result.WAITING else Delivery.State.DONE,
        )  # fmt: skip


def problems_came(ticket: Ticket, title: str, path: str) -> None:
    """Let a tool report problems of every severity, and people decide about them in every way."""
    source = "ci:sarif/semgrep"
    sightings = [
        (source, Sighting("semgrep", f"rule-{n}", f"{path} {n}", title, severity, "Semgrep", path, n + 1))
        for n, severity in enumerate(SEVERITIES)
    ]
    told = Reported(sightings, frozenset({source}), frozenset({source}), timezone.now(), "dlv_1")
    ticket.record([], source=source, by=make.SYSTEM, shelf_life=timedelta(days=7), problems=told)
    rows = ticket.deployment.problems.all()
    for decision, row in zip(("waived", "wont_fix", "false_positive"), rows, strict=False):
        until = timezone.now() + timedelta(days=9) if decision == "waived" else None
        row.decide(decision, by=make.acting(make.bob()), reason=title, until=until)


def people_signed(ticket: Ticket, text: str = "The shop is down.") -> None:
    """Let alice ask for an override and a waiver, approved once and waiting once, and the gate be asked."""
    by, commit, now = make.acting(make.alice()), "a1f39c2" * 5, timezone.now()
    for place in range(2):
        override = ticket.ask_override(
            by=by, commit=f"{commit}{place}", reason=text, until=now + timedelta(hours=4), single_use=True,
            incident=f"https://status.example.com/{UNBROKEN}",
        )  # fmt: skip
    blocker = ticket.blockers.standing().order_by("number")[0]
    for _ in range(2):
        waiver = blocker.ask_waiver(
            by=by, reason_code="accepted", text=text, control=UNBROKEN, ends_at=now + timedelta(days=9)
        )
    waiver.approve(by=make.acting(make.bob()))
    override.approve(by=make.acting(make.bob()))
    for sha in (override.commit, None):
        ask_and_record(ticket.deployment, sha, by=make.SYSTEM)
    report_to_a_host(ticket.deployment, text)


def report_to_a_host(deployment: Deployment, text: str) -> None:
    """Let commit statuses be on their way, delivered and refused."""
    target = StatusTarget(deployment=deployment, provider="gitlab", repository=UNBROKEN.rpartition("/")[0])
    target.keep(by=make.SYSTEM, on=True, token="secret")
    target.see(["a1f39c2" * 5 + "01234"], timezone.now())
    for state in ("queued", "done", "failed"):
        target.commits.get().posts.create(word="failure", description=text, state=state, error=text)
    target.was_refused(text)


def machines_may(deployment: Deployment, name: str = "build server") -> None:
    """Give the deployment a token, a signing source and a badge."""
    by = make.acting(deployment.owner)
    ApiToken.issue(deployment, name=name, actions=ApiToken.Action.values, by=by)
    Source.open_for(deployment, name=name, by=by)
    Badge.of(deployment).switch(on=True, by=by)

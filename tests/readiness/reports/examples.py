"""Makes the tickets that the tests of reports print: one of the usual size, and one of any size at all."""

from datetime import timedelta
from decimal import Decimal

from readiness.intake.models import Delivery
from readiness.probes.models import Outcome, ProbeResult, ProbeRun, ProbeState
from tests.factories import NOW, SYSTEM, acting, alice, bob, deployment, finding, record, ticket
from tickets.models import (
    Actor,
    Blocker,
    ChecklistItem,
    Criterion,
    Deployment,
    Recommendation,
    Section,
    Ticket,
)
from tickets.models.recording import Statement
from tickets.scoring import Status

AUDITED = NOW - timedelta(days=7)
SCORES = {
    "Backend Stability": "6", "Frontend Stability": "6", "Dependencies": "4", "Configuration": "5",
    "Documentation": "3", "Testing": "2",
}  # fmt: skip
# Section: its category, and rows of subject, status, word, severity, notes, fix.
SECTIONS: dict[str, tuple[str, list[tuple[str, Status, str, str, str, str]]]] = {
    "1.1 Dependencies": (
        "Dependencies",
        [
            ("Payment client not declared", Status.FAILING, "", "high", "Imported by checkout, installed by hand", "Declare every import"),
            ("No dependency lock file", Status.FAILING, "", "high", "Neither a lock file nor pinned versions", "Commit a lock file"),
            ("Database driver build", Status.FAILING, "", "medium", "Needs headers that no page mentions", "Document the build"),
        ],
    ),
    "1.2 Database": (
        "Backend Stability",
        [
            ("Schema migrations", Status.OK, "OK", "", "Applied in order on an empty database", ""),
            ("SQLite (local)", Status.OK, "OK", "", "Good enough for development", ""),
            ("PostgreSQL (live)", Status.UNTESTED, "UNTESTED", "", "Driver installed, no test has used it", ""),
            ("Connection pool", Status.UNKNOWN, "UNKNOWN", "", "Nobody has looked at its limits", ""),
        ],
    ),
    "1.3 API Endpoints": (
        "Backend Stability",
        [
            ("/health", Status.OK, "OK", "", "Answers 200", ""),
            ("/api/books/*", Status.PARTIAL, "PARTIAL", "", "Search is not tested", ""),
            ("/api/basket/*", Status.PARTIAL, "PARTIAL", "", "Two tabs are not tested", ""),
            ("/api/orders/*", Status.PARTIAL, "PARTIAL", "", "Refunds are not tested", ""),
        ],
    ),
    "1.4 Environment Configuration": (
        "Configuration",
        [
            ("DATABASE_URL", Status.HARDCODED, "HARDCODED", "", "Only a SQLite path in the code", ""),
            ("SESSION_KEY", Status.HARDCODED, "HARDCODED", "", "A default stands in settings.py", ""),
            ("CORS_ORIGINS", Status.PARTIAL, "PARTIAL", "", "Configured, needs review", ""),
            ("CACHE_URL", Status.NOT_CONFIGURED, "NOT CONFIGURED", "", "Named in the code, set nowhere", ""),
        ],
    ),
    "2.1 Build Configuration": (
        "Frontend Stability",
        [
            ("Production build", Status.OK, "OK", "", "npm run build works", ""),
            ("Type checking", Status.OK, "OK", "", "tsc passes", ""),
            ("Linting", Status.OK, "OK", "", "ESLint passes", ""),
            ("Environment variables", Status.PARTIAL, "PARTIAL", "", "One of three is defined", ""),
        ],
    ),
    "2.2 Runtime Dependencies": (
        "Frontend Stability",
        [
            ("Map widget", Status.RISKY, "RISKY", "", "Loaded from a foreign host, no fallback", ""),
            ("Video formats", Status.PARTIAL, "PARTIAL", "", "One browser shows a still picture", ""),
            ("Location permission", Status.UNTESTED, "UNTESTED", "", "Refusal was never tried", ""),
        ],
    ),
    "3.1 CORS Configuration": ("Configuration", []),
    "3.2 Authentication": (
        "Backend Stability",
        [
            ("Session tokens", Status.OK, "OK", "", "Implemented", ""),
            ("Cookie security", Status.PARTIAL, "PARTIAL", "", "secure and lax, needs review", ""),
            ("Token expiry", Status.UNTESTED, "UNTESTED", "", "Never seen to expire", ""),
        ],
    ),
    "5 Testing Gaps": (
        "Testing",
        [
            ("Unit tests", Status.PARTIAL, "PARTIAL", "", "Some of the backend", ""),
            ("Integration tests", Status.MISSING, "NONE", "", "No test of the API", ""),
            ("End-to-end tests", Status.MISSING, "NONE", "", "No browser was ever driven", ""),
            ("Load tests", Status.MISSING, "NONE", "", "No measurement", ""),
            ("Security tests", Status.MISSING, "NONE", "", "No penetration test", ""),
        ],
    ),
    "6 Documentation Gaps": (
        "Documentation",
        [
            ("Release guide", Status.MISSING, "MISSING", "", "None", ""),
            ("Environment variables", Status.PARTIAL, "PARTIAL", "", "Not all of them", ""),
            ("Troubleshooting guide", Status.MISSING, "MISSING", "", "No runbook", ""),
        ],
    ),
}  # fmt: skip
BODIES = {
    "1.1 Dependencies": "**Files to check**:\n- `shop/pyproject.toml`: runtime dependencies incomplete\n- No `requirements.lock`",
    "3.1 CORS Configuration": '```python\n# Only this machine is let in\nALLOWED_ORIGINS = [\n    "http://localhost:3000",\n]\n```\n\n**Problem**: the live origins are missing.',
}
BLOCKERS = [
    ("Hardcoded secrets", "P0", "shop/settings.py", "SESSION_KEY has a default that is used when the variable is missing", "Anybody can forge a session", "Require the variable, refuse to start without it"),
    ("No live database configured", "P0", "", "Only SQLite is configured, without a pool", "Orders are lost under load", "Configure PostgreSQL with a pool"),
    ("Live origins are refused", "P0", "", "Only localhost is allowed", "No customer's browser can order", "Add the live origins"),
    ("Health check covers too little", "P1", "", "/health answers 200 over an empty database", "A broken shop is reported as healthy", "Check every dependency"),
    ("No error tracking", "P1", "", "Errors are written to standard output only", "Nobody learns of them", "Send them to a tracker"),
]  # fmt: skip
ADVICE = {
    "Immediate (before any release)": ["Fix hardcoded secrets: move all of them to the environment", "Add the live origins", "Set up PostgreSQL", "Commit a lock file"],
    "Short term": ["Add error tracking", "Set up monitoring", "Add rate limiting"],
    "Medium term": ["Add end-to-end tests", "Load testing", "Recovery plan"],
}  # fmt: skip
CHECKS = {
    "pre": ["All secrets in the environment", "Live database configured", "Origins updated", "Health check complete"],
    "during": ["Migrations applied", "Static files built", "Smoke tests passed"],
    "post": ["Error tracker receives events", "Dashboards live", "Rollback tried"],
}  # fmt: skip


def shop(slug: str = "harbour-books", **fields: str) -> Ticket:
    """Return a ticket like the example audit: a dozen sections, five blockers, probes and deliveries."""
    on = deployment(slug, name=fields.pop("name", "Harbour Books"), base_url="https://shop.example.com",
                    deployed_commit="a1f39c2")  # fmt: skip
    row = ticket(
        on, title="Deployment readiness audit", scope="Web shop before its first public release",
        auditor="Example Auditor", audited_on=AUDITED.date(), stated_score="4.3/10", stated_verdict="NOT READY",
        stated_recommendation="DO NOT RELEASE. Close the P0 blockers first.",
        stated_estimate="2-3 weeks with dedicated effort",
        conclusion="The shop works on one machine but **cannot go live**:\n- secrets in the code\n- no live database",
        next_steps=["Close the P0 blockers", "Set up monitoring", "Run a security audit"], **fields,
    )  # fmt: skip
    fill_sections(row)
    for name, score in SCORES.items():
        row.categories.get(name=name).assess(
            Decimal(score), by=acting(alice()), rationale="As read in the report.", at=AUDITED
        )
    fill_rest(row)
    fill_machine(on)
    record(row, finding("cfg.cors-origins", Status.FAILING, detail="https://shop.example.com is refused.",
                        evidence={"request": {"origin": "https://shop.example.com"}, "response": {"status": 403}}))  # fmt: skip
    row.refresh_from_db()
    return row


def fill_sections(row: Ticket) -> None:
    """Add the sections with their findings, as the auditor stated them a week ago."""
    categories = {one.name: one for one in row.categories.all()}
    statements = []
    for place, (title, (category, rows)) in enumerate(SECTIONS.items()):
        number, _, name = title.partition(" ")
        section = Section.objects.create(ticket=row, number=number, title=name, category=categories[category],
                                         position=place, body=BODIES.get(title, ""))  # fmt: skip
        for subject, status, word, severity, notes, fix in rows:
            criterion = Criterion.objects.create(
                ticket=row, section=section, category=categories[category], subject=subject, severity=severity,
                notes=notes, fix=fix, position=len(statements),
            )  # fmt: skip
            statements.append(Statement(criterion, status, word=word, detail=notes))
    row.record_statements(statements, by=Actor.person(alice()), observed_at=AUDITED, at=NOW)


def fill_rest(row: Ticket) -> None:
    """Add blockers in several states, recommendations, and a checklist that was begun."""
    for title, priority, location, issue, risk, fix in BLOCKERS:
        row.add_blocker(by=SYSTEM, title=title, priority=priority, location=location, issue=issue, risk=risk,
                        fix=fix, at=AUDITED)  # fmt: skip
    first, second, third = row.blockers.filter(priority="P0")
    first.link(list(row.criteria.filter(subject="SESSION_KEY")), by=SYSTEM)
    first.edit("assignee", bob(), by=acting(alice()))
    first.move(Blocker.State.IN_PROGRESS, by=acting(bob()))
    third.claim_fix(by=acting(bob()), at=NOW - timedelta(days=1))
    for horizon, texts in ADVICE.items():
        for text in texts:
            Recommendation.objects.create(ticket=row, horizon=horizon, text=text, position=row.recommendations.count())
    for phase, texts in CHECKS.items():
        for text in texts:
            ChecklistItem.objects.create(ticket=row, phase=phase, text=text, position=row.checklist.count())
    item = row.checklist.first()
    assert item is not None
    item.tick(by=acting(bob()))


def fill_machine(on: Deployment) -> None:
    """Add forty runs of two probes, one probe that never reported, and two deliveries."""
    run = ProbeRun.objects.create(deployment=on, state=ProbeRun.State.DONE)
    for probe, outcomes in {"health": "pass", "cors-production": "fail"}.items():
        ProbeState.objects.create(deployment=on, probe=probe, outcome=outcomes, detail="As seen from outside.",
                                  since=AUDITED, last_run_at=NOW - timedelta(minutes=5))  # fmt: skip
        for place in range(40):
            each = ProbeRun.objects.create(deployment=on, state=ProbeRun.State.DONE)
            outcome = Outcome.PASS if probe == "health" and place != 20 else Outcome.FAIL
            ProbeResult.objects.create(run=each, deployment=on, probe=probe, outcome=outcome,
                                       started_at=NOW - timedelta(hours=40 - place), seconds=Decimal("0.2"))  # fmt: skip
    ProbeState.objects.create(deployment=on, probe="tls-certificate")
    run.delete()
    for place, (result, summary) in enumerate(
        [("applied", {"tests": 84, "passed": 67, "failures": 17}), ("rejected", {})]
    ):
        Delivery.objects.create(
            public_id=f"dlv-{on.slug}-{place}", deployment=on, idempotency_key=f"{on.slug}-{place}",
            sender="token ci", payload_sha256="0" * 64, payload_bytes=1200, format="junit", result=result,
            context={"commit": "a1f39c2", "branch": "main"}, summary=summary, observed_at=AUDITED,
            reason="" if result == "applied" else "The signature is wrong.", state=Delivery.State.DONE,
        )  # fmt: skip
    Delivery.objects.filter(deployment=on).update(received_at=AUDITED)


def large(findings: int, *, status: Status = Status.FAILING, section: str = "Everything", slug: str = "") -> Ticket:
    """Return a ticket with so many findings in one section."""
    row = ticket(deployment(slug))
    category = row.categories.get(name="Testing")
    place = Section.objects.create(ticket=row, number="1", title=section, category=category)
    criteria = Criterion.objects.bulk_create(
        Criterion(ticket=row, section=place, category=category, subject=f"Finding number {n} of many",
                  notes=f"What was seen the {n}th time, in a sentence that is long enough to be broken.", position=n)
        for n in range(findings)
    )  # fmt: skip
    row.record_statements([Statement(one, status) for one in criteria], by=SYSTEM, observed_at=AUDITED, at=NOW)
    return row

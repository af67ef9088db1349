"""Owns the values that the tests of the rules are told with: small builders, and an audit as it was read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tickets.scoring import (
    Anchor,
    CategoryFacts,
    Claim,
    CriterionFacts,
    Evaluation,
    Status,
    derive,
    evaluate,
    ttl_of,
)
from tickets.verdict import BlockerFacts, ChecklistFacts, Condition, Facts, Policy, decide

NOW = datetime(2026, 2, 5, 9, 0, tzinfo=UTC)
AUDITED = datetime(2026, 1, 29, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def claim(
    status: Status = Status.OK,
    source: str = "auditor",
    at: datetime = NOW,
    order: int = 1,
    ttl: timedelta | None = None,
    superseded: bool = False,
) -> Claim:
    return Claim(
        id=order,
        source=source,
        status=status,
        basis="observed",
        observed_at=at,
        order=order,
        ttl=ttl or ttl_of(source),
        superseded=superseded,
    )


def criterion(
    id: int,
    *claims: Claim | Status,
    category: str | None = "c",
    weight: int = 1,
    key: bool = False,
    not_applicable: bool = False,
) -> CriterionFacts:
    """A criterion; a bare status stands for the fresh claim of an auditor."""
    rows = tuple(row if isinstance(row, Claim) else claim(row) for row in claims)
    return CriterionFacts(id, category, weight, key, not_applicable, rows)


def category(
    key: str = "c", score: str | None = None, derived: Fraction | None = None, weight: int = 1
) -> CategoryFacts:
    anchor = None if score is None else Anchor(Decimal(score), derived)
    return CategoryFacts(key, key.title(), weight, anchor)


def blocker(
    id: int,
    priority: str = "P0",
    state: str = "open",
    owner: bool = False,
    due: datetime | None = None,
    criteria: tuple[int, ...] = (),
    waived_until: datetime | None = None,
) -> BlockerFacts:
    return BlockerFacts(
        id=id,
        ref=f"B-{id}",
        title=f"Blocker {id}",
        priority=priority,
        state=state,
        owner=owner,
        due=due.date() if due else None,
        criteria=criteria,
        waived_until=waived_until,
    )


def item(
    id: int,
    phase: str = "Pre-Deployment",
    required: bool = True,
    done: bool = False,
    not_applicable: bool = False,
) -> ChecklistFacts:
    return ChecklistFacts(id, f"Item {id}", phase, required, done, not_applicable)


def all_ok() -> Facts:
    """A deployment of which everything is known and good, seven days after its audit."""
    rows = [criterion(id, Status.OK, key=id == 1) for id in range(1, 5)]
    return Facts(
        evaluation=evaluate([category()], rows, NOW),
        criteria={id: f"Criterion {id}" for id in range(1, 5)},
        checklist=(item(1, done=True),),
        newest_audit=AUDITED.date(),
    )


def condition(facts: Facts, key: str, at: datetime = NOW, policy: Policy | None = None) -> Condition:
    found = decide(facts, policy or Policy(), at).conditions
    return next(c for c in found if c.key == key)


def unmet(facts: Facts, at: datetime = NOW) -> list[str]:
    return [c.key for c in decide(facts, Policy(), at).conditions if not c.met]


def with_rows(*rows: CriterionFacts, categories: list[CategoryFacts] | None = None) -> Facts:
    """A deployment that is good in everything else, with these criteria instead of its own."""
    return replace(all_ok(), evaluation=evaluate(categories or [category()], rows, NOW), criteria={})


def with_blockers(*blockers: BlockerFacts) -> Facts:
    return replace(all_ok(), blockers=blockers)


OK, PARTIAL, RISKY, UNTESTED = Status.OK, Status.PARTIAL, Status.RISKY, Status.UNTESTED
HARDCODED, MISSING, FAILING = Status.HARDCODED, Status.MISSING, Status.FAILING

# Category, the auditor's score, and the criteria with what the report says about each.
AUDIT: dict[str, tuple[str, dict[str, Status]]] = {
    "Backend Stability": (
        "6",
        {
            "Migrations": OK,
            "SQLite in development": OK,
            "PostgreSQL in production": UNTESTED,
            "Connection pooling": Status.UNKNOWN,
            "Health endpoint": OK,
            "Endpoints for signing in": PARTIAL,
            "Endpoints for users": PARTIAL,
            "Endpoints for progress": PARTIAL,
            "Tokens": OK,
            "Cookies": PARTIAL,
            "Expiry of tokens": UNTESTED,
            "Refresh of tokens": PARTIAL,
            "Uploads to S3": PARTIAL,
            "Uploads to disk": OK,
        },
    ),
    "Frontend Stability": (
        "6",
        {
            "Build": OK,
            "Type checking": OK,
            "Linting": OK,
            "Variables of the frontend": PARTIAL,
            "Model loaded from a CDN": RISKY,
            "Video formats": PARTIAL,
            "Camera permissions": UNTESTED,
            "Mascot video": OK,
            "Mascot picture": OK,
            "Preloading": PARTIAL,
        },
    ),
    "Dependencies": (
        "4",
        {"Runtime dependency declared": FAILING, "Lock file": FAILING, "Async driver": FAILING},
    ),
    "Configuration": (
        "5",
        {
            "DATABASE_URL": HARDCODED,
            "SECRET_KEY": HARDCODED,
            "CORS_ORIGINS": PARTIAL,
            "REDIS_URL": Status.NOT_CONFIGURED,
        },
    ),
    "Documentation": (
        "3",
        {
            "Deployment guide": MISSING,
            "Environment variables": PARTIAL,
            "Troubleshooting guide": MISSING,
            "Monitoring guide": MISSING,
        },
    ),
    "Testing": (
        "2",
        {
            "Unit tests": PARTIAL,
            "Integration tests": MISSING,
            "End-to-end tests": MISSING,
            "Load tests": MISSING,
            "Security tests": MISSING,
        },
    ),
}
TITLES = dict(enumerate((title for _, rows in AUDIT.values() for title in rows), start=1))
IDS = {title: id for id, title in TITLES.items()}
KEY = {"SECRET_KEY", "DATABASE_URL", "CORS_ORIGINS"}
LINKS = {
    1: ("SECRET_KEY",),
    2: ("DATABASE_URL", "PostgreSQL in production", "Connection pooling"),
    3: ("CORS_ORIGINS",),
    4: ("Health endpoint",),
    5: (),
}


def audit_criteria(fixed: tuple[str, ...] = ()) -> list[CriterionFacts]:
    """The criteria of the audit as imported, and for those `fixed` a later word of an auditor."""
    rows = []
    for name, (_, statuses) in AUDIT.items():
        for title, status in statuses.items():
            claims = [claim(status, "import", AUDITED)]
            if title in fixed:
                claims.append(claim(OK, "auditor", NOW - DAY, order=2))
            rows.append(criterion(IDS[title], *claims, category=name, key=title in KEY))
    return rows


def audit_categories() -> list[CategoryFacts]:
    rows = audit_criteria()
    return [
        CategoryFacts(
            name,
            name,
            anchor=Anchor(Decimal(score), derive((r for r in rows if r.category == name), AUDITED).score),
        )
        for name, (score, _) in AUDIT.items()
    ]


def audit_evaluation(fixed: tuple[str, ...] = ()) -> Evaluation:
    return evaluate(audit_categories(), audit_criteria(fixed), NOW)


def audit_blockers(state: str = "open") -> tuple[BlockerFacts, ...]:
    return tuple(
        blocker(id, "P0" if id <= 3 else "P1", state, criteria=tuple(IDS[title] for title in titles))
        for id, titles in LINKS.items()
    )


def audit_checklist() -> tuple[ChecklistFacts, ...]:
    phases = ["Pre-Deployment"] * 7 + ["Deployment"] * 5 + ["Post-Deployment"] * 5
    return tuple(item(id, phase) for id, phase in enumerate(phases, start=1))


def audit_facts(fixed: tuple[str, ...] = (), state: str = "open") -> Facts:
    """The audit seven days later, with these criteria fixed and its blockers in this state."""
    return Facts(
        evaluation=audit_evaluation(fixed),
        criteria=TITLES,
        blockers=audit_blockers(state),
        checklist=audit_checklist(),
        newest_audit=AUDITED.date(),
    )

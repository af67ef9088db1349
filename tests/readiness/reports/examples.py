"""Makes the tickets that the tests of reports print: the example audit, and one of any size."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from readiness.audits import keep
from readiness.audits.parse import read_text
from readiness.intake.models import Delivery
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.probes.outcomes import Outcome
from tests.factories import NOW, SYSTEM, acting, alice, bob, deployment, finding, record, ticket
from tickets.models import Blocker, Criterion, Deployment, Section, Statement, Ticket
from tickets.scoring import Status

AUDIT = Path(__file__).parents[3] / "docs/examples/shop-audit.md"
IMPORTED = NOW - timedelta(days=7)
CORS = {"request": {"origin": "https://shop.example.com"}, "response": {"status": 403}}


def shop(slug: str = "harbour-books", **fields: Any) -> Ticket:
    """Return the example audit as a team would find it a week after the import, at the factories' now."""
    shop_on = {"name": "Harbour Books", "base_url": "https://shop.example.com", "deployed_commit": "a1f39c2"}
    on = deployment(slug, **{**shop_on, **fields})
    row = keep.save(read_text(AUDIT.read_text()), deployment=on, by=acting(alice()), at=IMPORTED)
    first, _second, third = row.blockers.filter(priority="P0")
    first.edit("assignee", bob(), by=acting(alice()))
    first.move(Blocker.State.IN_PROGRESS, by=acting(bob()))
    third.claim_fix(by=acting(bob()), at=NOW - timedelta(days=1))
    row.checklist.all()[0].tick(by=acting(bob()))
    fill_machine(on)
    failing = finding(
        "cfg.cors-origins", Status.FAILING, detail="The shop's origin is refused.", evidence=CORS
    )
    record(row, failing)
    row.refresh_from_db()
    return row


def fill_machine(on: Deployment) -> None:
    """Add forty runs of two probes, a probe that never reported, and two deliveries."""
    for probe, usual in {"health": Outcome.PASS, "cors-production": Outcome.FAIL}.items():
        ProbeState.objects.create(
            deployment=on, probe=probe, outcome=usual, detail="As seen from outside.", since=IMPORTED,
            last_run_at=NOW - timedelta(minutes=5),
        )  # fmt: skip
        for hours in range(40, 0, -1):
            outcome = Outcome.FAIL if hours == 20 else usual
            add_result(on, probe, outcome, NOW - timedelta(hours=hours))
    ProbeState.objects.create(deployment=on, probe="tls-certificate")
    add_delivery(on, "applied", summary={"tests": 84, "passed": 67, "failures": 17})
    add_delivery(on, "rejected", reason="The signature is wrong.")


def add_result(on: Deployment, probe: str, outcome: Outcome, at: datetime) -> None:
    run = ProbeRun.objects.create(deployment=on, state=ProbeRun.State.DONE)
    ProbeResult.objects.create(
        run=run, deployment=on, probe=probe, outcome=outcome, started_at=at, seconds=Decimal("0.2")
    )


def add_delivery(on: Deployment, result: str, **fields: Any) -> None:
    name = f"{on.slug}-{result}"
    Delivery.objects.create(
        public_id=name, deployment=on, idempotency_key=name, sender="token ci", payload_sha256="0" * 64,
        payload_bytes=1200, format="junit", context={"commit": "a1f39c2"}, observed_at=IMPORTED,
        result=result, state=Delivery.State.DONE, **fields,
    )  # fmt: skip
    Delivery.objects.filter(public_id=name).update(received_at=IMPORTED)


def large(
    findings: int, *, slug: str = "", status: Status = Status.FAILING, said: str = "It was seen to fail."
) -> Ticket:
    """Return a ticket with so many findings in one section."""
    row = ticket(deployment(slug))
    category = row.categories.get(name="Testing")
    section = Section.objects.create(ticket=row, number="1", title="Everything", category=category)
    criteria = Criterion.objects.bulk_create(
        Criterion(ticket=row, section=section, category=category, subject=f"Number {n} of many", notes=said,
                  position=n)
        for n in range(findings)
    )  # fmt: skip
    row.record_statements(
        [Statement(one, status) for one in criteria], by=SYSTEM, observed_at=IMPORTED, at=NOW
    )
    return row

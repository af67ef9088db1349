"""An audit goes in, and the record says what it says: no more, and nothing upgraded."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness.audits.document import AuditDocument
from readiness.audits.keep import numbers_of, out_of_ten, save
from readiness.audits.parse import read_bytes
from tests import factories as make
from tickets.models import Blocker, Observation, Refused, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db
AUDITED = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCORES = {
    "Backend Stability": "6.0", "Frontend Stability": "6.0", "Dependencies": "4.0",
    "Configuration": "5.0", "Documentation": "3.0", "Testing": "2.0",
}  # fmt: skip


def example() -> AuditDocument:
    return read_bytes((settings.BASE_DIR / "docs/examples/shop-audit.md").read_bytes())


def imported(at: datetime = AUDITED, key: str | None = None) -> Ticket:
    return save(example(), deployment=make.deployment(), by=make.acting(make.alice()), key=key, at=at)


def shown(ticket: Ticket, at: datetime = AUDITED) -> dict[str, str]:
    return {row.name: str(row.shown) for row in ticket.evaluate(at).categories}


def test_the_example_scores_4_3_and_is_not_ready_with_three_p0_and_two_p1_open() -> None:
    ticket = imported()
    judged = ticket.judge(AUDITED)

    assert shown(ticket) == SCORES
    assert judged.overall == Decimal("4.3")
    assert judged.verdict.word == "NOT READY"
    assert [row.priority for row in ticket.blockers.open()] == ["P0", "P0", "P0", "P1", "P1"]
    assert ticket.checklist_progress() == (0, 17)
    assert ticket.key == "TCK-20260105-001"


def test_fixing_the_three_p0_criteria_moves_the_scores_as_the_rules_say() -> None:
    ticket = imported()
    by = make.acting(make.alice())
    for subject in ("PostgreSQL (live)", "Connection pool"):
        ticket.criteria.get(subject=subject).state(Status.OK, by=by, reason="Tested.", at=AUDITED)
    for blocker in ticket.blockers.filter(priority="P0"):
        for criterion in blocker.criteria.all():
            criterion.state(Status.OK, by=by, reason="Fixed.", at=AUDITED)
        blocker.claim_fix(by=by, at=AUDITED)
        blocker.verify(by=make.acting(make.bob()), reason="Seen.", at=AUDITED)

    judged = ticket.judge(AUDITED)

    assert shown(ticket) == SCORES | {"Backend Stability": "7.3", "Configuration": "8.3"}
    assert judged.overall == Decimal("5.1")
    assert judged.verdict.word == "NOT READY"


def test_an_audit_that_is_imported_late_keeps_its_scores_over_no_coverage() -> None:
    ticket = imported(at=datetime(2026, 11, 20, tzinfo=UTC))
    judged = ticket.judge(datetime(2026, 11, 20, tzinfo=UTC))

    assert judged.overall == Decimal("4.3")
    assert judged.evaluation.coverage == 0
    assert not next(row for row in judged.verdict.conditions if row.key == "coverage-floor").met


def test_what_the_report_says_is_stated_by_its_auditor_on_its_day() -> None:
    imported()

    assert {(row.source, row.basis, row.actor) for row in Observation.objects.all()} == {
        ("auditor", "stated", example().auditor)
    }
    assert {row.observed_at.date().isoformat() for row in Observation.objects.all()} == {"2026-01-05"}


def test_p0_blockers_are_linked_to_the_criteria_that_prove_them_and_make_them_key() -> None:
    ticket = imported()

    for blocker in ticket.blockers.filter(priority="P0"):
        assert [criterion.key for criterion in blocker.criteria.all()] == [True], blocker


def test_a_taken_key_is_refused_with_the_next_free_one_and_the_old_key_is_kept_beside_a_chosen_one() -> None:
    imported()

    with pytest.raises(Refused, match=r"taken by another ticket\. Choose another, such as TCK-20260105-002"):
        imported()
    second = imported(key="TCK-20260105-007")

    assert (second.key, second.source_key) == ("TCK-20260105-007", "TCK-20260105-001")


def test_a_section_keeps_its_number_its_mark_and_the_heading_it_stands_under() -> None:
    ticket = imported()

    first = ticket.sections.get(number="1.1")
    assert (first.title, first.mark, first.parent) == ("Dependencies", "CRITICAL", "1. Backend Assessment")
    assert ticket.sections.get(number="5").parent == ""


def test_an_audit_from_the_future_is_refused_and_nothing_is_stored() -> None:
    with pytest.raises(Refused, match="in the future"):
        imported(at=datetime(2026, 1, 4, tzinfo=UTC))

    assert not Ticket.objects.exists()


@pytest.mark.parametrize("said", ["verified", "Fixed", "done", "resolved"])
def test_a_report_that_says_fixed_makes_a_claim_and_no_more(said: str) -> None:
    text = (settings.BASE_DIR / "docs/examples/shop-audit.md").read_text()
    first = text.index("**Issue**")
    document = read_bytes(f"{text[:first]}**State**: {said}\n{text[first:]}".encode())

    ticket = save(document, deployment=make.deployment(), by=make.acting(make.alice()), at=AUDITED)

    assert "verified" not in ticket.blockers.values_list("state", flat=True)


def test_blockers_with_one_number_get_numbers_of_their_own() -> None:
    one = example().blockers
    doubled = [one[0], one[0], one[1]]

    assert numbers_of(doubled) == [1, 3, 2]


@pytest.mark.parametrize(
    ("score", "most", "value"),
    [
        ("6", "10", "6"),
        ("60", "100", "6"),
        ("12", "10", None),
        ("x", "10", None),
        (None, None, None),
        ("1", "0", None),
    ],
)
def test_a_written_score_is_read_on_the_scale_of_ten(
    score: str | None, most: str | None, value: str | None
) -> None:
    assert out_of_ten(score, most) == (None if value is None else Decimal(value))


def test_importing_takes_a_bounded_number_of_queries_and_its_log_is_whole() -> None:
    with CaptureQueriesContext(connection) as queries:
        ticket = imported()

    assert len(queries) < 100
    assert list(ticket.broken_links()) == []
    assert Blocker.objects.count() == 5

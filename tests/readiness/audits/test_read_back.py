"""Owns the way back: a ticket as a document equals what was imported, until something changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings

from readiness.audits.document import AuditBlocker, AuditDocument, AuditFinding
from readiness.audits.keep import save
from readiness.audits.parse import read_text
from readiness.audits.read_back import read_back
from readiness.audits.write import write
from tests import factories as make
from tickets.models import Blocker, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db
AUDITED = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = AUDITED + timedelta(days=2)
SHOP = (settings.BASE_DIR / "docs/examples/shop-audit.md").read_text()


def imported(text: str = SHOP, at: datetime = AUDITED, key: str | None = None) -> Ticket:
    return save(read_text(text), deployment=make.deployment(), by=make.acting(make.alice()), key=key, at=at)


def exported(ticket: Ticket, at: datetime = LATER) -> AuditDocument:
    """What somebody reads who reads the exported Markdown."""
    return read_text(write(read_back(ticket, at).sections))


def finding(document: AuditDocument, subject: str) -> AuditFinding:
    return next(row for row in document.findings if row.subject == subject)


def blocker(document: AuditDocument, number: int) -> AuditBlocker:
    return next(row for row in document.blockers if row.number == number)


@pytest.mark.parametrize("at", [AUDITED, LATER])
def test_a_ticket_that_nobody_touched_is_the_document_that_was_imported(at: datetime) -> None:
    ticket = imported()

    assert read_back(ticket, at) == read_text(SHOP)
    assert write(read_back(ticket, at).sections) == SHOP


def test_a_statement_that_expired_keeps_its_word_and_its_category_loses_its_score() -> None:
    ticket = imported()

    document = exported(ticket, AUDITED + timedelta(days=400))

    assert document.findings == read_text(SHOP).findings
    assert document.categories[0].score == "0.0"


def test_an_import_of_the_export_is_an_equal_ticket() -> None:
    first = imported()
    text = write(read_back(first, LATER).sections)

    second = imported(text, key="TCK-20260105-002")

    names = ("subject", "severity", "severity_word", "notes", "fix", "weight", "claim", "position", "line")
    assert list(first.criteria.values_list(*names)) == list(second.criteria.values_list(*names))
    names_of_blockers = ("number", "title", "priority", "location", "issue", "risk", "fix", "state")
    one, two = (ticket.blockers.values_list(*names_of_blockers) for ticket in (first, second))
    assert list(one) == list(two)
    assert first.judge(LATER).overall == second.judge(LATER).overall


def test_a_status_that_changed_is_written_with_its_mark_and_its_word() -> None:
    ticket = imported()
    row = ticket.criteria.get(subject="SESSION_SECRET")
    row.state(Status.OK, by=make.acting(make.alice()), reason="Read from the environment.", at=LATER)

    now = finding(exported(ticket), "SESSION_SECRET")

    assert (now.status, now.mark, now.word) == (Status.OK, "✅", "OK")
    assert now.category == "Configuration"


def test_a_problem_of_a_severity_that_was_fixed_gets_a_status_beside_its_severity() -> None:
    ticket = imported()
    row = ticket.criteria.get(subject="No dependency lock file")
    row.state(Status.OK, by=make.acting(make.alice()), reason="Committed.", at=LATER)

    document = exported(ticket)

    fixed, other = finding(document, "No dependency lock file"), finding(document, "Database driver build")
    assert (fixed.status, fixed.severity) == (Status.OK, "HIGH")
    assert (other.status, other.severity) == (Status.FAILING, "MEDIUM")


def test_a_status_among_the_severities_changes_where_it_stands() -> None:
    ticket = imported()
    row = ticket.criteria.get(subject="Payment widget")
    row.state(Status.OK, by=make.acting(make.alice()), reason="Bundled.", at=LATER)

    document = exported(ticket)

    assert finding(document, "Payment widget").status is Status.OK
    assert finding(document, "Offline basket").status is Status.UNTESTED


def test_a_problem_told_in_prose_that_was_fixed_says_so() -> None:
    ticket = imported()
    row = ticket.criteria.get(subject="CORS Configuration")
    row.state(Status.OK, by=make.acting(make.alice()), reason="Allowed.", at=LATER)

    now = finding(exported(ticket), "CORS Configuration")

    assert (now.status, now.weight) == (Status.OK, 0)
    assert now.evidence == finding(read_text(SHOP), "CORS Configuration").evidence


def test_what_evidence_moved_is_in_the_executive_table() -> None:
    ticket = imported()
    for row in ticket.criteria.filter(category__name="Configuration"):
        row.state(Status.OK, by=make.acting(make.alice()), reason="Fixed.", at=LATER)

    document = exported(ticket)

    scores = {row.name: row.score for row in document.categories}
    assert scores["Configuration"] == "10.0"
    assert scores["Testing"] == "2"
    assert Decimal(document.overall.score or 0) == ticket.judge(LATER).overall
    assert document.overall.status == "NOT READY"
    assert not [note for note in document.warnings if "mean" in note.text]


def test_a_report_that_said_ready_is_not_exported_as_ready() -> None:
    ticket = imported(SHOP.replace("**⚠️ NOT READY**", "**✅ READY**"))

    assert exported(ticket).overall.status == "NOT READY"


def test_edited_text_is_escaped_and_reads_back_as_it_was_typed() -> None:
    ticket = imported()
    by = make.acting(make.alice())
    typed = "a | b `c` *d* <b>\nsecond line \\"
    ticket.criteria.get(subject="SESSION_SECRET").edit("notes", typed, by=by)
    ticket.criteria.get(subject="MAIL_URL").edit("fix", "Set it | now", by=by)
    ticket.blockers.get(number=2).edit("location", "shop/`db`.py | line 3", by=by)
    ticket.checklist.first().edit("text", "[x] not what it seems", by=by)  # type: ignore[union-attr]

    document = exported(ticket)

    assert finding(document, "SESSION_SECRET").notes == typed
    assert finding(document, "MAIL_URL").fix == "Set it | now"
    assert blocker(document, 2).location == "shop/`db`.py | line 3"
    assert (document.checklist[0].text, document.checklist[0].done) == ("[x] not what it seems", False)


def test_states_of_blockers_and_ticked_items_are_in_the_export() -> None:
    ticket = imported()
    alice, bob = make.acting(make.alice()), make.acting(make.bob())
    one = ticket.blockers.get(number=1)
    one.claim_fix(by=alice, at=LATER)
    one.verify(by=bob, reason="Seen.", at=LATER)
    ticket.blockers.get(number=5).move(Blocker.State.IN_PROGRESS, by=alice)
    ticket.checklist.get(text="Logging configured").tick(by=alice)

    document = exported(ticket)

    assert [row.state for row in document.blockers] == ["Verified", None, None, None, "In progress"]
    assert [row.text for row in document.checklist if row.done] == ["Logging configured"]
    assert [row.number for row in document.blockers] == [1, 2, 3, 4, 5]


def test_what_was_added_and_removed_since_is_in_the_export() -> None:
    ticket = imported()
    by = make.acting(make.alice())
    make.criterion(
        ticket, "Queue length", Status.MISSING, category="Backend Stability", at=LATER, notes="Unseen"
    )
    ticket.add_blocker(by=by, title="No rate limit", priority="P1", issue="Sign-in can be guessed")
    ticket.criteria.get(subject="Linting").remove(by=by)
    ticket.blockers.get(number=4).remove(by=by)
    ticket.checklist.get(text="Assets built").remove(by=by)

    document = exported(ticket)

    added = finding(document, "Queue length")
    assert (added.status, added.category, added.notes) == (Status.MISSING, "Backend Stability", "Unseen")
    assert [row.title for row in document.blockers][-1] == "No rate limit"
    assert 4 not in [row.number for row in document.blockers]
    assert "Linting" not in [row.subject for row in document.findings]
    assert len(document.checklist) == 16


def test_the_export_carries_the_key_of_the_ticket_and_not_that_of_the_report() -> None:
    imported()
    second = imported(key="TCK-20260105-009")

    document = exported(second)

    assert document.ticket == "TCK-20260105-009"
    assert "TCK-20260105-001" not in write(document.sections)


def test_a_ticket_that_was_begun_by_hand_has_a_page_in_the_usual_shape() -> None:
    ticket = make.ticket()
    make.assess(make.category(ticket, "Testing"), "3")
    make.criterion(ticket, "SECRET_KEY", Status.HARDCODED, notes="In | code", fix="Move it")
    make.criterion(ticket, "Unit tests", Status.PARTIAL, category="Testing")
    make.blocker(ticket, "Hardcoded secrets", issue="Anybody can read it")
    make.checklist_item(ticket)

    document = exported(ticket, make.NOW)

    assert (document.ticket, document.auditor) == (ticket.key, "Ada Auditor")
    secret = finding(document, "SECRET_KEY")
    assert (secret.status, secret.category, secret.notes) == (Status.HARDCODED, "Configuration", "In | code")
    assert blocker(document, 1) == AuditBlocker(1, "Hardcoded secrets", "P0", issue="Anybody can read it")
    assert [line.text for line in document.checklist] == ["All secrets in environment variables"]
    assert {row.name: row.score for row in document.categories}["Testing"] == "3.0"
    assert document.overall.status == "NOT READY"


def test_a_page_that_reads_differently_now_gives_way_to_the_rows() -> None:
    ticket = imported()
    Ticket.objects.filter(pk=ticket.pk).update(source_document="# Another text\n")
    ticket.refresh_from_db()

    document = exported(ticket)

    assert len(document.findings) == 41
    assert len(document.blockers) == 5
    assert replace(blocker(document, 3), line=0).priority == "P0"

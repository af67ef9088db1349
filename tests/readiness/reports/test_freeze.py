"""What is frozen is all there is to say, in plain JSON, with a checksum that anybody can recompute."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from readiness.probes.outcomes import Outcome
from readiness.reports import chapters, freeze
from readiness.reports.edition import Edition, Imprint
from readiness.reports.models import Report
from tests import factories as make
from tests.factories import NOW
from tests.readiness.reports.examples import add_result
from tickets.models import Ticket
from tickets.scoring import Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]


def edition(ticket: Ticket) -> Edition:
    content = freeze.freeze(ticket, NOW)
    return Edition(content, Imprint(made_at=NOW, made_by="alice", checksum=freeze.checksum(content)))


def only_finding(ticket: Ticket) -> dict[str, Any]:
    content = freeze.freeze(ticket, NOW)
    (section,) = content["sections"]
    (finding,) = section["findings"]
    return dict(finding)


def test_the_checksum_is_that_of_sorted_json_without_spaces(shop_content: dict[str, Any]) -> None:
    text = json.dumps(shop_content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert freeze.checksum(shop_content) == hashlib.sha256(text.encode()).hexdigest()


def test_the_checksum_survives_the_database() -> None:
    ticket = make.ticket(title='Größe 1 000 × „Zitat“ 😀 \\ / "')
    make.record(ticket, make.finding(evidence={"ratio": 0.1, "big": 10**20, "deep": [{"a": None}, [1, 2.5]]}))

    report = Report.ask(ticket, make.acting(make.alice()))

    assert Report.objects.get(pk=report.pk).is_untouched


def test_two_looks_at_an_untouched_ticket_say_the_same_and_a_change_does_not() -> None:
    ticket = make.ticket()
    make.criterion(ticket)
    first = freeze.freeze(ticket, NOW)
    later = freeze.freeze(ticket, NOW + timedelta(minutes=1))
    make.blocker(ticket)

    assert freeze.same(first, later)
    assert not freeze.same(first, freeze.freeze(ticket, NOW))


def test_evidence_that_expired_is_frozen_as_unknown_with_what_it_once_said() -> None:
    ticket = make.ticket()
    make.record(ticket, make.finding(), at=NOW - timedelta(days=3), shelf_life=timedelta(hours=24))

    finding = only_finding(ticket)

    assert (finding["status"], finding["last_status"], finding["stale"]) == ("unknown", "ok", True)
    (row,) = edition(ticket).sections[0].shown
    assert (row.tone, row.word) == ("unk", "OK, expired")
    assert "counts as unknown" in row.says[-1]


def test_ageing_evidence_still_counts_and_says_that_it_ages() -> None:
    ticket = make.ticket()
    make.record(ticket, make.finding(), at=NOW - timedelta(hours=30), shelf_life=timedelta(hours=24))

    (row,) = edition(ticket).sections[0].shown

    assert (row.tone, row.says[-1]) == ("pass", "The evidence is ageing.")


def test_sources_that_disagree_are_both_printed() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "Origins", Status.MISSING, claim="cfg.cors-origins", notes="None is set.")
    make.record(ticket, make.finding(detail="The origin was let in."))

    (row,) = edition(ticket).sections[0].shown

    assert row.tone == "fail"
    assert "The sources disagree; the worse one counts until somebody decides." in row.says
    assert any("Probe cors-production" in line and "The origin was let in." in line for line in row.says)
    assert any(line.startswith("Auditor") for line in row.says)


def test_what_is_not_applicable_is_listed_with_reason_and_name() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket)
    row.mark_not_applicable(by=make.acting(make.alice()), reason="There is no upload.", at=NOW)

    (found,) = edition(ticket).sections[0].shown

    assert (found.tone, found.notes, found.says[-1]) == (
        "mute", "There is no upload.", "Marked not applicable by alice.",
    )  # fmt: skip


def test_a_finding_without_a_section_is_not_lost() -> None:
    ticket = make.ticket()
    section = make.section(ticket)
    make.criterion(ticket, "Written", section=section)
    make.record(ticket, make.finding())

    sections = freeze.freeze(ticket, NOW)["sections"]

    assert [(row["title"], row["written"], len(row["findings"])) for row in sections] == [
        ("Environment", True, 1), ("Configuration", False, 1),
    ]  # fmt: skip


def test_removed_rows_are_not_in_a_report() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "Gone").remove(by=make.SYSTEM)
    make.blocker(ticket, "Gone").remove(by=make.SYSTEM)

    content = freeze.freeze(ticket, NOW)

    assert (content["sections"], content["blockers"]) == ([], [])


def test_a_waiver_is_printed_with_the_verdict_until_it_ends() -> None:
    ticket = make.ticket()
    blocker = make.blocker(ticket)
    ends = NOW + timedelta(days=10)
    make.waive(blocker,
        by=make.acting(make.alice()), approver=make.bob(), reason_code="accepted", text="Small shop.",
        control="Watched daily.", ends_at=ends, at=NOW,
    )  # fmt: skip

    during, after = freeze.freeze(ticket, NOW), freeze.freeze(ticket, ends)

    assert during["waivers"][0]["approver"] == "bob"
    assert (
        "Waived until 15 Feb 2026: B-1 Hardcoded secrets (asked for by alice, approved by bob)."
        in edition(ticket).notes
    )
    assert edition(ticket).running_head.endswith("· 1 waiver")
    assert after["waivers"] == []
    assert after["blockers"][0]["waived_until"] is None


def test_several_waivers_are_one_sentence_and_a_table() -> None:
    ticket = make.ticket()
    for n in range(1, 9):
        make.waive(make.blocker(ticket, f"Number {n}", "P2"),
            by=make.acting(make.alice()), approver=None, reason_code="deferred", text="Later.",
            control="Watched.", ends_at=NOW + timedelta(days=n), at=NOW,
        )  # fmt: skip

    shown = edition(ticket)

    assert len(shown.content["waivers"]) == 8
    assert shown.notes[0].startswith("8 waivers are in force: B-1 until 6 Feb 2026, B-2 until 7 Feb 2026, ")
    assert shown.notes[0].endswith(" and 2 more.")


def test_a_lowered_verdict_says_who_why_and_what_was_computed() -> None:
    ticket = make.ticket()
    make.criterion(ticket, status=Status.OK)
    ticket.lower("NOT READY", by=make.acting(make.alice()), reason="I saw smoke")
    content = freeze.freeze(ticket, NOW)
    content["verdict"] |= {
        "computed": "READY",
        "lowering": {"by": "alice", "reason": "I saw smoke", "word": "NOT READY"},
    }

    shown = Edition(content, Imprint(made_at=NOW, made_by="alice", checksum=""))

    assert shown.sentence == "Not ready. Do not deploy. Computed: ready."
    assert shown.running_head.startswith("Not ready (lowered; computed ready) · ")
    assert "Lowered to not ready by alice; computed ready. Reason: I saw smoke." in shown.notes


def test_an_override_is_printed_with_commit_end_people_and_what_was_computed() -> None:
    ticket = make.ticket()
    make.criterion(ticket)
    make.override(ticket, by=make.acting(make.alice()), approver=make.bob(), commit="a1f39c2",
                  reason="Launch day",
                    until=NOW + timedelta(days=2))  # fmt: skip
    content = freeze.freeze(ticket, NOW)

    note = (
        "An override to ready is in force for commit a1f39c2 until 7 Feb 2026, by alice, approved by bob; "
        "computed not ready. Reason: Launch day."
    )
    assert content["verdict"]["override"]["applies"] is False
    assert note in edition(ticket).notes

    content["verdict"] |= {"word": "READY"}
    content["verdict"]["override"]["applies"] = True
    shown = Edition(content, Imprint(made_at=NOW, made_by="alice", checksum=""))
    assert shown.running_head.startswith("Ready (overridden; computed not ready) · ")
    assert shown.sentence == "Ready. You may deploy. Computed: not ready."


def test_broken_glass_is_printed_while_it_waits_and_after_it_was_used() -> None:
    ticket = make.ticket()
    make.criterion(ticket)
    glass = make.override(
        ticket, by=make.acting(make.alice()), approver=make.bob(), commit="a1f39c2", reason="Shop is down",
        until=NOW + timedelta(hours=2), single_use=True, incident="https://status.example.com/7",
    )  # fmt: skip

    note = (
        "The glass is broken for commit a1f39c2 until 5 Feb 2026, for one deployment, "
        "by alice, approved by bob. Reason: Shop is down. Incident: https://status.example.com/7"
    )
    assert note in edition(ticket).notes

    assert glass.use(by=make.SYSTEM, receipt="gev_7")

    shown = edition(ticket)
    assert note not in shown.notes
    (row,) = shown.overrides.rows
    assert (row["state"], row["receipt"], row["tone"]) == ("Used", "gev_7", "fail")
    assert row["incident"] == "https://status.example.com/7"


def test_what_ended_or_ran_out_is_told_and_let_nothing_through() -> None:
    ticket = make.ticket()
    over, standing = (
        make.override(
            ticket, by=make.acting(make.alice()), approver=make.bob(), commit=commit, reason="Launch day.",
            until=NOW + timedelta(days=3),
        )
        for commit in ("a1f39c2", "b1f39c2")
    )  # fmt: skip
    over.withdraw(by=make.acting(make.bob()), reason="It is over.")
    later = freeze.freeze(ticket, NOW + timedelta(days=4))

    assert [row["state"] for row in freeze.freeze(ticket, NOW)["overrides"]] == ["In force", "Ended"]
    assert freeze.freeze(ticket, NOW)["overrides"][0]["commit"] == standing.commit
    assert [row["state"] for row in later["overrides"]] == ["Over", "Ended"]


def test_a_dropped_ticket_and_one_with_a_newer_audit_say_so() -> None:
    old = make.ticket(audited_on=make.day(-30))
    new = make.ticket(old.deployment)

    assert f"A newer audit speaks for the deployment: {new.key}." in edition(old).notes
    assert f"A newer audit speaks for the deployment: {new.key}." not in edition(new).notes

    new.change_state("dropped", by=make.SYSTEM, reason="The wrong system.")
    new.refresh_from_db()
    assert "This ticket was dropped. It does not speak for the deployment." in edition(new).notes


def test_a_ticket_about_which_nothing_is_known_is_no_judgement_and_no_green() -> None:
    shown = edition(make.ticket())

    assert (shown.tone, shown.sentence, shown.overall) == ("mute", "Not assessed yet. Not ready.", None)
    assert "There is not enough evidence to say that it is ready, whatever else holds." in shown.notes
    assert all(row["score"] is None and row["tone"] == "mute" for row in shown.categories)


def test_open_blockers_of_other_tickets_of_the_deployment_are_in_the_report() -> None:
    old = make.ticket(audited_on=make.day(-30))
    make.blocker(old, "Old and open")
    new = make.ticket(old.deployment)

    (row,) = freeze.freeze(new, NOW)["elsewhere"]

    assert (row["key"], row["title"]) == (old.key, "Old and open")


def test_probes_come_with_their_last_36_runs_oldest_first() -> None:
    ticket = make.ticket()
    for hours in range(50, 0, -1):
        add_result(
            ticket.deployment,
            "health",
            Outcome.FAIL if hours == 1 else Outcome.PASS,
            NOW - timedelta(hours=hours),
        )
    add_result(ticket.deployment, "health", Outcome.PASS, NOW + timedelta(hours=1))

    (probe,) = freeze.freeze(ticket, NOW)["probes"]

    assert len(probe["runs"]) == 36
    assert [run["outcome"] for run in probe["runs"][-2:]] == ["pass", "fail"]
    assert probe["outcome"] == "", "one run is not a fact"


def test_a_claimed_fix_is_told_as_a_claim() -> None:
    ticket = make.ticket()
    make.blocker(ticket).claim_fix(by=make.acting(make.bob()), at=NOW)

    (row,) = edition(ticket).blockers.rows

    assert row["stands"] == "Fix ready, unassigned. Claimed as fixed by bob on 5 Feb 2026, not verified."


def test_a_section_with_too_many_findings_keeps_the_worst_and_counts_the_others() -> None:
    ticket = make.ticket()
    section = make.section(ticket)
    for n in range(4):
        make.criterion(ticket, f"Fine {n}", Status.OK, section=section)
    make.criterion(ticket, "Broken", Status.FAILING, section=section)
    make.criterion(ticket, "Broken and critical", Status.FAILING, section=section, severity="critical")
    content = freeze.freeze(ticket, NOW)["sections"][0]

    row = chapters.section(content, 1, 3)

    assert [one.row["subject"] for one in row.shown] == ["Fine 0", "Broken", "Broken and critical"]
    assert (row.more, row.more_words) == (3, "3 OK")

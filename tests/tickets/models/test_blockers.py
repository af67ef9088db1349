"""Who may move a blocker where, and what it takes to call it closed."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories as make
from tickets.models import Blocker, Conflict, Refused, Waiver
from tickets.scoring import Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]
LATER = make.NOW + timedelta(hours=1)


def reloaded(blocker: Blocker) -> Blocker:
    return Blocker.objects.get(pk=blocker.pk)


def test_the_person_who_claims_a_fix_cannot_verify_it() -> None:
    blocker = make.blocker(make.ticket())
    blocker.claim_fix(by=make.acting(make.alice()))

    with pytest.raises(Refused, match="somebody else must verify"):
        blocker.verify(by=make.acting(make.alice()), reason="I looked.")


def test_a_claim_without_evidence_needs_a_reason_to_be_verified() -> None:
    blocker = make.blocker(make.ticket())
    blocker.claim_fix(by=make.acting(make.alice()))

    with pytest.raises(Refused, match="say why"):
        blocker.verify(by=make.acting(make.bob()))
    blocker.verify(by=make.acting(make.bob()), reason="Read the release notes.")

    assert reloaded(blocker).state == "verified"


def test_evidence_older_than_the_claim_does_not_verify() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "CORS", Status.OK, claim="cfg.cors-origins")
    blocker = make.blocker(ticket, criteria=[row])
    make.record(ticket, make.finding(status=Status.OK))
    Blocker.objects.filter(pk=blocker.pk).update(state="open", claimed_at=None)
    blocker.claim_fix(by=make.acting(make.alice()), at=LATER)

    with pytest.raises(Refused, match="newer than the claim"):
        blocker.verify(by=make.acting(make.bob()), at=LATER)


def test_a_blocker_whose_evidence_fails_cannot_be_verified_by_any_reason() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "CORS", Status.FAILING, claim="cfg.cors-origins")
    blocker = make.blocker(ticket, criteria=[row])
    make.record(ticket, make.finding(status=Status.FAILING))
    blocker.claim_fix(by=make.acting(make.alice()), at=LATER)

    with pytest.raises(Refused, match="still fails"):
        blocker.verify(by=make.acting(make.bob()), reason="Trust me.", at=LATER)


def test_verifying_on_evidence_settles_what_it_contradicts() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "CORS", Status.PARTIAL, claim="cfg.cors-origins")
    blocker = make.blocker(ticket, criteria=[row])
    make.record(ticket, make.finding(status=Status.OK), at=LATER)

    blocker.verify(by=make.acting(make.bob()), at=LATER)

    assert ticket.evaluate(LATER).criteria[row.pk].status == Status.OK


def test_a_verified_blocker_can_only_be_reopened_with_a_reason() -> None:
    blocker = make.blocker(make.ticket())
    blocker.claim_fix(by=make.acting(make.alice()))
    blocker.verify(by=make.acting(make.bob()), reason="Seen.")

    with pytest.raises(Refused, match="cannot be moved"):
        blocker.move("in_progress", by=make.acting(make.alice()))
    with pytest.raises(Refused, match="Say why"):
        blocker.reopen(by=make.acting(make.alice()), reason="")


def test_of_two_people_who_move_one_blocker_the_second_is_told() -> None:
    blocker = make.blocker(make.ticket())
    seen = blocker.mark_of("state")
    blocker.move("in_progress", by=make.acting(make.alice()), seen=seen)

    with pytest.raises(Conflict, match="Somebody else"):
        blocker.move("wont_fix", by=make.acting(make.bob()), seen=seen)


def test_a_blocker_is_a_duplicate_of_an_open_one_that_is_at_least_as_urgent() -> None:
    ticket = make.ticket()
    one, two, minor = make.blocker(ticket), make.blocker(ticket), make.blocker(ticket, priority="P1")
    by = make.acting(make.alice())

    with pytest.raises(Refused, match="another blocker"):
        one.mark_duplicate(one, by=by)
    with pytest.raises(Refused, match="less urgent"):
        one.mark_duplicate(minor, by=by)
    with pytest.raises(Refused, match="another blocker"):
        one.mark_duplicate(make.blocker(make.ticket()), by=by)
    one.mark_duplicate(two, by=by)
    with pytest.raises(Refused, match="closed"):
        two.mark_duplicate(one, by=by)

    assert reloaded(one).state_for_rules == "duplicate"


def test_a_duplicate_is_open_again_when_what_it_duplicates_is_removed() -> None:
    ticket = make.ticket()
    one, two = make.blocker(ticket), make.blocker(ticket)
    one.mark_duplicate(two, by=make.acting(make.alice()))

    two.remove(by=make.acting(make.alice()))

    assert reloaded(one).state_for_rules == "open"


@pytest.mark.parametrize(
    ("days", "approver", "message"),
    [(91, "bob", "90 days"), (-1, "bob", "90 days"), (30, "alice", "somebody else")],
)
def test_a_waiver_that_the_rules_do_not_allow_is_refused(days: int, approver: str, message: str) -> None:
    blocker = make.blocker(make.ticket())

    with pytest.raises(Refused, match=message):
        make.waive(
            blocker, by=make.acting(make.alice()), approver=make.person(approver), reason_code="accepted",
            text="We accept it.", control="Watched daily.", ends_at=make.NOW + timedelta(days=days),
            at=make.NOW,
        )  # fmt: skip


def wish(blocker: Blocker) -> Waiver:
    """Let alice ask for a waiver of ten days."""
    return blocker.ask_waiver(
        by=make.acting(make.alice()), reason_code="accepted", text="We accept it.", control="Watched daily.",
        ends_at=make.NOW + timedelta(days=10), at=make.NOW,
    )  # fmt: skip


def conditions_of(blocker: Blocker) -> dict[str, bool]:
    found = blocker.ticket.judge(make.NOW + timedelta(days=1)).verdict.conditions
    return {row.key: row.met for row in found}


def test_a_waiver_of_a_p0_that_was_only_asked_for_changes_nothing() -> None:
    blocker = make.blocker(make.ticket())

    waiver = wish(blocker)

    assert waiver.state == Waiver.State.REQUESTED
    assert not conditions_of(blocker)["no-open-p0"]
    waiver.decline(by=make.acting(make.bob()), reason="Fix it.")
    assert not conditions_of(blocker)["no-open-p0"]
    with pytest.raises(Refused, match="decided on already"):
        waiver.approve(by=make.acting(make.bob()), at=make.NOW)


def test_a_waiver_that_is_ended_early_lets_the_blocker_count_again() -> None:
    blocker = make.blocker(make.ticket())
    waiver = wish(blocker)
    waiver.approve(by=make.acting(make.bob()), at=make.NOW)
    assert conditions_of(blocker)["no-open-p0"]

    waiver.end(by=make.acting(make.bob()), reason="It was abused.", at=make.NOW)

    assert not conditions_of(blocker)["no-open-p0"]


def test_a_p2_is_waived_by_one_person() -> None:
    assert wish(make.blocker(make.ticket(), priority="P2")).counts


def test_a_waiver_leaves_the_p0_condition_until_it_ends_and_no_job_is_needed_for_that() -> None:
    ticket = make.ticket()
    make.waive(
        make.blocker(ticket), by=make.acting(make.alice()), approver=make.bob(),
        reason_code="accepted", text="We accept it.", control="Watched daily.",
        ends_at=make.NOW + timedelta(days=10), at=make.NOW,
    )  # fmt: skip

    def met(days: int) -> dict[str, bool]:
        conditions = ticket.judge(make.NOW + timedelta(days=days)).verdict.conditions
        return {row.key: row.met for row in conditions}

    assert met(1)["no-open-p0"]
    assert not met(1)["no-waiver"]
    assert not met(11)["no-open-p0"]


def test_one_waiver_counts_once() -> None:
    ticket = make.ticket()
    make.waive(
        make.blocker(ticket), by=make.acting(make.alice()), approver=make.bob(),
        reason_code="accepted", text="We accept it.", control="Watched daily.",
        ends_at=make.NOW + timedelta(days=10), at=make.NOW,
    )  # fmt: skip

    conditions = ticket.judge(make.NOW + timedelta(days=1)).verdict.conditions

    assert next(row.actual for row in conditions if row.key == "no-waiver") == "1 in force"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob", "probe"]),
        st.sampled_from([*Blocker.State.values, "verify", "reopen", "ok", "failing"]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_people_do_a_closed_blocker_was_verified_by_somebody_who_did_not_claim_it(
    steps: list[tuple[str, str]],
) -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "CORS", Status.FAILING, claim="cfg.cors-origins")
    blocker = make.blocker(ticket, criteria=[row])
    for minute, (who, step) in enumerate(steps, start=1):
        at = make.NOW + timedelta(minutes=minute)
        by = make.acting(make.person(who))
        try:
            if step in ("ok", "failing"):
                make.record(ticket, make.finding(status=Status(step)), at=at)
            elif step == "verify":
                blocker.verify(by=by, at=at, reason="Looked.")
            elif step == "reopen":
                blocker.reopen(by=by, reason="Seen again.")
            else:
                # A person's move is judged by the clock, at which the evidence must not be stale.
                with time_machine.travel(at):
                    blocker.move(step, by=by, reason="A step.")
        except Refused:
            continue
        finally:
            blocker = reloaded(blocker)
        if blocker.state == "verified":
            assert blocker.verified_by is not None
            assert blocker.verified_by != blocker.claimed_by
            assert not blocker.proof(at).failing
    assert not list(ticket.broken_links())

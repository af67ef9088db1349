"""The status of one criterion: whose claim counts, for how long, and when two contradict each other."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tickets.examples import DAY, NOW, claim, criterion
from tickets.scoring import (
    BASES,
    QUARTERS,
    TTL,
    Claim,
    CriterionFacts,
    Freshness,
    Resolution,
    Status,
    judge,
    ttl_of,
)

HOUR = timedelta(hours=1)
PROBE = "probe:cors"


def test_every_status_has_its_quarters() -> None:
    assert {status.value: quarters for status, quarters in QUARTERS.items()} == {
        "ok": 4,
        "partial": 2,
        "risky": 1,
        "untested": 1,
        "hardcoded": 1,
        "not_configured": 0,
        "missing": 0,
        "failing": 0,
        "unknown": 0,
        "not_applicable": 0,
    }
    assert set(QUARTERS) == set(Status)
    assert BASES == ("observed", "inferred", "stated")


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("probe:cors", "", timedelta(hours=24)),
        ("probe:lock-file", "repository", timedelta(days=7)),
        ("ci:junit", "", timedelta(days=7)),
        ("ci:k6", "", timedelta(days=30)),
        ("auditor", "", timedelta(days=90)),
        ("import", "", timedelta(days=90)),
        ("auditor", "drill", timedelta(days=180)),
        ("auditor", "pentest", timedelta(days=365)),
        ("rumour", "", timedelta(hours=24)),
        ("auditor", "no such kind", timedelta(hours=24)),
    ],
)
def test_a_claim_lives_as_long_as_its_source_allows(source: str, kind: str, expected: timedelta) -> None:
    assert ttl_of(source, kind) == expected


def test_a_table_of_ones_own_replaces_the_lives_of_claims() -> None:
    assert ttl_of("probe:cors", table={**TTL, "runtime": HOUR}) == HOUR


def test_a_criterion_that_nobody_looked_at_is_unknown() -> None:
    result = judge(criterion(1), NOW)

    assert (result.status, result.known, result.freshness, result.last_status) == (
        Status.UNKNOWN,
        False,
        None,
        None,
    )
    assert not result.observed


def test_a_passing_probe_cannot_erase_an_auditors_missing() -> None:
    result = judge(criterion(1, claim(Status.MISSING), claim(Status.OK, PROBE, order=2)), NOW)

    assert result.status is Status.MISSING
    assert result.deciding is not None
    assert result.deciding.source == "auditor"


def test_an_auditors_ok_cannot_hide_a_failing_probe() -> None:
    result = judge(criterion(1, claim(Status.FAILING, PROBE), claim(Status.OK, order=2)), NOW)

    assert result.status is Status.FAILING


def test_the_newest_claim_of_a_source_replaces_its_older_ones() -> None:
    older = claim(Status.FAILING, PROBE, NOW - HOUR, order=9)

    assert judge(criterion(1, claim(Status.OK, PROBE), older), NOW).status is Status.OK


def test_of_two_claims_of_one_moment_the_one_received_later_counts() -> None:
    first, second = claim(Status.OK, PROBE, order=1), claim(Status.FAILING, PROBE, order=2)

    assert judge(criterion(1, second, first), NOW).status is Status.FAILING


def test_a_copy_of_a_claim_does_not_overtake_its_correction() -> None:
    wrong, right = claim(Status.OK, PROBE, order=1), claim(Status.FAILING, PROBE, order=2)
    copy = claim(Status.OK, PROBE, order=3)

    assert judge(criterion(1, wrong, right, copy), NOW) == judge(criterion(1, wrong, right), NOW)


def test_what_an_auditor_says_later_takes_the_place_of_the_imported_report() -> None:
    imported = claim(Status.HARDCODED, "import", NOW - DAY)

    result = judge(criterion(1, imported, claim(Status.OK, order=2)), NOW)

    assert (result.status, result.contradiction) == (Status.OK, False)


def test_an_old_report_imported_late_does_not_take_the_place_of_what_the_auditor_said() -> None:
    imported = claim(Status.OK, "import", NOW - DAY, order=2)

    assert judge(criterion(1, claim(Status.FAILING), imported), NOW).status is Status.FAILING


def test_a_claim_from_the_future_does_not_count_yet() -> None:
    rows = criterion(1, claim(Status.FAILING, PROBE), claim(Status.OK, PROBE, NOW + HOUR, order=2))

    assert judge(rows, NOW).status is Status.FAILING
    assert judge(rows, NOW + HOUR).status is Status.OK


def test_a_source_that_says_unknown_does_not_outvote_one_that_looked() -> None:
    result = judge(criterion(1, claim(Status.UNKNOWN), claim(Status.OK, PROBE)), NOW)

    assert (result.status, result.contradiction) == (Status.OK, False)


def test_a_source_that_says_unknown_takes_back_what_it_said_before() -> None:
    result = judge(criterion(1, claim(Status.OK, at=NOW - DAY), claim(Status.UNKNOWN, order=2)), NOW)

    assert (result.status, result.known) == (Status.UNKNOWN, False)


def test_a_claim_of_not_applicable_excludes_nothing_by_itself() -> None:
    result = judge(criterion(1, claim(Status.NOT_APPLICABLE, PROBE)), NOW)

    assert (result.status, result.applicable) == (Status.UNKNOWN, True)


def test_a_criterion_marked_not_applicable_takes_part_in_nothing() -> None:
    rows = criterion(1, claim(Status.OK), claim(Status.FAILING, PROBE), not_applicable=True)

    result = judge(rows, NOW)

    assert result.status is Status.NOT_APPLICABLE
    assert (result.applicable, result.known, result.quarters, result.contradiction) == (
        False,
        False,
        0,
        False,
    )
    assert result.last_status is Status.FAILING


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), Freshness.FRESH),
        (24 * HOUR, Freshness.FRESH),
        (24 * HOUR + timedelta.resolution, Freshness.AGEING),
        (36 * HOUR, Freshness.AGEING),
        (36 * HOUR + timedelta.resolution, Freshness.STALE),
    ],
)
def test_evidence_ages_in_steps(age: timedelta, expected: Freshness) -> None:
    result = judge(criterion(1, claim(Status.OK, PROBE, NOW - age)), NOW)

    assert result.freshness is expected
    assert result.known is (expected is not Freshness.STALE)


def test_what_went_stale_is_unknown_and_keeps_its_last_value() -> None:
    result = judge(criterion(1, claim(Status.OK, PROBE, NOW - 2 * DAY)), NOW)

    assert (result.status, result.quarters, result.last_status) == (Status.UNKNOWN, 0, Status.OK)
    assert result.deciding is None
    assert result.observed


def test_evidence_of_an_older_commit_is_ageing_at_once() -> None:
    result = judge(criterion(1, claim(Status.OK, PROBE, superseded=True)), NOW)

    assert (result.freshness, result.status) == (Freshness.AGEING, Status.OK)


def test_a_known_status_tells_when_its_newest_evidence_went_stale() -> None:
    said = claim(Status.OK, at=NOW - 10 * DAY)
    probed = claim(Status.OK, PROBE, NOW - 2 * DAY, order=2)

    result = judge(criterion(1, said, probed), NOW)

    assert (result.status, result.freshness, result.latest) == (
        Status.OK,
        Freshness.FRESH,
        Freshness.STALE,
    )


def test_an_old_statement_beside_a_running_probe_is_not_stale_evidence() -> None:
    said = claim(Status.OK, at=NOW - 200 * DAY)

    result = judge(criterion(1, said, claim(Status.OK, PROBE, order=2)), NOW)

    assert result.latest is Freshness.FRESH


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Status.OK, Status.PARTIAL, True),
        (Status.OK, Status.FAILING, True),
        (Status.PARTIAL, Status.MISSING, True),
        (Status.PARTIAL, Status.RISKY, False),
        (Status.RISKY, Status.FAILING, False),
        (Status.OK, Status.OK, False),
    ],
)
def test_two_quarters_apart_is_a_contradiction(one: Status, other: Status, expected: bool) -> None:
    assert judge(criterion(1, claim(one), claim(other, PROBE, order=2)), NOW).contradiction is expected


def test_both_sides_of_a_contradiction_are_kept_to_be_shown() -> None:
    result = judge(criterion(1, claim(Status.OK), claim(Status.FAILING, PROBE, order=2)), NOW)

    assert [(r.claim.source, r.claim.status) for r in result.readings] == [
        ("auditor", Status.OK),
        (PROBE, Status.FAILING),
    ]


def test_ageing_claims_contradict_and_stale_ones_do_not() -> None:
    def told(age: timedelta) -> bool:
        probed = claim(Status.FAILING, PROBE, NOW - age, order=2)
        return judge(criterion(1, claim(Status.OK), probed), NOW).contradiction

    assert told(30 * HOUR)
    assert not told(37 * HOUR)


def resolved(*claims: Claim, until: timedelta = DAY) -> CriterionFacts:
    resolution = Resolution(frozenset({("auditor", Status.MISSING)}), NOW + until)
    return CriterionFacts(1, "c", 1, False, False, claims, resolution)


def test_a_claim_set_aside_by_a_person_neither_counts_nor_contradicts() -> None:
    result = judge(resolved(claim(Status.MISSING), claim(Status.OK, PROBE, order=2)), NOW)

    assert (result.status, result.contradiction) == (Status.OK, False)
    assert [reading.set_aside for reading in result.readings] == [True, False]


def test_a_claim_set_aside_counts_again_when_the_resolution_ends() -> None:
    rows = resolved(claim(Status.MISSING), claim(Status.OK, PROBE, order=2))

    ended = judge(rows, NOW + DAY)

    assert (ended.status, ended.contradiction) == (Status.MISSING, True)


def test_another_word_of_the_same_source_counts_in_spite_of_the_resolution() -> None:
    result = judge(resolved(claim(Status.PARTIAL), claim(Status.OK, PROBE, order=2)), NOW)

    assert (result.status, result.contradiction) == (Status.PARTIAL, True)


def test_setting_a_claim_aside_does_not_bring_back_an_older_one_of_the_same_source() -> None:
    older = claim(Status.OK, at=NOW - DAY)

    result = judge(resolved(older, claim(Status.MISSING, order=2)), NOW)

    assert (result.status, result.known) == (Status.UNKNOWN, False)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="weight is 0 or more"):
        criterion(1, weight=-1)


CLAIMS = st.lists(
    st.builds(
        claim,
        st.sampled_from(Status),
        st.sampled_from(["auditor", "import", PROBE, "ci:junit"]),
        st.sampled_from([NOW, NOW - HOUR, NOW - 30 * HOUR, NOW - 200 * DAY, NOW + HOUR]),
        st.integers(1, 3),
    ),
    max_size=4,
)


@given(CLAIMS)
def test_the_sequence_in_which_claims_are_read_changes_nothing(claims: list[Claim]) -> None:
    results = {judge(criterion(1, *rows), NOW).status for rows in permutations(claims)}

    assert len(results) == 1


@given(CLAIMS, CLAIMS)
def test_another_claim_never_makes_a_criterion_better_than_the_best_of_its_claims(
    claims: list[Claim], more: list[Claim]
) -> None:
    result = judge(criterion(1, *claims, *more), NOW)

    assert result.quarters <= max((QUARTERS[c.status] for c in claims + more), default=0)


@given(CLAIMS)
def test_a_fresh_failing_claim_of_a_new_source_always_decides(claims: list[Claim]) -> None:
    result = judge(criterion(1, *claims, claim(Status.FAILING, "ci:sarif", order=9)), NOW)

    assert (result.quarters, result.known) == (0, True)

"""What is kept of probes: transitions for ever, days as sums, single results as long as pages show them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from readiness.probes import rollups
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeResult, ProbeState
from readiness.probes.rollups import DailyRollup, percentile, tidy
from tests import factories as make
from tickets.models import Deployment, Evidence

NOW = datetime(2026, 2, 20, 3, 0, tzinfo=UTC)
OFTEN, DAILY = "health", "tls-certificate"

pytestmark = pytest.mark.django_db


def result(
    deployment: Deployment, days: float = 1, probe: str = OFTEN, outcome: str = "pass", **fields: object
) -> ProbeResult:
    return ProbeResult.objects.create(
        deployment=deployment,
        probe=probe,
        outcome=outcome,
        started_at=NOW - timedelta(days=days),
        **{"seconds": Decimal("0.2"), **fields},
    )


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (100, 10), (1, 1)])
def test_a_percentile_is_a_value_that_was_measured(percent: int, value: int) -> None:
    assert percentile([Decimal(number) for number in (3, 1, 2, 10, 9, 8, 7, 6, 5, 4)], percent) == value


def test_a_day_that_is_over_is_summed_up_once() -> None:
    shop = make.deployment()
    for outcome, seconds in (
        ("pass", "0.1"),
        ("pass", "0.3"),
        ("fail", "2"),
        ("error", "8"),
        ("warn", "0.2"),
    ):
        result(shop, outcome=outcome, seconds=Decimal(seconds))
    result(shop, days=0)

    tidy(NOW)
    tidy(NOW)

    day = DailyRollup.objects.get()
    assert (day.day, day.probe) == (date(2026, 2, 19), OFTEN)
    assert (day.runs, day.passed, day.warned, day.failed, day.errors) == (5, 2, 1, 1, 1)
    assert (day.p50, day.p95) == (Decimal("0.3"), Decimal(8))


def test_days_that_the_scheduler_missed_are_summed_up_later() -> None:
    shop = make.deployment()
    for days in (2, 3, 5):
        result(shop, days=days)

    tidy(NOW)

    assert DailyRollup.objects.count() == 3


def test_results_go_after_a_week_when_they_changed_nothing_and_their_day_is_summed_up() -> None:
    shop = make.deployment()
    kept = [result(shop, days=30, changed=True), result(shop, days=6)]
    gone = result(shop, days=6.9)

    tidy(NOW)
    assert ProbeResult.objects.count() == 3

    tidy(NOW + timedelta(days=0.5))
    assert set(ProbeResult.objects.all()) == {*kept}
    assert DailyRollup.objects.filter(day=gone.started_at.date()).exists()


def test_a_result_whose_day_was_never_summed_up_stays() -> None:
    result(make.deployment(), days=30)

    tidy(NOW)

    assert ProbeResult.objects.exists()


def test_a_probe_that_looks_once_a_day_keeps_as_many_results_as_its_history_shows() -> None:
    shop = make.deployment()
    for days in (30, 35, 37):
        row = result(shop, days=days, probe=DAILY)
        DailyRollup.objects.sum_up(shop.pk, row.started_at.date())

    tidy(NOW)

    assert ProbeResult.objects.count() == 2


def test_evidence_goes_when_nothing_points_at_it_any_more() -> None:
    shop = make.deployment()
    of_result, of_state, of_observation, _, new = Evidence.keep([{"number": number} for number in range(5)])
    assert new is not None
    result(shop, days=0, evidence=of_result)
    ProbeState.objects.create(deployment=shop, probe=OFTEN, evidence=of_state)
    make.record(make.ticket(shop), make.finding(evidence={"number": 2}))
    Evidence.objects.exclude(pk=new.pk).update(stored_at=NOW - timedelta(days=8))
    Evidence.objects.filter(pk=new.pk).update(stored_at=NOW)

    tidy(NOW)

    assert set(Evidence.objects.all()) == {of_result, of_state, of_observation, new}


def test_so_much_is_deleted_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "ROWS_AT_ONCE", 2)
    shop = make.deployment()
    rows = [result(shop, days=10) for _ in range(5)]
    DailyRollup.objects.sum_up(shop.pk, rows[0].started_at.date())

    counts = []
    for _ in range(3):
        tidy(NOW)
        counts.append(ProbeResult.objects.count())

    assert counts == [3, 1, 0]


def test_batches_go_after_a_week_and_their_probes_stay() -> None:
    shop = make.deployment()
    batch = ProbeBatch.objects.create(kind="runtime", state="failed", finished_at=NOW - timedelta(days=8))
    ProbeState.objects.create(deployment=shop, probe=OFTEN, batch=batch)

    tidy(NOW)

    assert not ProbeBatch.objects.exists()
    assert ProbeState.objects.get().batch is None

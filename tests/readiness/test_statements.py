"""Tests the statements that are composed once: they store and read what Django's own would."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from readiness.intake.models import ApiToken, Delivery, Source
from readiness.probes.models import RESULT, ProbeResult
from readiness.statements import insert, insert_all
from tests import factories
from tickets.models import Deployment

pytestmark = pytest.mark.django_db


def delivery(key: str, **fields: Any) -> Delivery:
    deployment = fields.pop("deployment", None) or factories.deployment()
    return Delivery(
        public_id=f"dlv_{key}",
        deployment=deployment,
        idempotency_key=key,
        sender="token “CI” – £",
        payload_sha256="0" * 64,
        payload_bytes=7,
        context={"commit": "abc", "run_attempt": 1, "empty": None, "words": ["ä", "\\", "%s"]},
        observed_at=timezone.now() - timedelta(hours=1),
        **fields,
    )


def test_a_row_is_stored_as_save_would_store_it() -> None:
    deployment = factories.deployment()
    ours, theirs = delivery("ours", deployment=deployment), delivery("theirs", deployment=deployment)

    insert(ours)
    theirs.save(force_insert=True)

    kept, saved = (dict(Delivery.objects.filter(pk=row.pk).values().get()) for row in (ours, theirs))
    own = {"id", "public_id", "idempotency_key", "queued_at", "received_at", "observed_at"}
    assert {name: kept[name] for name in kept.keys() - own} == {
        name: saved[name] for name in saved.keys() - own
    }
    assert (kept["observed_at"], kept["received_at"]) == (ours.observed_at, ours.received_at)


def result(deployment: Deployment, number: int) -> ProbeResult:
    return ProbeResult(
        deployment=deployment,
        probe=f"probe-{number}",
        outcome="pass",
        detail="£ “%s” \\",
        changed=True,
        started_at=timezone.now() - timedelta(hours=1),
        seconds=Decimal("0.125"),
        vantage="here",
    )


@pytest.mark.parametrize("count", [0, 1, 300])
def test_many_rows_are_stored_as_bulk_create_would_store_them(count: int) -> None:
    ours, theirs = factories.deployment(), factories.deployment()
    rows = [result(ours, number) for number in range(count)]

    insert_all(ProbeResult, RESULT, [[getattr(row, name) for name in RESULT] for row in rows])
    ProbeResult.objects.bulk_create(
        ProbeResult(**{name: getattr(row, name) for name in RESULT} | {"deployment_id": theirs.pk})
        for row in rows
    )

    names = [name for name in RESULT if name != "deployment_id"]
    kept, saved = (
        list(ProbeResult.objects.filter(deployment=deployment).order_by("id").values_list(*names))
        for deployment in (ours, theirs)
    )
    assert len(kept) == count
    assert kept == saved


def test_a_row_that_lacks_a_column_is_not_stored() -> None:
    with pytest.raises(TypeError, match="has the columns"):
        insert_all(ProbeResult, RESULT[1:], [])


def test_a_stored_row_is_no_new_one_any_more() -> None:
    row = delivery("a")
    insert(row)

    row.reason = "Seen."
    row.save()

    assert Delivery.objects.get().reason == "Seen."


def test_what_the_database_refuses_is_raised() -> None:
    deployment = factories.deployment()
    insert(delivery("a", deployment=deployment))
    twin = delivery("a", deployment=deployment)
    twin.public_id = "dlv_twin"

    with pytest.raises(IntegrityError), transaction.atomic():
        insert(twin)

    assert Delivery.objects.count() == 1


def test_a_token_of_a_post_is_the_token_that_the_orm_finds() -> None:
    deployment = factories.deployment()
    _, text = ApiToken.issue(deployment, name="ci", actions=["evidence", "gate"], by=factories.SYSTEM)
    ApiToken.objects.update(last_used_at=timezone.now())

    quick, whole = ApiToken.of_a_post(text), ApiToken.of(text)

    assert quick is not None
    assert whole is not None
    names = ("pk", "name", "actions", "last_used_at", "deployment_id")
    assert [getattr(quick, name) for name in names] == [getattr(whole, name) for name in names]
    assert quick.deployment.slug == deployment.slug


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_a_token_that_ended_is_not_found(change: dict[str, Any]) -> None:
    _, text = ApiToken.issue(factories.deployment(), name="ci", actions=["evidence"], by=factories.SYSTEM)
    ApiToken.objects.update(**change)

    assert ApiToken.of_a_post(text) is None


def test_only_open_sources_of_the_deployment_that_sign_in_the_standard_way_sign_its_posts() -> None:
    deployment, other = factories.deployment("shop"), factories.deployment("other")
    mine = Source.objects.create(deployment=deployment, name="ci", secret="a", next_secret="b")
    Source.objects.create(deployment=deployment, name="closed", secret="c", enabled=False)
    Source.objects.create(deployment=deployment, name="hub", secret="d", kind="github")
    Source.objects.create(deployment=other, name="ci", secret="e")

    (found,) = Source.objects.signing_for("shop")

    assert (found.pk, found.name, found.secrets) == (mine.pk, "ci", ["a", "b"])
    assert found.deployment == deployment

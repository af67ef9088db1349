"""Payloads: how long they are kept, what is left of them, and a bucket instead of a folder."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from moto.server import ThreadedMotoServer

from readiness import backups
from readiness.files import storage_of
from readiness.intake.models import Delivery
from readiness.intake.receiving import KEPT_IN_ROW
from readiness.intake.spool import spooled
from readiness.intake.terms import Terms
from tests import factories
from tickets.models import Event, Observation, Refused, Ticket

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=91)


def deliver(ticket: Ticket, passing: int, *, padding: int = KEPT_IN_ROW, **terms: Any) -> Delivery:
    """Post a report with so many passing tests, which is kept in a file unless it is not padded."""
    cases = "".join(f'<testcase classname="c" name="t{n}"/>' for n in range(passing))
    said = Terms(**{"format": "junit", "run_id": str(passing), **terms})
    with spooled(
        BytesIO(f"<testsuite>{cases}{' ' * padding}</testsuite>".encode()), 10**9, lambda _: None
    ) as spool:
        delivery, _ = Delivery.objects.receive(ticket.deployment, said, spool, sender="token ci")
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def test_an_old_payload_goes_and_the_row_keeps_its_hash_and_says_so() -> None:
    ticket = factories.ticket()
    old, standing = deliver(ticket, 10), deliver(ticket, 11)
    name = str(old.payload.name)

    assert Delivery.objects.remove_old_payloads(LATER) == 1
    assert Delivery.objects.remove_old_payloads(LATER) == 0

    old.refresh_from_db()
    assert (bool(old.payload), old.payload_removed_at, len(old.payload_sha256)) == (False, LATER, 64)
    assert (default_storage.exists(name), default_storage.exists(str(standing.payload.name))) == (False, True)
    assert Event.objects.filter(verb="removed the payload of").count() == 1
    assert list(ticket.deployment.broken_links()) == []


def test_an_old_payload_that_is_kept_in_its_row_goes_too() -> None:
    ticket = factories.ticket()
    old, standing = deliver(ticket, 10, padding=0), deliver(ticket, 11, padding=0)

    assert Delivery.objects.remove_old_payloads(LATER) == 1

    old, standing = Delivery.objects.get(pk=old.pk), Delivery.objects.get(pk=standing.pk)
    assert (bytes(old.content), old.payload_removed_at) == (b"", LATER)
    assert bytes(standing.content).startswith(b"<testsuite>")


def test_what_is_not_old_or_is_still_to_be_read_or_stands_is_kept() -> None:
    ticket = factories.ticket()
    deliver(ticket, 10)
    assert Delivery.objects.remove_old_payloads(NOW + timedelta(days=89)) == 0

    waiting, other = deliver(ticket, 11), deliver(ticket, 5, category="e2e")
    Delivery.objects.filter(pk=waiting.pk).update(state="queued")
    assert other not in Delivery.objects.with_old_payloads(LATER)
    assert waiting not in Delivery.objects.with_old_payloads(LATER)


def test_what_was_removed_cannot_be_applied_again_and_says_why() -> None:
    ticket = factories.ticket()
    old, _ = deliver(ticket, 10), deliver(ticket, 11)
    Delivery.objects.remove_old_payloads(LATER)
    old.refresh_from_db()

    with pytest.raises(Refused, match="Let the pipeline post it again"):
        old.replay(by=factories.SYSTEM)

    old.refresh_from_db()
    assert old.status == "applied"


def test_only_some_are_removed_at_a_time() -> None:
    ticket = factories.ticket()
    for passing in range(10, 14):
        deliver(ticket, passing)

    assert [Delivery.objects.remove_old_payloads(LATER, limit=2) for _ in range(3)] == [2, 1, 0]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, settings: LazySettings) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="readiness", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    address = f"s3://readiness/files?endpoint={endpoint}&region=eu-central-1"
    files = storage_of(address, settings.MEDIA_ROOT, access_key="key", secret_key="secret")
    settings.STORAGES = {**settings.STORAGES, "default": files}
    yield client
    for name in names(client):
        client.delete_object(Bucket="readiness", Key=name)
    client.delete_bucket(Bucket="readiness")


def names(client: Any) -> list[str]:
    return [row["Key"] for row in client.list_objects_v2(Bucket="readiness").get("Contents", [])]


def test_a_bucket_takes_a_post_is_read_replayed_and_emptied(bucket: Any) -> None:
    ticket = factories.ticket()

    delivery = deliver(ticket, 10)
    assert (delivery.status, names(bucket)) == ("applied", [f"files/{delivery.payload.name}"])

    delivery.replay(by=factories.SYSTEM)
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, Observation.objects.count()) == ("unchanged", 1)

    delivery.remove_payload(LATER)
    assert names(bucket) == []


def test_the_same_post_twice_is_one_object(bucket: Any) -> None:
    ticket = factories.ticket()

    assert deliver(ticket, 10).pk == deliver(ticket, 10).pk
    assert len(names(bucket)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_backup_takes_what_is_in_the_bucket(bucket: Any, tmp_path: Path) -> None:
    deliver(factories.ticket(), 10)
    deliver(factories.ticket(), 11, padding=0)

    manifest = backups.write(tmp_path / "backup.zip")

    assert (manifest.files, manifest.missing_files) == (1, [])


@pytest.mark.parametrize(
    "address", ["bucket", "http://bucket", "s3://", "s3://key:secret@bucket", "s3://bucket?endpont=x"]
)
def test_an_address_that_is_no_bucket_is_refused_in_a_sentence(address: str) -> None:
    with pytest.raises(ValueError, match="FILES_STORAGE is not like s3://"):
        storage_of(address, Path("files"))


def test_without_an_address_files_stay_on_the_machine() -> None:
    assert storage_of("", Path("files"))["OPTIONS"] == {"location": Path("files")}

"""Owns the example audit as a frozen report, made and printed once for all the tests that only read it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from readiness.reports import freeze
from readiness.reports.edition import Imprint
from readiness.reports.printing import print_report
from tests.factories import NOW
from tests.readiness.reports import examples
from tests.readiness.reports.reading import Read


@pytest.fixture
def at_now() -> Iterator[None]:
    """Let it be the factories' now for the whole test."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(scope="session")
def shop_content(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> dict[str, Any]:
    """The example audit, frozen at the factories' now; nothing of it stays in the database."""
    with django_db_blocker.unblock(), transaction.atomic(), time_machine.travel(NOW, tick=False):
        content = freeze.freeze(examples.shop(), NOW)
        transaction.set_rollback(True)
    return content


@pytest.fixture(scope="session")
def imprint(shop_content: dict[str, Any]) -> Imprint:
    """An imprint as a stored report has one."""
    return Imprint(
        made_at=datetime(2026, 2, 5, 14, 32, tzinfo=UTC),
        made_by="alice",
        checksum=freeze.checksum(shop_content),
        number=3,
        verify="https://readiness.example.com/r/TCK-20260105-001/3/",
    )


@pytest.fixture(scope="session")
def shop_bytes(shop_content: dict[str, Any], imprint: Imprint) -> bytes:
    return print_report(shop_content, imprint).pdf


@pytest.fixture(scope="session")
def shop_pdf(shop_bytes: bytes) -> Read:
    return Read(shop_bytes)

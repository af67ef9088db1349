"""Our own readiness: a sound installation raises nothing, and each mistake is named with what to do."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.checks.registry import registry

from readiness import checks

PRODUCTION: dict[str, Any] = {
    "SITE": urlsplit("https://readiness.example"),
    "SECURE": True,
    "ALLOWED_HOSTS": ["readiness.example"],
    "BROKER_URL": "redis://:secret@redis:6379/0",
    "CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 1000},
    "EGRESS_ALLOW": ["10.20.0.0/16"],
    "METRICS_TOKEN": "",
    "DEMO_URL": "",
}
ALL = (
    checks.check_address,
    checks.check_services,
    checks.check_folders,
    checks.check_egress,
    checks.check_name_servers,
    checks.check_leftovers,
)


def found(settings: Any, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> list[CheckMessage]:
    """Return what the checks say of a production with these changes."""
    engine = changes.pop("engine", "django.db.backends.postgresql")
    for name, value in (PRODUCTION | changes).items():
        setattr(settings, name, value)
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
    return [message for check in ALL for message in check(None)]


def test_a_sound_production_raises_nothing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(settings, monkeypatch) == []


@pytest.mark.parametrize(
    ("changes", "id"),
    [
        ({"ALLOWED_HOSTS": ["*"]}, "readiness.E001"),
        ({"ALLOWED_HOSTS": ["elsewhere.example"]}, "readiness.E002"),
        ({"SECURE": False}, "readiness.W001"),
        ({"engine": "django.db.backends.sqlite3"}, "readiness.W002"),
        ({"BROKER_URL": "filesystem://"}, "readiness.W003"),
        ({"CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 900}}, "readiness.E003"),
        ({"EGRESS_ALLOW": ["everything"]}, "readiness.E005"),
        ({"EGRESS_ALLOW": ["0.0.0.0/0"]}, "readiness.E006"),
        ({"EGRESS_ALLOW": ["::/0"]}, "readiness.E006"),
        ({"EGRESS_ALLOW": ["127.0.0.1/32"]}, "readiness.W004"),
        ({"DNS_SERVERS": ["10.1.0.53", "dns.example"]}, "readiness.E010"),
        ({"DEMO_URL": "http://127.0.0.1:8001"}, "readiness.W005"),
        ({"METRICS_TOKEN": "short"}, "readiness.E007"),
        ({"BROKER_URL": "redis://redis.example:6379/0"}, "readiness.W006"),
    ],
)
def test_each_mistake_is_named_with_what_to_do(
    settings: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], id: str
) -> None:
    messages = found(settings, monkeypatch, **dict(changes))

    assert [message.id for message in messages] == [id]
    assert messages[0].msg.endswith(".")
    assert messages[0].hint


def test_a_folder_that_cannot_be_written_to_is_an_error(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    file = tmp_path / "file"
    file.write_text("")

    messages = found(settings, monkeypatch, VAR_DIR=file / "var")
    assert [message.id for message in messages] == ["readiness.E004"]
    assert found(settings, monkeypatch, VAR_DIR=tmp_path / "made" / "later") == []


@pytest.mark.parametrize("check", ALL)
def test_every_check_is_part_of_check_deploy(check: Callable[..., Any]) -> None:
    assert check in registry.deployment_checks
    assert check not in registry.registered_checks


def test_the_test_runs_own_settings_have_no_errors() -> None:
    messages = run_checks(tags=["readiness"], include_deployment_checks=True)

    assert [message for message in messages if message.level >= 40] == []

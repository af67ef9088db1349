"""Owns the set-up of the machine's Django app: probes, formats and our own checks are found at start."""

from celery.signals import heartbeat_sent
from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    verbose_name = "The machine"

    def ready(self) -> None:
        """Import every probe, format and check; one that is broken stops the program here, at once."""
        from readiness import checks, heartbeats
        from readiness.intake import formats
        from readiness.probes import registry

        registry.discover()
        formats.discover()
        checks.register_all()
        heartbeat_sent.connect(heartbeats.pulse, weak=False)

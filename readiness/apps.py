"""Owns the set-up of the machine's Django app: probes and formats are found at start."""

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    verbose_name = "The machine"

    def ready(self) -> None:
        """Import every probe and every format; one that is broken stops the program here, at once."""
        from readiness.intake import formats
        from readiness.probes import registry

        registry.discover()
        formats.discover()

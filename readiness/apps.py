"""Owns the set-up of the machine's Django app: probes and formats are found at start."""

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    verbose_name = "The machine"

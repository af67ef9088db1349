"""Owns the set-up of the machine's Django app: every probe and format is found at start, so a broken one stops it."""

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    verbose_name = "The machine"

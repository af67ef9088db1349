"""The tables of the machine, room by room."""

from readiness.intake.models import ApiToken, Delivery, Source
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.reports.models import Report

__all__ = ["ApiToken", "Delivery", "ProbeResult", "ProbeRun", "ProbeState", "Report", "Source"]

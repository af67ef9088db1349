"""The tables of the machine, room by room."""

from readiness.api.idempotency import KeptAnswer
from readiness.api.limits import RateWindow
from readiness.gate.models import Badge
from readiness.heartbeats import Heartbeat
from readiness.intake.models import ApiToken, Delivery, Source
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.reports.models import Report

__all__ = [
    "ApiToken",
    "Badge",
    "Delivery",
    "Heartbeat",
    "KeptAnswer",
    "ProbeResult",
    "ProbeRun",
    "ProbeState",
    "RateWindow",
    "Report",
    "Source",
]

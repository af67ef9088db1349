"""The tables of the machine, room by room."""

from readiness.gate.evaluations import Evaluation
from readiness.gate.models import Badge
from readiness.gate.statuses import CommitStatus, StatusPost, StatusTarget
from readiness.heartbeats import Heartbeat
from readiness.intake.models import ApiToken, Delivery, Source
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.reports.models import Report

__all__ = [
    "ApiToken",
    "Badge",
    "CommitStatus",
    "Delivery",
    "Evaluation",
    "Heartbeat",
    "ProbeResult",
    "ProbeRun",
    "ProbeState",
    "Report",
    "Source",
    "StatusPost",
    "StatusTarget",
]

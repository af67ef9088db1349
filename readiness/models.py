"""The tables of the machine, room by room."""

from readiness.api.idempotency import KeptAnswer
from readiness.api.limits import RateWindow
from readiness.gate.evaluations import Evaluation
from readiness.gate.models import Badge
from readiness.gate.statuses import CommitStatus, StatusPost, StatusTarget
from readiness.heartbeats import Heartbeat
from readiness.intake.models import ApiToken, Delivery, Source
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.probes.push import PushProbe, PushReport, PushToken
from readiness.probes.remembering import Remembered, RememberedFacts
from readiness.probes.rollups import DailyRollup
from readiness.probes.trials import Trial
from readiness.reports.models import Report

__all__ = [
    "ApiToken",
    "Badge",
    "CommitStatus",
    "DailyRollup",
    "Delivery",
    "Evaluation",
    "Heartbeat",
    "KeptAnswer",
    "ProbeBatch",
    "ProbeResult",
    "ProbeRun",
    "ProbeState",
    "PushProbe",
    "PushReport",
    "PushToken",
    "RateWindow",
    "Remembered",
    "RememberedFacts",
    "Report",
    "Source",
    "StatusPost",
    "StatusTarget",
    "Trial",
]

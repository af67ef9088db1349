"""The tables of the record, by what they are about; every public name can be imported from here."""

from tickets.models.blockers import Blocker, Recommendation, Waiver
from tickets.models.checklists import ChecklistItem
from tickets.models.criteria import (
    Assessment,
    Category,
    Criterion,
    Evidence,
    Observation,
    Resolution,
    Section,
    Standing,
)
from tickets.models.deployments import Deployment, Membership, Policy
from tickets.models.events import Actor, Comment, Conflict, Event, Refused
from tickets.models.people import SignInLink, User
from tickets.models.snapshots import Override, Snapshot
from tickets.models.tickets import Recorded, Ticket, TicketCounter

__all__ = [
    "Actor",
    "Assessment",
    "Blocker",
    "Category",
    "ChecklistItem",
    "Comment",
    "Conflict",
    "Criterion",
    "Deployment",
    "Event",
    "Evidence",
    "Membership",
    "Observation",
    "Override",
    "Policy",
    "Recommendation",
    "Recorded",
    "Refused",
    "Resolution",
    "Section",
    "SignInLink",
    "Snapshot",
    "Standing",
    "Ticket",
    "TicketCounter",
    "User",
    "Waiver",
]

"""The tables of the record, by what they are about; every public name can be imported from here."""

from tickets.models.blockers import Blocker
from tickets.models.categories import Assessment, Category, Section
from tickets.models.checklists import ChecklistItem, Recommendation
from tickets.models.commits import Commit
from tickets.models.criteria import Criterion
from tickets.models.deployments import Deployment, Membership, Policy
from tickets.models.events import Actor, Comment, Conflict, Event, Refused
from tickets.models.observations import Evidence, Observation, Resolution, Standing
from tickets.models.overrides import Override
from tickets.models.people import SignInLink, User
from tickets.models.problems import Problem, Reconciled, Reported
from tickets.models.recording import Recorded, Statement, Told
from tickets.models.snapshots import Snapshot
from tickets.models.tickets import Ticket, TicketCounter
from tickets.models.waivers import Waiver

__all__ = [
    "Actor",
    "Assessment",
    "Blocker",
    "Category",
    "ChecklistItem",
    "Comment",
    "Commit",
    "Conflict",
    "Criterion",
    "Deployment",
    "Event",
    "Evidence",
    "Membership",
    "Observation",
    "Override",
    "Policy",
    "Problem",
    "Recommendation",
    "Reconciled",
    "Recorded",
    "Refused",
    "Reported",
    "Resolution",
    "Section",
    "SignInLink",
    "Snapshot",
    "Standing",
    "Statement",
    "Ticket",
    "TicketCounter",
    "Told",
    "User",
    "Waiver",
]

"""Owns the API as a whole: its operations by resource, and how each of their refusals is answered."""

from typing import Any

from django.core.exceptions import ValidationError as InvalidField
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation

from readiness.api import (
    blockers,
    checklists,
    comments,
    deliveries,
    deployments,
    findings,
    observations,
    reports,
    tickets,
)
from readiness.api.door import refusal_of
from readiness.intake.problems import Problem
from tickets.models import Refused

ROOMS = (deployments, tickets, findings, blockers, comments, checklists, observations, deliveries, reports)
REFUSALS = (Problem, Http404, HttpError, ValidationError, InvalidField, Refused)
ABOUT = """What people read on the pages, and what machines may change: findings, blockers, comments, reports.

A machine proposes and a person confirms: no token verifies a fix, accepts a risk, ticks a checklist or sets a
score. How to begin is in docs/api.md."""


class Api(NinjaAPI):
    """The API; an operation is called what its function is called."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return str(operation.view_func.__name__)


def refuse(request: HttpRequest, refused: Any) -> HttpResponse:
    return refusal_of(refused)


api = Api(title="Readiness", version="1", description=ABOUT, openapi_url=None, docs_url=None)
for room in ROOMS:
    api.add_router("", room.router)
for refusal in REFUSALS:
    api.add_exception_handler(refusal, refuse)

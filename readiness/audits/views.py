"""Owns the pages of audits: take one in by way of a preview, and give a ticket back as Markdown."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods

from readiness.audits.document import AuditDocument
from readiness.audits.doors import Unreadable
from readiness.audits.forms import NEW, ImportForm, SourceForm, key_to_offer
from readiness.audits.keep import register_for, save
from readiness.audits.parse import read_bytes
from readiness.audits.read_back import read_back
from readiness.audits.write import write
from tickets.models import Refused, Ticket
from tickets.views.access import actor, person, ticket_or_404

SHOWN = 300
"""Lines and findings that a preview shows; what is beyond is counted."""


@login_required
@require_http_methods(["GET", "POST"])
def import_audit(request: HttpRequest) -> HttpResponse:
    """Ask for an audit, show what it would become, and store what was looked at: three steps, one address."""
    if request.method == "GET":
        return _ask(request, SourceForm(), 200)
    if "deployment" in request.POST:
        return _save(request)
    form = SourceForm(request.POST, request.FILES)
    if not form.is_valid():
        return _ask(request, form, 422)
    document: AuditDocument = form.cleaned_data["document"]
    return _preview(request, document, _import_form(request, document))


def _save(request: HttpRequest) -> HttpResponse:
    """Store the audit that was looked at, with the categories, deployment and key that were chosen."""
    try:
        document = read_bytes(request.POST.get("text", "").encode())
    except Unreadable as refused:
        messages.error(request, str(refused))
        return redirect("audit-import")
    form = _import_form(request, document, request.POST)
    if not form.is_valid():
        return _preview(request, document, form, 422)
    chosen = read_bytes(request.POST["text"].encode(), form.mapping)
    try:
        ticket = _keep(request, chosen, form)
    except Refused as refused:
        form.add_error("key" if "key" in str(refused) else None, str(refused))
        return _preview(request, document, form, 409)
    except ValidationError as error:
        form.add_error(None, error)
        return _preview(request, document, form, 422)
    messages.success(request, f"Imported as {ticket.key}.")
    return redirect(ticket)


@transaction.atomic
def _keep(request: HttpRequest, document: AuditDocument, form: ImportForm) -> Ticket:
    content, by = form.cleaned_data, actor(request)
    if content["deployment"] == NEW:
        deployment = register_for(document, owner=person(request), by=by, name=content["name"].strip())
    else:
        deployment = form.deployments[content["deployment"]]
    return save(document, deployment=deployment, by=by, key=content["key"].strip() or None)


def _import_form(request: HttpRequest, document: AuditDocument, sent: Any = None) -> ImportForm:
    free = Ticket.objects.next_free_key(timezone.now().date())
    form = ImportForm(sent, user=person(request), document=document, free=free)
    if sent is None:
        name = (document.scope or document.title or "").split(",")[0][:200]
        form.initial = {"text": document.text, "key": key_to_offer(document, free), "name": name}
        form.initial["deployment"] = next(iter(form.deployments), NEW)
    return form


def _ask(request: HttpRequest, form: SourceForm, status: int) -> HttpResponse:
    context = {"area": "deployments", "form": form}
    return render(request, "readiness/audits/audit_import.html", context, status=status)


def _preview(
    request: HttpRequest, document: AuditDocument, form: ImportForm, status: int = 200
) -> HttpResponse:
    fields = {field.label: field for field in form.section_fields}
    findings = document.findings[:SHOWN]
    groups = [
        (label, fields.get(label), [row for row in findings if row.section == label])
        for label in dict.fromkeys(row.section for row in document.findings)
    ]
    context = {
        "area": "deployments",
        "document": document,
        "form": form,
        "groups": groups[:SHOWN],
        "unmapped": document.unmapped[:SHOWN],
        "warnings": document.warnings[:SHOWN],
        "more_unmapped": max(len(document.unmapped) - SHOWN, 0),
        "more_warnings": max(len(document.warnings) - SHOWN, 0),
        "more_findings": max(len(document.findings) - SHOWN, 0),
        "taken": bool(document.ticket) and Ticket.objects.filter(key=document.ticket).exists(),
    }
    return render(request, "readiness/audits/audit_preview.html", context, status=status)


@login_required
@require_GET
@cache_control(private=True)
def markdown(request: HttpRequest, key: str) -> HttpResponse:
    """Hand out the ticket as Markdown that can be imported again."""
    ticket = Ticket.objects.get(pk=ticket_or_404(request, key).pk)
    text = write(read_back(ticket).sections)
    answer = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{ticket.key}.md"'
    return answer

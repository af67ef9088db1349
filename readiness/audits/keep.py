"""Owns the way of an audit into the record: one transaction, one ticket, nothing upgraded on the way."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from itertools import chain, count

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from readiness.audits.document import AuditBlocker, AuditDocument, AuditFinding
from readiness.audits.headings import heading_of
from readiness.audits.inline import plain
from readiness.audits.page import Table
from readiness.audits.write import block_text, write
from tickets import packs
from tickets.models import (
    Actor,
    Blocker,
    Category,
    ChecklistItem,
    Criterion,
    Deployment,
    Recommendation,
    Refused,
    Section,
    Statement,
    Ticket,
    User,
)
from tickets.models.tickets import KEY
from tickets.scoring import Anchor, Status

# What a report says of a blocker is a claim at most: "verified" takes a person and evidence here.
CLAIMED = frozenset({"fix ready", "fixed", "done", "verified", "closed", "resolved"})
PHASES = {"pre": ChecklistItem.Phase.BEFORE, "post": ChecklistItem.Phase.AFTER}


def register_for(document: AuditDocument, *, owner: User, by: Actor, name: str = "") -> Deployment:
    """Register the deployment that an audit is about, by the name given or by its scope."""
    name = name or (document.scope or document.title or "Deployment").split(",")[0]
    base = slugify(name)[:60] or "deployment"
    taken = set(Deployment.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | {"new"}
    slug = next(slug for slug in chain([base], (f"{base}-{n}" for n in count(2))) if slug not in taken)
    return Deployment.register(by=by, owner=owner, slug=slug, name=name[:200])


@transaction.atomic
def save(
    document: AuditDocument,
    *,
    deployment: Deployment,
    by: Actor,
    key: str | None = None,
    at: datetime | None = None,
) -> Ticket:
    """Store an audit as a ticket of the deployment and return it.

    The report's own key is kept when it is free. Raises Refused when it is taken and no other `key` is given,
    when the given one is taken or malformed, when the audit's date is in the future, and when nothing in the
    document can be tracked. What is longer than the record allows is cut; `source_document` keeps it whole.
    """
    at = at or timezone.now()
    if not document.says_something:
        raise Refused(
            "Nothing in this file reads as an audit: it has no scores, findings, blockers or lists."
        )
    audited_on = date_of(document, at)
    ticket = Ticket.objects.open_for(
        deployment,
        by=by,
        title=title_of(document)[:300],
        key=key_for(document, key, at),
        source_key=(document.ticket or "")[:60],
        auditor=(document.auditor or "")[:200],
        scope=document.scope or "",
        audited_on=audited_on,
        audited_commit=document.commit or "",
        stated_score=(document.overall.score or "")[:20],
        stated_verdict=(document.overall.status or "")[:120],
        stated_recommendation=document.overall.recommendation or "",
        stated_estimate=document.stated_eta or "",
        conclusion=document.conclusion or "",
        next_steps=list(document.next_steps),
        source_document=write(document.sections),
    )
    observed_at = at if audited_on is None else min(at, datetime.combine(audited_on, time(), UTC))
    auditor = Actor(by.kind, (document.auditor or by.label)[:200], by.user, by.request_id)
    categories = keep_categories(ticket, document)
    criteria = keep_criteria(ticket, document, categories)
    statements = [
        Statement(
            criterion,
            finding.status,
            (finding.word or "")[:60],
            finding.mark[:12],
            finding.notes or "",
            code_of(finding),
        )
        for criterion, finding in zip(criteria, document.findings, strict=True)
    ]
    ticket.record_statements(statements, by=auditor, observed_at=observed_at, at=at)
    assess(ticket, document, categories, by=auditor, at=at)
    keep_blockers(ticket, document, criteria, opened_at=observed_at, at=at)
    keep_rest(ticket, document, at)
    content = {
        "findings": len(criteria),
        "blockers": len(document.blockers),
        "sha256": sha256(ticket.source_document.encode()).hexdigest(),
    }
    ticket.write_event(by, "imported", ticket, after=content, at=at)
    ticket.rescore(at)
    return ticket


def key_for(document: AuditDocument, chosen: str | None, at: datetime) -> str | None:
    """Return the key that the ticket gets, None for the day's next one; Refused when a person must choose."""
    wanted = chosen or document.ticket
    if wanted is None or (chosen is None and not KEY.match(wanted)):
        return None
    if chosen is None and Ticket.objects.filter(key=wanted).exists():
        free = Ticket.objects.next_free_key(at.date())
        raise Refused(f"The key {wanted} is taken by another ticket. Choose another, such as {free}.")
    return wanted


def title_of(document: AuditDocument) -> str:
    """Return the title without the key in parentheses: the ticket has a key of its own."""
    title = (document.title or "").replace(f"({document.ticket})", "").strip(" -–—:")
    return title or "Deployment readiness audit"


def date_of(document: AuditDocument, at: datetime) -> date | None:
    """Return the day of the audit, None when it is not written as YYYY-MM-DD; Refused for the future."""
    try:
        found = date.fromisoformat(document.date or "")
    except ValueError:
        return None
    if found > at.date():
        raise Refused(f"The audit's date is {found}, which is in the future. Correct it in the report.")
    return found


def keep_categories(ticket: Ticket, document: AuditDocument) -> dict[str, Category]:
    """Create the report's categories, with the auditor's words; returns them by name."""
    names = list(dict.fromkeys(row.name for row in document.categories))
    created = ticket.add_categories(names or None)
    rows = dict(zip(names or [row.name for row in created], created, strict=True))
    for row in document.categories:
        rows[row.name].word, rows[row.name].mark = (row.word or "")[:60], row.mark[:12]
    Category.objects.bulk_update(rows.values(), ["word", "mark"])
    return rows


def keep_criteria(
    ticket: Ticket, document: AuditDocument, categories: dict[str, Category]
) -> list[Criterion]:
    """Create a criterion for every finding, in order; each known claim is given to one of them."""
    sections = keep_sections(ticket, document, categories)
    claims = claims_of(document.findings, packs.load(ticket.pack))
    severities = set(Criterion.Severity.values)
    return Criterion.objects.bulk_create(
        Criterion(
            ticket=ticket,
            section=sections[finding.section],
            category=categories.get(finding.category or ""),
            claim=claim,
            subject=finding.subject[:300],
            severity=(finding.severity or "").lower()
            if (finding.severity or "").lower() in severities
            else "",
            severity_word=(finding.severity or "")[:40],
            notes=finding.notes or "",
            fix=finding.fix or "",
            weight=finding.weight,
            position=place,
            line=finding.line,
            **not_applicable(finding, document),
        )
        for place, (finding, claim) in enumerate(zip(document.findings, claims, strict=True), start=1)
    )


def not_applicable(finding: AuditFinding, document: AuditDocument) -> dict[str, object]:
    """Return the fields that exclude a finding that is N/A with a reason; without one it is unknown."""
    if finding.status is not Status.NOT_APPLICABLE or not finding.notes:
        return {}
    return {
        "not_applicable": True,
        "not_applicable_reason": finding.notes,
        "not_applicable_by": (document.auditor or "the report")[:200],
    }


def claims_of(findings: Sequence[AuditFinding], pack: packs.Pack) -> list[str]:
    """Return the claim that each finding stands for, "" for none; of two for one, the first that counts."""
    taken: set[str] = set()
    claims = []
    for finding in findings:
        known = pack.recognise(plain(finding.subject)) if finding.weight else None
        claim = known.claim if known and known.claim not in taken else ""
        taken.add(claim)
        claims.append(claim)
    return claims


def keep_sections(
    ticket: Ticket, document: AuditDocument, categories: dict[str, Category]
) -> dict[str, Section]:
    """Create the sections that hold findings, with what stands beside their tables; returns them by label."""
    first = {finding.section: finding.place.section for finding in reversed(document.findings)}
    rows = {}
    for place, label in enumerate(dict.fromkeys(finding.section for finding in document.findings), start=1):
        number, _, title = label.partition(" ") if label[:1].isdigit() else ("", "", label)
        page = document.sections[first[label]]
        rows[label] = Section(
            ticket=ticket,
            number=number.rstrip(".")[:20],
            title=(title or label)[:200],
            mark=heading_of(page.text).mark[:40],
            parent=heading_above(document, first[label])[:240],
            category=categories.get(document.categories_of.get(first[label]) or ""),
            position=place,
            body="\n\n".join(block_text(block) for block in page.blocks if not isinstance(block, Table)),
        )
    Section.objects.bulk_create(rows.values())
    return rows


def heading_above(document: AuditDocument, place: int) -> str:
    """Return the heading that a section stands under, as written; "" right under the title or without one."""
    level = document.sections[place].level
    above = (one for one in reversed(document.sections[:place]) if 1 < one.level < level)
    return plain(next((one.text for one in above), ""))


def code_of(finding: AuditFinding) -> dict[str, str]:
    return {"code": finding.evidence} if finding.evidence else {}


def assess(
    ticket: Ticket, document: AuditDocument, categories: dict[str, Category], *, by: Actor, at: datetime
) -> None:
    """Anchor the auditor's scores at the derived scores of now."""
    derived = {row.key: row.derived for row in ticket.evaluate(at).categories}
    for row in document.categories:
        score = out_of_ten(row.score, row.max)
        if score is not None:
            category = categories[row.name]
            anchor = Anchor(score, derived[category.key])
            category.anchor_at(
                anchor, by=by, rationale=f"As written in the report: {row.word or row.score}.", at=at
            )


def out_of_ten(score: str | None, most: str | None) -> Decimal | None:
    """Return a written score on the scale of 0 to 10; None for none, and for what cannot be."""
    try:
        value = Decimal(score or "") * 10 / Decimal(most or "10")
    except (InvalidOperation, ZeroDivisionError):
        return None
    return value.quantize(Decimal("0.000001")) if 0 <= value <= 10 else None


def keep_blockers(
    ticket: Ticket,
    document: AuditDocument,
    criteria: Sequence[Criterion],
    *,
    opened_at: datetime,
    at: datetime,
) -> None:
    """Create the blockers, and link each to the criteria that prove it fixed, as the pack recognises them."""
    pack = packs.load(ticket.pack)
    by_claim = {criterion.claim: criterion for criterion in criteria if criterion.claim}
    numbers = numbers_of(document.blockers)
    rows = Blocker.objects.bulk_create(
        Blocker(
            ticket=ticket,
            number=number,
            title=blocker.title[:300],
            # A blocker that names no priority is read as the one that stops a release.
            priority=blocker.priority if blocker.priority in Blocker.Priority.values else Blocker.Priority.P0,
            location=blocker.location or "",
            issue=blocker.issue or "",
            risk=blocker.risk or "",
            fix=blocker.fix or "",
            opened_at=opened_at,
            line=blocker.line,
            **state_of(blocker, document, at),
        )
        for blocker, number in zip(document.blockers, numbers, strict=True)
    )
    proof = [
        (row, by_claim[key])
        for row in rows
        for key in dict.fromkeys(pack.proof_of(f"{row.title} {row.issue}"))
        if key in by_claim
    ]
    link = Blocker.criteria.through
    link.objects.bulk_create(link(blocker=row, criterion=criterion) for row, criterion in proof)
    key = [criterion.pk for row, criterion in proof if row.priority == Blocker.Priority.P0]
    Criterion.objects.filter(pk__in=key).update(key=True)


def numbers_of(blockers: Sequence[AuditBlocker]) -> list[int]:
    """Return a number of its own for every blocker: as written where that is free, else the next one."""
    taken: set[int] = set()
    numbers = []
    for blocker in blockers:
        number = blocker.number
        if number is None or number < 1 or number in taken:
            written = {other.number for other in blockers if other.number} | taken
            number = max(written, default=0) + 1
        taken.add(number)
        numbers.append(number)
    return numbers


def state_of(blocker: AuditBlocker, document: AuditDocument, at: datetime) -> dict[str, object]:
    """Return the fields of the state that a report may put a blocker in: open, in progress or fix ready."""
    said = (blocker.state or "").strip().lower()
    if said in CLAIMED:
        return {
            "state": Blocker.State.FIX_READY,
            "claimant": document.auditor or "the report",
            "claimed_at": at,
        }
    return {"state": Blocker.State.IN_PROGRESS if said == "in progress" else Blocker.State.OPEN}


def keep_rest(ticket: Ticket, document: AuditDocument, at: datetime) -> None:
    """Create the recommendations and the checklist."""
    Recommendation.objects.bulk_create(
        Recommendation(ticket=ticket, horizon=(row.horizon or "")[:120], text=row.text, position=place)
        for place, row in enumerate(document.recommendations, start=1)
    )
    ChecklistItem.objects.bulk_create(
        ChecklistItem(
            ticket=ticket,
            phase=phase_of(row.phase or ""),
            heading=(row.phase or "")[:120],
            text=row.text,
            done=row.done,
            done_at=at if row.done else None,
            position=place,
            line=row.line,
        )
        for place, row in enumerate(document.checklist, start=1)
    )


def phase_of(heading: str) -> str:
    """Return the phase that a heading names; one with neither before nor after is the deployment."""
    words = heading.lower().replace("-", " ").split()
    return PHASES.get(words[0], ChecklistItem.Phase.DURING) if words else ChecklistItem.Phase.BEFORE

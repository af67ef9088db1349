"""Owns the tags that speak about rows of the record: addresses, states, the sentences of the log."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_duration
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tickets import arranging, charts, tones
from tickets.advice import Action
from tickets.charts import Run, history
from tickets.models import Blocker, Event, Problem, Ticket
from tickets.models.editing import Editable
from tickets.models.judging import Judgement
from tickets.scoring import CategoryResult
from tickets.templatetags.readiness import icon, tag
from tickets.verdict import Condition

register = template.Library()

CONDITION_PLACES: Mapping[str, str] = {
    "no-open-p0": "blockers/",
    "p1-planned": "blockers/?layout=list",
    "p1-closed": "blockers/?layout=list",
    "no-waiver": "blockers/?layout=list",
    "overall-floor": "score/",
    "overall-goal": "score/",
    "category-floor": "score/",
    "category-goal": "score/",
    "all-scored": "score/",
    "checklist": "checklist/",
    "coverage-floor": "findings/?tone=unk",
    "coverage-goal": "findings/?tone=unk",
    "audit-recent": "activity/",
}
BLOCKER_TONES: Mapping[str, tuple[tones.Tone, str]] = {
    "open": ("mute", "Open"),
    "in_progress": ("info", "In progress"),
    "fix_ready": ("warn", "Fix ready"),
    "verified": ("pass", "Verified"),
    "reopened": ("fail", "Reopened"),
    "wont_fix": ("warn", "Won't fix"),
    "duplicate": ("mute", "Duplicate"),
}
PROBLEM_TONES: Mapping[str, tones.Tone] = {
    "open": "fail",
    "suppressed": "mute",
    "closed": "pass",
    "wont_fix": "warn",
    "false_positive": "mute",
    "waived": "warn",
}
EVENT_ICONS: Mapping[str, str] = {
    "opened": "report",
    "imported": "import",
    "recorded": "heartbeat",
    "stated": "evidence",
    "edited": "pencil",
    "added": "plus",
    "removed": "trash",
    "moved": "arrow",
    "ticked": "checklist",
    "unticked": "checklist",
    "assessed": "scale",
    "commented": "message",
    "undone": "undo",
    "waived": "shield",
    "resolved": "contradiction",
    "linked": "link",
    "decided": "scale",
    "took back the decision on": "undo",
    "changed the policy": "scale",
}
SAYS_ITS_CHANGES = frozenset({"moved", "assessed", "recorded", "commented", "edited"})
LOGGED_SPAN = re.compile(r"P\d+DT\d\dH\d\dM\d\dS\Z")
FIELD_WORDS: Mapping[str, str] = {
    "allow_intrusive": "intrusive probes may run",
    "api_paths": "paths of the API",
    "base_url": "address",
    "bucket_url": "object store",
    "cors_credentials": "the frontend sends credentials",
    "docs_policy": "API documentation",
    "due": "due date",
    "external_link": "link",
    "host_header": "Host header",
    "metrics_policy": "who may read the metrics",
    "public_api": "open to every website",
    "repository_url": "repository",
}
"""What a logged field is called on pages, where that is more than its name without underscores."""


@register.simple_tag
def problem_state(problem: Problem, at: datetime | None = None) -> SafeString:
    """Return the tag of where a problem stands now; one that people left is never shown as passed."""
    standing = problem.standing_at(at or timezone.now())
    words = dict([*Problem.State.choices, *Problem.Decision.choices])
    return tag(PROBLEM_TONES[standing], words[standing])


@register.simple_tag(takes_context=True)
def condition_url(context: template.RequestContext, condition: Condition) -> str:
    """Return where a condition's objects are: the one object, or the list that holds them."""
    ticket: Ticket = context["ticket"]
    if len(condition.objects) == 1:
        thing = condition.objects[0]
        if url := thing_address(ticket, context["judged"], thing.kind, thing.id):
            return url
    return ticket.get_absolute_url() + CONDITION_PLACES.get(condition.key, "findings/")


@register.simple_tag(takes_context=True)
def thing_url(context: template.RequestContext, action: Action) -> str:
    """Return where a thing to do is done."""
    ticket: Ticket = context["ticket"]
    return thing_address(ticket, context["judged"], action.kind, action.id) or ticket.get_absolute_url()


def thing_address(ticket: Ticket, judged: Judgement, kind: str, key: int | str) -> str:
    """Return the address of what the rules name by kind and id; empty for what has no page of its own."""
    if kind == "criterion":
        return reverse("finding-detail", args=[ticket.key, key])
    if kind == "category":
        return reverse("category-detail", args=[ticket.key, key])
    if kind == "checklist":
        return f"{reverse('checklist', args=[ticket.key])}#check-{key}"
    if kind == "blocker":
        rows = (row for row in (*judged.blockers, *judged.others) if row.pk == key)
        return next((row.get_absolute_url() for row in rows), "")
    return ""


@register.filter
def removes_p0(action: Action) -> bool:
    """Tell whether the action takes a P0 blocker out of the way."""
    return arranging.removes_p0(action)


@register.simple_tag
def mark_of(row: Editable, name: str) -> str:
    """Return the mark of a field's value, which a form sends back to say what its writer was looking at."""
    return row.mark_of(name)


@register.simple_tag
def blocker_tag(blocker: Blocker) -> SafeString:
    """Return a blocker's state as a tag."""
    return tag(*BLOCKER_TONES.get(blocker.state, ("mute", blocker.get_state_display())))


@register.simple_tag
def plan_tag(behind: int) -> SafeString:
    """Return how the burndown stands to its plan."""
    if behind > 0:
        return tag("warn", f"{behind} behind plan")
    return tag("pass", f"{-behind} ahead of plan" if behind else "On plan")


@register.simple_tag
def run_mark(tone: tones.Tone) -> SafeString:
    """Return one mark of a history bar, for its legend."""
    return history([Run(tone)], slots=1)


@register.simple_tag
def freshness(value: str) -> SafeString:
    """Return how old a claim is, in the three steps of the rules."""
    shown: Mapping[str, tuple[str, str]] = {
        "fresh": ("pass", "Fresh"),
        "ageing": ("warn", "Ageing"),
        "stale": ("unk", "Expired"),
    }
    return tag(*shown.get(str(value), ("unk", "Unknown")))


@register.simple_tag
def status_name(value: str) -> str:
    """Return a status in our own word."""
    return tones.word_of(str(value))


@register.filter
def two_places(value: Fraction | None) -> str:
    """Return an exact number with two decimals, half up; a dash for none."""
    if value is None:
        return "no score"
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


@register.simple_tag
def explain_score(result: CategoryResult) -> str:
    """Return how a category's score came about: `6.0 auditor + 1.3 evidence = 7.3`."""
    if result.shown is None:
        return "no score: nobody scored it and nothing is known"
    if result.anchor is None:
        return f"{result.shown} from the findings; no auditor scored it"
    stated = charts.shown(result.anchor.stated if result.anchor.stated is not None else result.anchor.score)
    evidence = result.evidence or Decimal(0)
    sign = "−" if evidence < 0 else "+"
    return f"{stated} auditor {sign} {abs(evidence)} evidence = {result.shown}"


@register.simple_tag
def explain_mean(rows: Iterable[arranging.CategoryRow], overall: Decimal | None) -> str:
    """Return the mean as it is worked out by hand."""
    found = [row.result for row in rows if row.result.shown is not None]
    if not found:
        return "no category has a score"
    if any(row.weight != 1 for row in found):
        total = " + ".join(f"{row.weight} × {row.shown}" for row in found)
        return f"({total}) / {sum(row.weight for row in found)} = {overall}"
    return f"({' + '.join(str(row.shown) for row in found)}) / {len(found)} = {overall}"


@register.simple_tag
def event_icon(event: Event) -> SafeString:
    """Return the icon of an event in its circle, toned by what it did to the record."""
    name = EVENT_ICONS.get(event.verb, "info")
    tone = "fail" if event.after.get("state") == "reopened" else ""
    if event.after.get("state") == "verified" or event.verb == "ticked":
        tone = "pass"
    elif event.verb in {"moved", "assessed"} and not tone:
        tone = "info"
    return format_html('<span class="ic {}">{}</span>', tone, icon(name))


@register.simple_tag(takes_context=True)
def event_words(context: template.RequestContext, event: Event) -> SafeString:
    """Return an event as a sentence with what stood there before and after.

    The log keeps people by id; the context's `people` names them, as {id: name}.
    """
    who = format_html("<b>{}</b> ", event.actor)
    return who + what_happened(event, context.get("people") or {})


@register.simple_tag(takes_context=True)
def event_changes(context: template.RequestContext, event: Event) -> SafeString:
    """Return what stood there before and after, for the verbs whose sentence does not say it itself."""
    if event.verb in SAYS_ITS_CHANGES or not (event.before or event.after):
        return SafeString("")
    if not event.before:
        rows = ((field_words(name), brief(value)) for name, value in event.after.items())
        drawn = format_html_join("", "<span>{}: <ins>{}</ins></span>", rows)
        return format_html('<span class="diff tiny">{}</span>', drawn)
    names: dict[str, Any] = dict.fromkeys([*event.before, *event.after])
    return differences(event.before, names | event.after, context.get("people") or {})


def what_happened(event: Event, people: Mapping[int, str]) -> SafeString:
    """Return the part of the sentence after the actor."""
    label, after, before = event.object_label, event.after, event.before
    if event.verb == "moved":
        names = dict(Blocker.State.choices)
        was, now = names.get(str(before.get("state")), ""), names.get(str(after.get("state")), "")
        return format_html("moved {} from {} to <b>{}</b>", label, was, now)
    if event.verb == "assessed":
        was = f" from {before['score']}" if before.get("score") else ""
        return format_html("scored {}{} to <b>{}</b>", label, was, after.get("score"))
    if event.verb == "recorded":
        return format_html("{}{}{}", count_of(event), changes_of(after), problems_of(after))
    if event.verb == "commented":
        return format_html("on {}: {}", label, str(after.get("text", ""))[:400])
    if event.verb == "edited":
        return format_html("edited {}{}", label, differences(before, after, people))
    return format_html("{} {}", event.verb, label)


def count_of(event: Event) -> str:
    """Return how much was recorded from which source; a probe that is its own source only looked."""
    source = str(event.after.get("source", ""))
    if event.actor == source.replace(":", " ", 1):
        return "looked"
    stored = int(event.after.get("observations", 0))
    return f"recorded {stored} {'observation' if stored == 1 else 'observations'} from {source}"


def problems_of(after: Mapping[str, Any]) -> str:
    """Return how many single problems a record changed; empty when it changed none."""
    told = after.get("problems") or {}
    words = {"new": "new", "reopened": "open again", "closed": "closed", "suppressed": "set aside"}
    changed = [f"{told[name]} {word}" for name, word in words.items() if told.get(name)]
    return f"; problems: {', '.join(changed)}" if changed else ""


def changes_of(after: Mapping[str, Any]) -> SafeString:
    """Return which findings changed their status by a record, at most three by name."""
    changes = [row for row in after.get("changes", []) if isinstance(row, dict)]
    named = format_html_join(
        ", ",
        "{} <b>{}</b>",
        ((row.get("subject", ""), tones.word_of(str(row.get("now", "")))) for row in changes[:3]),
    )
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return format_html(": {}{}", named, more) if changes else format_html("{}", "; no status changed")


def differences(before: Mapping[str, Any], after: Mapping[str, Any], people: Mapping[int, str]) -> SafeString:
    """Return the fields that an edit changed, with the old and the new value, shortened."""

    def told(name: str, values: Mapping[str, Any]) -> str:
        value = values.get(name)
        return people.get(value, "somebody") if name == "assignee" and value else brief(value)

    rows = ((field_words(name), told(name, before), told(name, after)) for name in after)
    drawn = format_html_join("", "<span>{}: <del>{}</del> → <ins>{}</ins></span>", rows)
    return format_html('<span class="diff tiny">{}</span>', drawn)


def field_words(name: str) -> str:
    """Return what a logged field is called on a page."""
    return FIELD_WORDS.get(name) or name.replace("_", " ")


def brief(value: Any) -> str:
    """Return a logged value in at most 120 characters."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and LOGGED_SPAN.match(value):
        value = str(parse_duration(value)).removesuffix(", 0:00:00")
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    words = "nothing" if value is None or value == "" else str(value)
    return words if len(words) <= 120 else f"{words[:119]}…"

"""Owns the badge's picture: what it says of a deployment at a moment, and how that is drawn.

It reads the newest snapshot, which costs two queries however large the audit is. What is old is grey and says
how old: a green picture must never be a frozen one.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.utils.html import format_html

from tickets.models import Deployment, Snapshot, Standing, Ticket
from tickets.tones import Tone, of_verdict

LABEL = "readiness"
# The text colours of the light theme: white on each has a contrast of 7 to 1 or more.
GROUNDS = {"pass": "#11612f", "warn": "#7d4300", "fail": "#9b1313"}
GREY = "#404a58"
COLOURS = {"pass": "brightgreen", "warn": "yellow", "fail": "red"}
# The widths of DejaVu Sans at 11 px, roughly; textLength makes every face fit what is reserved here.
WIDTHS = {**dict.fromkeys("MWmw", 9.6), **dict.fromkeys("il.,' ", 3.4), **dict.fromkeys("frt", 4.5)}
CAPITAL, USUAL = 7.4, 6.6


@dataclass(frozen=True, slots=True)
class Face:
    """What a badge shows: its text, and the tone of the ground behind it."""

    text: str
    tone: Tone


def face_of(deployment: Deployment, at: datetime) -> Face:
    """Return what the badge says at a moment."""
    ticket = deployment.tickets.speaking().select_related("snapshot").first()
    if ticket is None or ticket.snapshot is None:
        return Face("not assessed", "mute")
    snapshot = ticket.snapshot
    if snapshot.overall is None:
        return Face("not assessed", "mute")
    if is_stale(snapshot, at):
        return Face(f"stale {max(1, (at - known_until(ticket, snapshot)).days)}d", "mute")
    return Face(_words(ticket, snapshot, at), of_verdict(snapshot.verdict))


def is_stale(snapshot: Snapshot, at: datetime) -> bool:
    """Tell whether the snapshot can no longer be shown as what holds now.

    Time alone may have changed it, or what it rests on went stale: all of it, or that of a key criterion.
    """
    old_keys = any(row["key"] == "key-fresh" and not row["met"] for row in snapshot.conditions)
    return snapshot.is_expired(at) or old_keys or not snapshot.coverage


def known_until(ticket: Ticket, snapshot: Snapshot) -> datetime:
    """Return when the key criterion was seen that nobody has looked at for longest, else any criterion."""
    rows = Standing.objects.filter(criterion__ticket=ticket, criterion__removed_at=None)
    for chosen in (rows.filter(criterion__key=True), rows):
        seen = chosen.values("criterion").annotate(last=Max("observation__observed_at"))
        oldest: datetime | None = seen.order_by("last").values_list("last", flat=True).first()
        if oldest is not None:
            return oldest
    return snapshot.at


def _words(ticket: Ticket, snapshot: Snapshot, at: datetime) -> str:
    said = f"{snapshot.verdict} {snapshot.overall}"
    override = ticket.overrides.in_force(at).order_by("-id").first()
    if override is not None and snapshot.computed != "READY":
        return f"{said}, override for {override.commit[:7]}"
    return said if snapshot.verdict == snapshot.computed else f"{said}, lowered"


def as_endpoint(face: Face) -> dict[str, object]:
    """Return what shields.io draws a badge from. Grey, which is not known, is never an error of ours."""
    return {
        "schemaVersion": 1,
        "label": LABEL,
        "message": face.text,
        "color": COLOURS.get(face.tone, "lightgrey"),
        "isError": False,
        "cacheSeconds": 300,
    }


def width_of(text: str) -> int:
    """Return how many pixels a text takes at 11 px, roughly."""
    return round(sum(WIDTHS.get(c, CAPITAL if c.isupper() else USUAL) for c in text)) + 12


def draw(face: Face) -> str:
    """Return the badge as SVG: no style, no script, nothing from elsewhere, so that any page may show it."""
    left, right = width_of(LABEL), width_of(face.text)
    ground = GROUNDS.get(face.tone, GREY)
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" width="{all}" height="20" role="img">'
        "<title>{label}: {text}</title>"
        '<clipPath id="r"><rect width="{all}" height="20" rx="3"/></clipPath>'
        '<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#141a22"/>'
        '<rect x="{left}" width="{right}" height="20" fill="{ground}"/></g>'
        '<g fill="#ffffff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">'
        '<text x="6" y="14" textLength="{left_text}">{label}</text>'
        '<text x="{right_at}" y="14" textLength="{right_text}">{text}</text></g></svg>',
        all=left + right,
        left=left,
        right=right,
        ground=ground,
        label=LABEL,
        text=face.text,
        left_text=left - 12,
        right_at=left + 6,
        right_text=right - 12,
    )

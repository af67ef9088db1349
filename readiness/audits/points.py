"""Owns the points of lists as findings: "**Migrations**: ✅ OK - configured", "[HIGH] No lock file"."""

import re
from dataclasses import dataclass, replace

from readiness.audits.document import AuditFinding, Place
from readiness.audits.draft import Chapter, Draft, lines_of_bullet
from readiness.audits.inline import plain
from readiness.audits.page import Bullet, Bullets
from readiness.audits.rows import known_status
from readiness.audits.words import MARKS, Stated, is_severity, severity_of, split_mark, status_of
from tickets.scoring import Status

_SEPARATOR = re.compile(r":\s+|\s+[-–—]\s+")
_BRACKETED = re.compile(r"^[\[(]([^\[\]()]{1,30})[\])]\s*:?\s*(?=\S)")


def states_something(block: Bullets) -> bool:
    """Whether a point of the list says how something stands."""
    return any(map(_pointed, block.bullets))


def read_bullets(draft: Draft, chapter: Chapter, block: Bullets, place: Place) -> bool:
    """Take the points of a list that state how something stands; leave the others. False when none does."""
    read = [_pointed(bullet) for bullet in block.bullets]
    if not any(read):
        return False
    draft.use(chapter)
    for index, (bullet, point) in enumerate(zip(block.bullets, read, strict=True)):
        if point is None:
            for line, text in lines_of_bullet(bullet):
                draft.leave(line, text)
            continue
        status = Status.FAILING if point.severity else known_status(draft, point.stated, bullet.line)
        draft.findings.append(
            AuditFinding(
                section=chapter.heading.label,
                category=draft.categories_of.get(chapter.index),
                subject=point.subject,
                status=status,
                word=point.stated.word or None,
                mark=point.stated.mark,
                severity=point.severity,
                notes="\n".join(text for text in (point.notes, *bullet.more) if text) or None,
                fix=None,
                line=bullet.line,
                place=replace(place, row=index),
            )
        )
    return True


@dataclass(frozen=True, slots=True)
class Pointed:
    """A point that states something about a subject."""

    subject: str
    stated: Stated
    severity: str | None
    notes: str


def _pointed(bullet: Bullet) -> Pointed | None:
    text = plain(bullet.text)
    if bullet.box:
        return None
    return _bracketed(text) or _marked(text) or _worded(text)


def _bracketed(text: str) -> Pointed | None:
    match = _BRACKETED.match(text)
    if not match:
        return None
    subject, notes = _split(text[match.end() :])
    if is_severity(match[1]):
        return Pointed(subject, Stated(Status.FAILING, "", ""), severity_of(match[1]), notes)
    stated = status_of(match[1])
    return Pointed(subject, stated, None, notes) if stated.status and not stated.qualified else None


def _marked(text: str) -> Pointed | None:
    """A point that begins with a mark; a status word after the subject wins over the mark."""
    mark, rest = split_mark(text)
    if mark[:1] not in MARKS or not rest or text.startswith(rest):
        return None
    worded = _worded(rest)
    if worded:
        return replace(worded, stated=replace(worded.stated, mark=mark))
    subject, notes = _split(rest)
    return Pointed(subject, Stated(MARKS[mark[:1]], "", mark), None, notes)


def _worded(text: str) -> Pointed | None:
    """A point that says SUBJECT, a separator, and a status in capitals or with a mark; or HIGH: subject."""
    parts = _SEPARATOR.split(text, maxsplit=2)
    if len(parts) < 2:
        return None
    if is_severity(parts[0]) and parts[0].isupper():
        return Pointed(parts[1], Stated(Status.FAILING, "", ""), parts[0], "".join(parts[2:]))
    stated = status_of(parts[1])
    certain = stated.mark[:1] in MARKS or (stated.word.isupper() and len(stated.word) > 1)
    if stated.status is None or stated.qualified or not certain:
        return None
    return Pointed(parts[0], stated, None, "".join(parts[2:]))


def _split(text: str) -> tuple[str, str]:
    parts = _SEPARATOR.split(text, maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""

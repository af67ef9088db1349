"""Owns the text that Django's `manage.py check --deploy` prints: its issues, and that it came to its end.

Format: django/core/management/base.py, `BaseCommand.check`. Levels: django/core/checks/messages.py.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from readiness.intake.body import Body, encoding_of
from readiness.intake.formats import format
from readiness.intake.reading import Context, Examined, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status
from tickets.sightings import Sighting

CLAIM = "cfg.debug-off"
CATEGORIES = ("", "deploy")
LEVELS = {"CRITICALS": "critical", "ERRORS": "high", "WARNINGS": "medium", "INFOS": "low", "DEBUGS": "low"}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ISSUE = re.compile(r"(?P<about>\S.*?): \((?P<id>[A-Za-z_][\w.]{0,99})\) (?P<says>.+)")
END = re.compile(r"System check identified (?:no|(\d{1,6})) issues? \((\d{1,6}) silenced\)\.")
DEBUG_IS_ON = "security.W018"
# Only --deploy runs these: with one of them in the list, it is known to be that check.
OF_DEPLOY = "security."
SHOWN_ISSUES = 20
NOT_SAID = (
    "Django prints the same for `check` and for `check --deploy` when there is nothing to say. "
    "Send category=deploy to say that it was the check for deployment."
)


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue: what it is about ("?" when that is nothing in particular), its id and its message."""

    about: str
    id: str
    severity: str
    says: str


def recognise(head: bytes) -> bool:
    return b"System check identified " in head and not head.lstrip().startswith((b"<", b"{", b"["))


@format("django_check", title="Django's deployment check", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read the issues. No issue is a pass only where it is said that `--deploy` ran, and only to its end."""
    if context.category not in CATEGORIES:
        raise Unreadable(f"Django's check has no category {context.category!r}. Send category=deploy.")
    data = body.all()
    lines = COLOUR.sub("", data.decode(encoding_of(data[:1024])[0], "replace")).splitlines()
    ends = [found for line in lines if (found := END.search(line))]
    if len(ends) != 1:
        raise Unreadable("The check did not end: its last line says how many issues were identified.")
    issues = tuple(issues_of(lines))
    claimed, silenced = (int(number or 0) for number in ends[0].groups())
    if len(issues) != claimed:
        said = f"The check says that it identified {claimed} issues, and {len(issues)} are in the report."
        raise Unreadable(said)
    summary = {"issues": claimed, "silenced": silenced, "ids": sorted({issue.id for issue in issues})}
    warnings = (f"{silenced} issues were silenced in the settings.",) if silenced else ()
    is_deploy = context.category == "deploy" or any(issue.id.startswith(OF_DEPLOY) for issue in issues)
    if not is_deploy:
        return Reading("django_check", Outcome.UNKNOWN, summary, (*warnings, NOT_SAID))
    status = status_of(issues, silenced)
    shown = [{"id": issue.id, "says": mask_text(issue.says)[:300]} for issue in issues[:SHOWN_ISSUES]]
    finding = Finding(
        CLAIM,
        status,
        sentence(issues, silenced),
        {**summary, "shown": shown},
        commit=context.commit,
        observed_at=context.observed_at,
    )
    return Reading(
        "django_check",
        Outcome.PASS if status is Status.OK else Outcome.FAIL,
        summary,
        warnings,
        (finding,),
        problems=tuple(sightings(issues)),
        examined=(Examined("deploy", not silenced, 0),),
    )


def issues_of(lines: Sequence[str]) -> Iterator[Issue]:
    """The issues in their order; hints and further lines of a message are passed over."""
    severity = ""
    for line in lines:
        if line.endswith(":") and line[:-1] in LEVELS:
            severity = LEVELS[line[:-1]]
        elif severity and not line.startswith(("\t", " ")) and (found := ISSUE.fullmatch(line.rstrip())):
            yield Issue(found["about"], found["id"], severity, found["says"])


def status_of(issues: Sequence[Issue], silenced: int) -> Status:
    """Debug mode fails whatever else is said; what was silenced was not judged."""
    ids, severities = {issue.id for issue in issues}, {issue.severity for issue in issues}
    if DEBUG_IS_ON in ids or "critical" in severities:
        return Status.FAILING
    if "high" in severities:
        return Status.RISKY
    return Status.PARTIAL if issues or silenced else Status.OK


def sentence(issues: Sequence[Issue], silenced: int) -> str:
    """What a person reads."""
    if any(issue.id == DEBUG_IS_ON for issue in issues):
        return "DEBUG is on, says Django's check for deployment."
    hidden = f" {silenced} more were silenced." if silenced else ""
    if not issues:
        return f"Django's check for deployment has nothing to say.{hidden}"
    named = ", ".join(dict.fromkeys(issue.id for issue in issues[:5]))
    count = f"{len(issues)} issue{'' if len(issues) == 1 else 's'}"
    return f"Django's check for deployment has {count}: {named}.{hidden}"


def sightings(issues: Sequence[Issue]) -> Iterator[Sighting]:
    """Each issue as a problem, known by its id and by what it is about; the same again is one."""
    seen: Counter[tuple[str, str]] = Counter()
    for issue in issues:
        place = (issue.id, issue.about)
        seen[place] += 1
        subject = issue.about if seen[place] == 1 else f"{issue.about} {seen[place]}"
        yield Sighting(
            "deploy", issue.id, subject, f"{issue.id}: {issue.says}"[:600], issue.severity, "Django"
        )

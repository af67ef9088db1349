"""Owns `docs/probes.md`: what every probe asks, why, how often, and how to fix it."""

from datetime import timedelta

from readiness.probes.push import PROVES
from readiness.probes.registry import Kind, Probe, Registry

HEAD = """# Probes

Written by `manage.py probe --catalogue > docs/probes.md`; a test fails when it is out of date.

A probe answers one question and says what it saw. It never scores and never guesses: where it cannot tell,
the outcome is `error`, `not_applicable` or `not_supported`, and nothing is recorded. A change is
believed only when a second look agrees; one that rests on a timeout, when three do. An intrusive probe looks
once, only where the deployment's settings allow it, and only when somebody asks for it by name.

| outcome | means |
|---|---|
| pass | the claim holds |
| warn | it holds in part, or with a known hazard |
| fail | it does not hold |
| not applicable | the question does not arise here; the probe says why |
| not supported | the question arises, and this probe cannot ask it of such a target |
| error | we could not look; never a finding |
"""
KINDS: tuple[tuple[Kind, str, str], ...] = (
    ("runtime", "Runtime probes", "They ask a running deployment, under the egress policy."),
    (
        "repository",
        "Repository probes",
        "They read one commit of a git repository. Nothing of it is executed.",
    ),
)
PUSHED = """## Push probes

What no prober sees from outside, a job reports by itself: open a push probe on the deployment's page *Push
probes*, and let the job call its address at the end of each run. The address holds a secret and is shown
once.

| claim | holds when the job reported that |
|---|---|
{claims}

| call | means |
|---|---|
| `POST` (or `GET`, `HEAD`) to the address | the run succeeded |
| `/fail` | it failed |
| `/0` to `/255` | its exit code: 0 succeeded, anything else failed |
| `/start` | it began; proves nothing, and lets its length be shown |

`?rid=` names the run: the same report of the same run counts once. `?commit=` binds the report to a commit.
A body is kept as text: its first 10,000 characters, secrets masked.

A report is evidence of its own run and of nothing else, fresh for interval and grace. A job that never
reported is *unknown*. One that reported a failure is *failing*. One that fell silent is *missing* from the
end of its grace, by the clock of the database, until it reports again; without a scheduler the last report
ages and becomes *unknown*. Twenty reports a minute are taken for one address; beyond, and for a wrong
parameter, nothing is stored and the answer (`429`, `400`) says so. An unknown address is `404`. A replaced
address works for another day.
"""
EFFORTS = {"S": "small", "M": "medium", "L": "large"}


def catalogue(probes: Registry) -> str:
    """Return the catalogue as Markdown."""
    parts = [HEAD]
    for kind, title, says in KINDS:
        found = [probe for probe in probes.values() if probe.kind == kind]
        parts.append(f"## {title}\n\n{says}\n\n" + "\n".join(map(entry, found)))
    claims = "\n".join(f"| `{claim}` | {said[0].lower()}{said[1:]} |" for claim, said in PROVES)
    return "\n".join([*parts, PUSHED.format(claims=claims)])


def entry(probe: Probe) -> str:
    """Return one probe's part."""
    criteria = ", ".join(f"`{criterion}`" for criterion in probe.criteria)
    asked = "Intrusive, only where agreed and asked for" if probe.intrusive else by_the_clock(probe)
    return (
        f"### {probe.name}\n\n"
        f"{probe.claim}\n\n"
        f"- Why: {probe.why}\n"
        f"- Fix ({EFFORTS[probe.effort]} effort): {probe.fix}\n"
        f"- {asked}; judges {criteria}\n"
    )


def by_the_clock(probe: Probe) -> str:
    """Return how often a safe probe is asked, in words."""
    return f"Asked {how_often(probe.every)}; safe"


def how_often(every: timedelta) -> str:
    """Return an interval in words: "every 5 minutes", "every hour", "daily"."""
    minutes = int(every.total_seconds() // 60)
    if minutes % 1440 == 0:
        return "daily" if minutes == 1440 else f"every {minutes // 1440} days"
    if minutes % 60 == 0:
        return "every hour" if minutes == 60 else f"every {minutes // 60} hours"
    return f"every {minutes} minutes"

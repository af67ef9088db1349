"""Owns the conditions of the gate: what each requires, what is there, and which objects stand in the way.

Pure: values in, values out. A condition that cannot be computed is unmet: nothing passes by being empty.
The rest of the product imports these names from `tickets.verdict`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tickets.scoring import CategoryResult
from tickets.survey import CommitFacts, Ref, Survey


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds of one environment. Floors are hard, goals soft; coverage is in per cent."""

    name: str = "production"
    overall_floor: Decimal = Decimal("6.5")
    overall_goal: Decimal = Decimal("8.0")
    category_floor: Decimal = Decimal("4.0")
    category_goal: Decimal = Decimal("6.0")
    coverage_floor: int = 60
    coverage_goal: int = 80
    audit_days: int = 90
    allow_ancestors: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the gate. `computed` False: it could not be judged, and is therefore unmet."""

    key: str
    hard: bool
    met: bool
    computed: bool
    title: str
    required: str
    actual: str
    objects: tuple[Ref, ...] = ()


def conditions(seen: Survey, policy: Policy) -> tuple[Condition, ...]:
    """Every condition of the gate, hard ones first, each in the order of the table in `docs/scoring.md`."""
    return _hard(seen, policy) + _soft(seen, policy)


def _hard(seen: Survey, policy: Policy) -> tuple[Condition, ...]:
    measured = seen.overall is not None and seen.coverage is not None
    blockers = seen.blockers
    return (
        _none("no-open-p0", "No open P0 blocker", blockers.open_p0, "open"),
        _overall("overall-floor", seen, policy.overall_floor),
        _categories("category-floor", seen, policy.category_floor),
        _none(
            "p1-planned",
            "Every P1 blocker is closed, waived or planned",
            blockers.unplanned_p1,
            "unplanned",
        ),
        _none("key-ok", "Every key criterion is ok", seen.weak_keys, "not ok", computed=measured),
        _coverage("coverage-floor", seen, policy.coverage_floor),
        _scored(seen),
        _checklist(seen),
        _none(
            "key-contradictions",
            "No contradiction on a key criterion or one linked to a blocker",
            seen.linked_contradictions,
            "disputed",
        ),
        *_commit_allowed(seen.commit, policy),
    )


def _soft(seen: Survey, policy: Policy) -> tuple[Condition, ...]:
    return (
        _none("no-waiver", "No waiver in force", seen.blockers.waived, "in force", hard=False),
        _overall("overall-goal", seen, policy.overall_goal, hard=False),
        _categories("category-goal", seen, policy.category_goal, hard=False),
        _none("p1-closed", "No open P1 blocker", seen.blockers.open_p1, "open", hard=False),
        _none("key-fresh", "No stale evidence on a key criterion", seen.stale_keys, "stale", hard=False),
        _audit(seen, policy),
        _coverage("coverage-goal", seen, policy.coverage_goal, hard=False),
        _none("contradictions", "No contradiction anywhere", seen.contradictions, "disputed", hard=False),
        *_commit_exact(seen.commit),
    )


def _none(
    key: str, title: str, objects: tuple[Ref, ...], word: str, *, hard: bool = True, computed: bool = True
) -> Condition:
    """A condition that is met when nothing stands behind it, and when that could be known at all."""
    met = computed and not objects
    return Condition(key, hard, met, computed, title, f"0 {word}", f"{len(objects)} {word}", objects)


def _overall(key: str, seen: Survey, least: Decimal, *, hard: bool = True) -> Condition:
    score = seen.overall
    met = score is not None and score >= least
    actual = "no score" if score is None else str(score)
    title = f"Overall score at least {least}"
    return Condition(key, hard, met, score is not None, title, f"{least} or more", actual)


def _categories(key: str, seen: Survey, least: Decimal, *, hard: bool = True) -> Condition:
    unscored = [category for category in seen.categories if category.shown is None]
    below = [
        category for category in seen.categories if category.shown is not None and category.shown < least
    ]
    computed = bool(seen.categories) and not unscored
    actual = f"{len(below)} below" + (f", {len(unscored)} without score" if unscored else "")
    return Condition(
        key=key,
        hard=hard,
        met=computed and not below,
        computed=computed,
        title=f"Every category at least {least}",
        required=f"{least} or more each",
        actual=actual if seen.categories else "no categories",
        objects=_scores(below + unscored),
    )


def _coverage(key: str, seen: Survey, percent: int, *, hard: bool = True) -> Condition:
    share = seen.coverage
    met = share is not None and share * 100 >= percent
    # Cut, not rounded: 59.9 % must not read as the 60 % that it is not.
    actual = "nothing to cover" if share is None else f"{share * 100 // 1} %"
    title = f"Evidence covers at least {percent} % of what applies"
    return Condition(key, hard, met, share is not None, title, f"{percent} % or more", actual)


def _scored(seen: Survey) -> Condition:
    unscored = [category for category in seen.categories if category.shown is None]
    computed = bool(seen.categories)
    return Condition(
        key="all-scored",
        hard=True,
        met=computed and not unscored,
        computed=computed,
        title="Every category has a score",
        required="0 without score",
        actual=f"{len(unscored)} without score" if computed else "no categories",
        objects=_scores(unscored),
    )


def _checklist(seen: Survey) -> Condition:
    done = seen.required - len(seen.undone)
    return Condition(
        key="checklist",
        hard=True,
        met=not seen.undone,
        computed=True,
        title="Required pre-deployment checklist is done",
        required=f"{seen.required} of {seen.required}" if seen.required else "none required",
        actual=f"{done} of {seen.required}" if seen.required else "none required",
        objects=seen.undone,
    )


def _audit(seen: Survey, policy: Policy) -> Condition:
    age = seen.audit_age
    computed = age is not None and age >= 0
    return Condition(
        key="audit-recent",
        hard=False,
        met=age is not None and 0 <= age <= policy.audit_days,
        computed=computed,
        title=f"Newest audit is at most {policy.audit_days} days old",
        required=f"{policy.audit_days} days or less",
        actual="no audit"
        if age is None
        else f"{age} day{'' if age == 1 else 's'}"
        if computed
        else "dated in the future",
    )


def _commit_allowed(commit: CommitFacts | None, policy: Policy) -> tuple[Condition, ...]:
    """The hard half of the commit rule. Without an asked commit it stands only where one is required."""
    if commit is None or (commit.asked is None and not commit.required):
        return ()
    behind = _behind(commit)
    met = behind is not None and behind <= policy.allow_ancestors
    return (
        Condition(
            key="commit-allowed",
            hard=True,
            met=met,
            computed=behind is not None,
            title="Evidence belongs to the asked commit or an allowed ancestor",
            required=f"{policy.allow_ancestors} commits behind or fewer",
            actual=_match(commit, behind),
        ),
    )


def _commit_exact(commit: CommitFacts | None) -> tuple[Condition, ...]:
    if commit is None:
        return ()
    behind = _behind(commit)
    return (
        Condition(
            key="commit-exact",
            hard=False,
            met=behind == 0,
            computed=behind is not None,
            title="Evidence belongs to exactly the asked commit",
            required="exact",
            actual=_match(commit, behind),
        ),
    )


def _behind(commit: CommitFacts) -> int | None:
    """How many commits the evidence is behind the asked one: 0 is exact, None is not known."""
    if not commit.asked:
        return None
    if commit.match == "exact":
        return 0
    known = commit.match == "ancestor" and commit.behind is not None and commit.behind > 0
    return commit.behind if known else None


def _match(commit: CommitFacts, behind: int | None) -> str:
    if not commit.asked:
        return "no commit was asked"
    if behind is None:
        return "unknown"
    return f"{behind} behind" if behind else "exact"


def _scores(categories: Iterable[CategoryResult]) -> tuple[Ref, ...]:
    return tuple(
        Ref("category", c.key, f"{c.name} {'no score' if c.shown is None else c.shown}") for c in categories
    )

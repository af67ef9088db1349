"""Owns the burndown chart: open P0 blockers over time against the plan, and the same numbers as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from django.utils.safestring import SafeString

from tickets.svg import Number, Palette, Pen, number, picture

LEFT, RIGHT, TOP, BOTTOM = 28, 372, 30, 174


@dataclass(frozen=True, slots=True)
class Step:
    """How many blockers were open at the end of one day."""

    day: date
    open: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table beside the chart; `open` or `plan` of None: not known for that day."""

    day: date
    open: int | None
    plan: Decimal | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The line that the open blockers should follow: how many were open at first, and when none should be."""

    start: date
    open: int
    target: date

    def at(self, day: date) -> Decimal:
        """Return how many should be open that day; the line is straight and ends at 0."""
        span = (self.target - self.start).days
        if span <= 0 or day >= self.target:
            return Decimal(0)
        gone = max(0, (day - self.start).days)
        return Decimal(self.open) * (span - gone) / span


@dataclass(frozen=True, slots=True)
class Scale:
    """Where days and counts are on the chart's 380 by 210 units."""

    first: date
    last: date
    most: int

    def x(self, day: date) -> Decimal:
        """Return a day's place from the left; on one day only, the left edge."""
        span = (self.last - self.first).days
        gone = Decimal((RIGHT - LEFT) * (day - self.first).days)
        return LEFT + gone / span if span else Decimal(LEFT)

    def y(self, count: Number) -> Decimal:
        """Return a count's place from the top."""
        return BOTTOM - Decimal(BOTTOM - TOP) * Decimal(count) / self.most


def table(steps: Sequence[Step], plan: Plan | None, today: date) -> list[Row]:
    """Return the chart's numbers: a row for each day on which something changed, today, and the target."""
    known = {step.day: step.open for step in steps}
    days = sorted({*known, *([today] if steps else []), *([plan.target] if plan else [])})
    rows: list[Row] = []
    current: int | None = None
    for day in days:
        current = known.get(day, current)
        rows.append(Row(day, current if day <= today else None, planned(plan, day)))
    return rows


def planned(plan: Plan | None, day: date) -> Decimal | None:
    """Return the plan's count for a day, with one decimal; None before it starts or without a plan."""
    if plan is None or day < plan.start:
        return None
    return plan.at(day).quantize(Decimal("0.1"), ROUND_HALF_UP)


def behind(steps: Sequence[Step], plan: Plan | None, today: date) -> int | None:
    """Return how many more are open than planned today (negative: fewer); None without a plan or steps."""
    if plan is None or not steps:
        return None
    return steps[-1].open - int(plan.at(today).to_integral_value(ROUND_HALF_UP))


def burndown(
    steps: Sequence[Step],
    *,
    today: date,
    plan: Plan | None = None,
    label: str = "P0 blockers",
    palette: Palette | None = None,
) -> SafeString:
    """Return open blockers as a stair from the first change to today, and the plan as a dashed line.

    `steps` are oldest first, one a day. Without any, the frame says that there is nothing to show.
    """
    pen = Pen(palette)
    if not steps:
        nothing = pen.write(
            "No blocker was recorded yet", 190, 106, "ink-3", text_anchor="middle", font_size=12
        )
        return picture("chart", 380, 210, f"{label}: none was recorded yet.", nothing)
    scale = scale_of(steps, plan, today)
    parts = [axis(pen, scale)]
    if plan is not None:
        parts.append(plan_line(pen, scale, plan))
    parts += [stair(pen, scale, steps, today), today_mark(pen, scale, steps[-1].open, today)]
    return picture(
        "chart", 380, 210, sentence(steps, plan, today, label), *parts, *date_labels(pen, scale, today)
    )


def scale_of(steps: Sequence[Step], plan: Plan | None, today: date) -> Scale:
    """Return the scale that holds every step, the plan and today."""
    planned_days = [plan.start, plan.target] if plan else []
    days = [steps[0].day, steps[-1].day, today, *planned_days]
    most = max([1, *(step.open for step in steps), *([plan.open] if plan else [])])
    step = stride(most)
    return Scale(min(days), max(days), -(-most // step) * step)


def stride(most: int) -> int:
    """Return the distance of two level lines: 1, 2 or 5 times a power of ten, so that about four fit."""
    unit = 1
    while unit * 20 < most:
        unit *= 10
    return next(step for step in (unit, 2 * unit, 5 * unit) if step * 4 >= most)


def axis(pen: Pen, scale: Scale) -> str:
    """Return at most five level lines with their counts, at round numbers."""
    parts = []
    for level in range(0, scale.most + 1, stride(scale.most)):
        y = scale.y(level)
        parts.append(pen.line((LEFT, y), (RIGHT, y), "line"))
        parts.append(pen.write(str(level), 18, y + 4, "ink-3", text_anchor="end", font_size=12))
    return "".join(parts)


def plan_line(pen: Pen, scale: Scale, plan: Plan) -> str:
    """Return the dashed line from the first count to none at the target."""
    start = scale.x(plan.start), scale.y(plan.open)
    end = scale.x(plan.target), scale.y(0)
    return pen.line(start, end, "mute", stroke_dasharray="4 4", stroke_width=1.5)


def stair(pen: Pen, scale: Scale, steps: Sequence[Step], today: date) -> str:
    """Return the open blockers as a stair: level until a day on which the count changed."""
    corners = [(scale.x(steps[0].day), scale.y(steps[0].open))]
    for before, step in pairwise(steps):
        x = scale.x(step.day)
        corners += [(x, scale.y(before.open)), (x, scale.y(step.open))]
    corners.append((scale.x(max(today, steps[-1].day)), scale.y(steps[-1].open)))
    points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
    return pen.draw("polyline", stroke=tone_of(steps[-1].open), points=points, stroke_width=2.5)


def tone_of(count: int) -> str:
    """Return the colour of the stair: red while anything is open."""
    return "fail" if count else "pass"


def today_mark(pen: Pen, scale: Scale, count: int, today: date) -> str:
    """Return the rule and the dot at today, with its count in words inside the frame."""
    x, y = scale.x(today), scale.y(count)
    rule = pen.line((x, TOP - 10), (x, BOTTOM), "ink-3")
    dot = pen.draw("circle", fill=tone_of(count), cx=x, cy=y, r=5)
    to_the_left = x > 280
    place = {"text_anchor": "end" if to_the_left else "start", "font_size": "12", "font_weight": "600"}
    told = pen.write(
        f"{count} open today", x + (-9 if to_the_left else 9), max(Decimal(14), y - 10), "ink", **place
    )
    return rule + dot + told


def date_labels(pen: Pen, scale: Scale, today: date) -> list[str]:
    """Return the first day, today and the last day under the axis, leaving out what would overlap."""
    labels = [pen.write(short(scale.first), LEFT, 196, "ink-3", font_size=12)]
    if scale.last > scale.first:
        labels.append(pen.write(short(scale.last), RIGHT, 196, "ink-3", text_anchor="end", font_size=12))
    x = scale.x(today)
    if LEFT + 75 < x < RIGHT - 75:
        labels.append(pen.write(short(today), x, 196, "ink-3", text_anchor="middle", font_size=12))
    return labels


def short(day: date) -> str:
    """Return a day as on an axis: 5 Feb."""
    return f"{day.day} {day:%b}"


def sentence(steps: Sequence[Step], plan: Plan | None, today: date, label: str) -> str:
    """Return the chart in words: where it began, where it is, and what the plan expected."""
    said = f"{label} open: {steps[0].open} on {short(steps[0].day)}, {steps[-1].open} today, {short(today)}."
    if plan is None:
        return said
    due = planned(plan, today)
    expected = plan.open if due is None else due
    return f"{said} The plan expected {expected} today and none on {short(plan.target)}."

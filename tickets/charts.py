"""Owns the charts: pure functions from numbers to SVG, the same for the page and for the PDF.

Every chart says its content in one sentence (`<title>`), and tells statuses apart by shape as well as colour.
On the web leave `palette` out; for a PDF pass `palette.light()`.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.utils.safestring import SafeString

from tickets.svg import Number, Palette, Pen, element, number, picture, words
from tickets.tones import Tone

TEN: Final = Decimal(10)
TENTH: Final = Decimal("0.1")
RUN_WORDS: Final[Mapping[Tone, str]] = {
    "pass": "passed",
    "warn": "warned",
    "fail": "failed",
    "info": "running",
    "unk": "without data",
    "mute": "not applicable",
}
# The bars of one run by tone, as (top, height): a full bar, a short one, one broken in two, a stub.
RUN_SHAPES: Final[Mapping[Tone, Sequence[tuple[int, int]]]] = {
    "pass": [(2, 24)],
    "warn": [(10, 16)],
    "fail": [(2, 5), (16, 10)],
    "info": [(18, 8)],
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One category's bar in a strip: its name, its score out of ten (None: no score) and its tone."""

    name: str
    score: Decimal | None
    tone: Tone


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a probe in its history: the tone, and what hovering over it says."""

    tone: Tone
    label: str = ""


def shown(score: Decimal | None) -> str:
    """Return a score as it is printed everywhere: one decimal, half up; a dash when there is none."""
    return "–" if score is None else str(score.quantize(TENTH, ROUND_HALF_UP))


def within_ten(score: Decimal) -> Decimal:
    """Return the score, held between 0 and 10, so that no drawing leaves its frame."""
    return min(TEN, max(Decimal(0), score))


def score_ring(
    score: Decimal | None, *, gate: Decimal | None = None, tone: Tone = "mute", palette: Palette | None = None
) -> SafeString:
    """Return the overall score as a ring, with a tick where the gate is. No score: an open, dashed ring."""
    pen = Pen(palette)
    sentence = "No overall score yet" if score is None else f"Overall score {shown(score)} of 10"
    sentence += "." if gate is None else f"; the gate asks for {shown(gate)}."
    dashes = "3 6" if score is None else ""
    parts = [ring_circle(pen, "track", dashes)]
    if score is not None:
        parts.append(ring_arc(pen, within_ten(score), tone))
    if gate is not None:
        parts.append(ring_tick(pen, within_ten(gate)))
    below = "no score" if score is None else "of 10"
    parts.append(
        pen.write(shown(score), 60, 66, "ink", text_anchor="middle", font_size=34, font_weight="650")
    )
    parts.append(pen.write(below, 60, 83, "ink-3", text_anchor="middle", font_size=12.5, font_weight="500"))
    return picture("ring", 120, 120, sentence, *parts)


def ring_circle(pen: Pen, token: str, dashes: str = "") -> str:
    """Return the whole ring in one colour."""
    return pen.draw("circle", stroke=token, cx=60, cy=60, r=50, stroke_width=11, stroke_dasharray=dashes)


def ring_arc(pen: Pen, score: Decimal, tone: Tone) -> str:
    """Return the arc from twelve o'clock; ten is a circle, as an arc that ends where it began is nothing."""
    if score in {0, TEN}:
        return ring_circle(pen, tone) if score else ""
    angle = 2 * math.pi * float(score) / 10
    x, y = 60 + 50 * math.sin(angle), 60 - 50 * math.cos(angle)
    path = f"M60 10A50 50 0 {int(score > 5)} 1 {number(x)} {number(y)}"
    return pen.draw("path", stroke=tone, d=path, stroke_width=11)


def ring_tick(pen: Pen, gate: Decimal) -> str:
    """Return the short line across the ring at the gate's score."""
    angle = 2 * math.pi * float(gate) / 10
    across, up = math.sin(angle), -math.cos(angle)
    inner, outer = (60 + 42 * across, 60 + 42 * up), (60 + 58 * across, 60 + 58 * up)
    return pen.line(inner, outer, "ink", stroke_width=2.5)


def ten_blocks(
    score: Decimal | None, *, tone: Tone, label: str = "", palette: Palette | None = None
) -> SafeString:
    """Return a bar of ten blocks, the last filled in part: 6.3 is six blocks and three tenths of one.

    `label` names what is scored; without one the bar is decoration beside a number.
    """
    pen = Pen(palette)
    value = Decimal(0) if score is None else within_ten(score)
    blocks = [pen.rect(20 * place, 0, 18, 10, fill="track") for place in range(10)]
    blocks += [
        pen.rect(20 * place, 0, 18 * min(Decimal(1), value - place), 10, fill=tone)
        for place in range(10)
        if value > place
    ]
    said = "no score" if score is None else f"{shown(score)} of 10"
    return picture("blocks", 198, 10, label and f"{label}: {said}.", *blocks, preserveAspectRatio="none")


def category_strip(bars: Sequence[Bar], *, palette: Palette | None = None) -> SafeString:
    """Return one upright bar a category, and all scores as the sentence; no score is an outline."""
    pen = Pen(palette)
    said = ", ".join(f"{bar.name} {'no score' if bar.score is None else shown(bar.score)}" for bar in bars)
    shapes = [strip_bar(pen, 13 * place, bar) for place, bar in enumerate(bars)]
    wide = max(74, 13 * len(bars) - 4)
    return picture("strip", wide, 28, f"{said}." if bars else "No categories.", *shapes)


def strip_bar(pen: Pen, x: int, bar: Bar) -> str:
    """Return one upright bar: its track, and its value from the bottom."""
    if bar.score is None:
        frame = {"x": x + 0.5, "y": 0.5, "width": 8, "height": 27}
        return pen.draw("rect", stroke="mute", stroke_dasharray="2 2", **frame)
    high = within_ten(bar.score) * 28 / 10
    return pen.rect(x, 0, 9, 28, fill="track") + pen.rect(x, 28 - high, 9, high, fill=bar.tone)


def sparkline(
    scores: Sequence[Decimal],
    *,
    gate: Decimal | None = None,
    tone: Tone = "mute",
    palette: Palette | None = None,
) -> SafeString:
    """Return the course of the overall score, oldest first, with the gate as a dotted line.

    One score is a dot and none an empty frame; both say "no history", since a line would pretend one.
    """
    pen = Pen(palette)
    places = spread(scores)
    parts = []
    if gate is not None:
        y = level(gate)
        parts.append(pen.line((0, y), (88, y), "line-strong", stroke_dasharray="2 3"))
    if len(places) > 1:
        points = " ".join(f"{number(x)},{number(y)}" for x, y in places)
        round_ends = {"stroke_linejoin": "round", "stroke_linecap": "round"}
        parts.append(pen.draw("polyline", stroke="ink-2", points=points, stroke_width=1.75, **round_ends))
    if places:
        parts.append(pen.draw("circle", fill=tone, cx=places[-1][0], cy=places[-1][1], r=3))
    return picture("spark", 88, 28, course(scores), *parts)


def level(score: Decimal) -> Decimal:
    """Return the height of a score in a sparkline."""
    return 26 - within_ten(score) * 24 / 10


def spread(scores: Sequence[Decimal]) -> list[tuple[Decimal, Decimal]]:
    """Return the points of a sparkline, evenly apart, the newest at the right edge."""
    gap = Decimal(84) / max(1, len(scores) - 1)
    first = 86 - gap * (len(scores) - 1)
    return [(first + gap * place, level(score)) for place, score in enumerate(scores)]


def course(scores: Sequence[Decimal]) -> str:
    """Return the course of a score in words: first, last, and the change between them."""
    if len(scores) < 2:
        return "No history yet."
    change = (within_ten(scores[-1]) - within_ten(scores[0])).quantize(TENTH, ROUND_HALF_UP)
    went = "unchanged" if change == 0 else f"{'up' if change > 0 else 'down'} {abs(change)}"
    return f"Score from {shown(scores[0])} to {shown(scores[-1])}, {went}."


def history(
    runs: Sequence[Run], *, slots: int = 36, name: str = "", palette: Palette | None = None
) -> SafeString:
    """Return the last runs, newest right: full passed, short warned, broken failed, outline no data."""
    pen = Pen(palette)
    recent = list(runs)[-slots:]
    padded = [Run("unk")] * (slots - len(recent)) + recent
    marks = [run_mark(pen, 8 * place, run) for place, run in enumerate(padded)]
    counts = Counter(run.tone for run in recent)
    told = ", ".join(f"{count} {RUN_WORDS[tone]}" for tone, count in counts.items())
    said = f"last {len(recent)} runs: {told}." if recent else "no runs yet."
    sentence = f"{name}: {said}" if name else said[0].upper() + said[1:]
    return picture("history", 8 * slots - 3, 28, sentence, *marks, preserveAspectRatio="none")


def run_mark(pen: Pen, x: int, run: Run) -> str:
    """Return one run's mark; its shape alone tells how it went."""
    title = [element("title", words(run.label))] if run.label else []
    if run.tone not in RUN_SHAPES:
        frame = {"x": x + 0.5, "y": 12.5, "width": 4, "height": 13, "rx": 1.5}
        return pen.draw("rect", *title, stroke="mute", stroke_dasharray="2 1.5", **frame)
    bars = [pen.rect(x, top, 5, high, fill=run.tone, rx=1.5) for top, high in RUN_SHAPES[run.tone]]
    return element("g", *title, *bars)


def progress_bar(
    value: Number, maximum: Number, *, tone: Tone = "info", label: str = "", palette: Palette | None = None
) -> SafeString:
    """Return a bar filled to value of maximum; a maximum of 0 is an empty bar, not a full one."""
    pen = Pen(palette)
    share = min(1.0, max(0.0, float(value) / float(maximum))) if maximum else 0.0
    parts = [pen.rect(0, 0, 200, 8, fill="track", rx=4)]
    if share:
        parts.append(pen.rect(0, 0, 200 * share, 8, fill=tone, rx=4))
    sentence = label and f"{label}: {number(value)} of {number(maximum)}."
    return picture("bar-chart", 200, 8, sentence, *parts, preserveAspectRatio="none")


def severity_bars(level: int, *, fill: str = "current", palette: Palette | None = None) -> SafeString:
    """Return one to three stepped bars for low, medium and high; the word beside them says the same.

    With a palette name the `fill`, such as fail-t: a PDF has no current colour to take over.
    """
    pen = Pen(palette)
    steps = [(0, 10, 4), (6, 6, 8), (12, 2, 12)]
    bars = [
        pen.rect(x, top, 4, high, fill=fill if place < level else "track", rx=1)
        for place, (x, top, high) in enumerate(steps)
    ]
    return picture("bars", 16, 14, "", *bars)

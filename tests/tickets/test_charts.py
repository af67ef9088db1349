"""Every chart is well-formed, says its numbers in a sentence, escapes names, and survives nothing at all."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from tickets import charts, palette
from tickets.burndown import Plan, Step, behind, burndown, table
from tickets.tones import Tone

SVG = "{http://www.w3.org/2000/svg}"
JAN_29, FEB_5, FEB_19 = date(2026, 1, 29), date(2026, 2, 5), date(2026, 2, 19)
SCORES = st.decimals(-5, 20, places=2)
TONES = st.sampled_from(["pass", "warn", "fail", "unk", "mute", "info"])


def read(svg: str) -> Element:
    """Parse a chart and check what holds for all of them: no style, no script, no variable."""
    for forbidden in ("style=", "<script", "var(", "pathLength", "<use", "NaN", "Infinity"):
        assert forbidden not in svg
    return fromstring(svg)


def title(svg: str) -> str:
    found = read(svg).find(f"{SVG}title")
    return "" if found is None else found.text or ""


def shapes(svg: str, name: str, **attributes: str) -> list[Element]:
    return [e for e in read(svg).iter(f"{SVG}{name}") if all(e.get(k) == v for k, v in attributes.items())]


def test_the_ring_says_score_and_gate_in_its_title() -> None:
    ring = charts.score_ring(Decimal("4.3"), gate=Decimal("6.5"), tone="fail")

    assert title(ring) == "Overall score 4.3 of 10; the gate asks for 6.5."
    assert read(ring).get("role") == "img"
    assert [text.text for text in shapes(ring, "text")] == ["4.3", "of 10"]


def test_a_ring_without_a_score_draws_no_arc_and_no_zero() -> None:
    ring = charts.score_ring(None, gate=Decimal("6.5"))

    assert shapes(ring, "path") == []
    assert "0" not in [text.text for text in shapes(ring, "text")]
    assert title(ring).startswith("No overall score yet")


@pytest.mark.parametrize(("score", "arcs", "circles"), [("0", 0, 1), ("5", 1, 1), ("10", 0, 2), ("12", 0, 2)])
def test_a_full_ring_is_a_circle_and_an_empty_one_only_its_track(score: str, arcs: int, circles: int) -> None:
    ring = charts.score_ring(Decimal(score), tone="pass")

    assert (len(shapes(ring, "path")), len(shapes(ring, "circle"))) == (arcs, circles)


def test_the_arc_goes_the_long_way_round_from_half_on() -> None:
    short, long = (
        charts.score_ring(Decimal("4.9"), tone="warn"),
        charts.score_ring(Decimal("5.1"), tone="warn"),
    )

    assert " 0 0 1 " in (shapes(short, "path")[0].get("d") or "")
    assert " 0 1 1 " in (shapes(long, "path")[0].get("d") or "")


def test_the_last_of_ten_blocks_is_filled_in_part() -> None:
    bar = charts.ten_blocks(Decimal("6.3"), tone="warn", label="Backend Stability")

    widths = [rect.get("width") for rect in shapes(bar, "rect", **{"class": "f-warn"})]
    assert widths == ["18"] * 6 + ["5.4"]
    assert title(bar) == "Backend Stability: 6.3 of 10."


def test_blocks_beside_a_number_are_decoration() -> None:
    bar = read(charts.ten_blocks(Decimal(4), tone="fail"))

    assert bar.get("aria-hidden") == "true"
    assert bar.find(f"{SVG}title") is None


def test_a_category_without_a_score_is_an_outline_and_says_so() -> None:
    strip = charts.category_strip(
        [charts.Bar("Testing", Decimal(2), "fail"), charts.Bar("Documentation", None, "mute")]
    )

    assert title(strip) == "Testing 2.0, Documentation no score."
    assert len(shapes(strip, "rect", **{"stroke-dasharray": "2 2"})) == 1


def test_a_strip_of_no_categories_says_so() -> None:
    assert title(charts.category_strip([])) == "No categories."


@pytest.mark.parametrize("scores", [[], [Decimal("4.3")]])
def test_a_sparkline_of_less_than_two_scores_draws_no_line(scores: list[Decimal]) -> None:
    spark = charts.sparkline(scores, gate=Decimal("6.5"))

    assert shapes(spark, "polyline") == []
    assert len(shapes(spark, "circle")) == len(scores)
    assert title(spark) == "No history yet."


def test_a_sparkline_tells_its_course() -> None:
    spark = charts.sparkline([Decimal("4.3"), Decimal("3.8"), Decimal("5.1")], tone="warn")

    assert title(spark) == "Score from 4.3 to 5.1, up 0.8."
    assert len((shapes(spark, "polyline")[0].get("points") or "").split()) == 3


def test_a_history_pads_on_the_left_and_counts_what_ran() -> None:
    runs = [charts.Run("pass"), charts.Run("fail", "5 Feb 2026, 14:30 UTC: <failing>"), charts.Run("unk")]

    drawn = charts.history(runs, slots=6, name="CORS preflight")

    assert title(drawn) == "CORS preflight: last 3 runs: 1 passed, 1 failed, 1 without data."
    assert len(shapes(drawn, "rect", **{"stroke-dasharray": "2 1.5"})) == 4
    assert "5 Feb 2026, 14:30 UTC: <failing>" in [e.text for e in shapes(drawn, "title")]


def test_statuses_differ_in_shape_and_not_only_in_colour() -> None:
    drawn = {tone: charts.history([charts.Run(tone)], slots=1) for tone in charts.RUN_WORDS}
    outlines = {
        tone: tuple((rect.get("y"), rect.get("height")) for rect in shapes(svg, "rect"))
        for tone, svg in drawn.items()
    }

    assert len({outlines[tone] for tone in ("pass", "warn", "fail", "info", "unk")}) == 5


def test_a_probe_that_never_ran_has_a_history_of_outlines() -> None:
    drawn = charts.history([], slots=4)

    assert title(drawn) == "No runs yet."
    assert len(shapes(drawn, "rect", **{"stroke-dasharray": "2 1.5"})) == 4


def test_only_the_newest_runs_are_drawn() -> None:
    drawn = charts.history([charts.Run("fail")] * 30 + [charts.Run("pass")] * 6, slots=6)

    assert title(drawn) == "Last 6 runs: 6 passed."


@pytest.mark.parametrize(
    ("value", "most", "width"), [(0, 8, None), (5, 8, "125"), (8, 8, "200"), (9, 8, "200"), (0, 0, None)]
)
def test_progress_of_nothing_is_an_empty_bar(value: int, most: int, width: str | None) -> None:
    bar = charts.progress_bar(value, most, label="Running probes")

    assert [rect.get("width") for rect in shapes(bar, "rect", **{"class": "f-info"})] == (
        [width] if width else []
    )


def test_severity_fills_as_many_bars_as_it_has_steps() -> None:
    assert [len(shapes(charts.severity_bars(n), "rect", **{"class": "f-track"})) for n in (1, 2, 3)] == [
        2,
        1,
        0,
    ]


def test_the_burndown_says_start_today_and_plan() -> None:
    plan = Plan(JAN_29, 3, FEB_19)

    chart = burndown([Step(JAN_29, 3)], today=FEB_5, plan=plan)

    assert (
        title(chart)
        == "P0 blockers open: 3 on 29 Jan, 3 today, 5 Feb. The plan expected 2.0 today and none on 19 Feb."
    )
    assert behind([Step(JAN_29, 3)], plan, FEB_5) == 1


def test_a_reopened_blocker_makes_the_stair_go_up_again() -> None:
    steps = [Step(JAN_29, 3), Step(date(2026, 2, 1), 1), Step(date(2026, 2, 3), 2)]

    points = (shapes(burndown(steps, today=FEB_5), "polyline")[0].get("points") or "").split()

    heights = [float(point.split(",")[1]) for point in points]
    assert heights == [30, 30, 126, 126, 78, 78]


def test_the_table_holds_the_same_numbers_as_the_chart() -> None:
    rows = table([Step(JAN_29, 3), Step(date(2026, 2, 3), 2)], Plan(JAN_29, 3, FEB_19), FEB_5)

    assert [(row.day.day, row.open, str(row.plan)) for row in rows] == [
        (29, 3, "3.0"),
        (3, 2, "2.3"),
        (5, 2, "2.0"),
        (19, None, "0.0"),
    ]


def test_a_burndown_without_blockers_says_that_there_is_none() -> None:
    assert title(burndown([], today=FEB_5)) == "P0 blockers: none was recorded yet."
    assert table([], None, FEB_5) == []
    assert behind([], None, FEB_5) is None


def test_a_burndown_of_one_day_stays_inside_its_frame() -> None:
    chart = burndown([Step(FEB_5, 0)], today=FEB_5)

    assert shapes(chart, "circle")[0].get("cx") == "28"
    assert "0 open today" in [text.text for text in shapes(chart, "text")]


@pytest.mark.parametrize(
    "drawn",
    [
        lambda name: charts.ten_blocks(Decimal(3), tone="fail", label=name),
        lambda name: charts.category_strip([charts.Bar(name, Decimal(3), "fail")]),
        lambda name: charts.history([charts.Run("pass", name)], name=name),
        lambda name: charts.progress_bar(1, 2, label=name),
        lambda name: burndown([Step(JAN_29, 1)], today=FEB_5, label=name),
    ],
)
def test_names_are_escaped(drawn: Callable[[str], str]) -> None:
    name = """<script>alert("1")</script> & 'co'"""

    assert name in "".join(read(drawn(name)).itertext())


def test_with_a_palette_colours_are_hex_values_and_without_one_classes() -> None:
    web, paper = (charts.score_ring(Decimal(5), tone="warn", palette=p) for p in (None, palette.light()))

    assert 'class="s-warn"' in web
    assert f'stroke="{palette.light()["warn-s"]}"' in paper
    assert "class=" not in paper.replace('class="ring"', "")


@given(st.lists(SCORES, max_size=40), SCORES, TONES)
def test_no_score_leaves_the_frame(scores: list[Decimal], gate: Decimal, tone: Tone) -> None:
    for score in [*scores[:3], None]:
        read(charts.score_ring(score, gate=gate, tone=tone))
        read(charts.ten_blocks(score, tone=tone))
    for circle in shapes(charts.sparkline(scores, gate=gate, tone=tone), "circle"):
        assert 2 <= float(circle.get("cy") or "-1") <= 26


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(-30, 400))
def test_every_burndown_stays_inside_its_axes(counts: list[int], target: int) -> None:
    steps = [Step(JAN_29 + timedelta(days=i), n) for i, n in enumerate(counts)]
    plan = Plan(JAN_29, counts[0], JAN_29 + timedelta(days=target)) if target >= 0 else None

    chart = burndown(steps, today=steps[-1].day, plan=plan)

    for point in (shapes(chart, "polyline")[0].get("points") or "").split():
        x, y = (float(part) for part in point.split(","))
        assert 28 <= x <= 372
        assert 30 <= y <= 174


@pytest.mark.parametrize(
    ("most", "levels"),
    [
        (1, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (7, ["0", "2", "4", "6", "8"]),
        (67, ["0", "20", "40", "60", "80"]),
    ],
)
def test_the_burndown_counts_in_round_numbers(most: int, levels: list[str]) -> None:
    drawn = burndown([Step(JAN_29, most)], today=FEB_5)

    assert [text.text for text in shapes(drawn, "text", x="18")] == levels

"""The tags say what they draw: statuses, people, times and the sentences of the log."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.template import Context, Template

from tickets.models import Event
from tickets.scoring import Anchor, CategoryResult, Tally
from tickets.templatetags import readiness, record

NOW = datetime(2026, 2, 5, 14, 32, tzinfo=UTC)


def render(source: str, **context: Any) -> str:
    return Template("{% load readiness record %}" + source).render(Context(context))


def test_an_icon_is_decoration_unless_it_is_named() -> None:
    assert 'aria-hidden="true"' in render('{% icon "warn" %}')
    assert 'role="img" aria-label="Not &lt;met&gt;"' in render('{% icon "fail" words %}', words="Not <met>")
    assert "sprite.svg#warn" in render('{% icon "warn" %}')


def test_an_icon_of_a_pdf_is_drawn_in_a_token_colour() -> None:
    drawn = render('{% icon "fail" inline=True ink="fail-t" %}')

    assert "<path" in drawn
    assert 'stroke="#9b1313"' in drawn
    assert "<use" not in drawn


def test_an_unknown_icon_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(KeyError):
        readiness.icon("no-such-icon")


def test_every_tone_has_an_icon() -> None:
    assert {"pass", "warn", "fail", "unk", "mute", "info"} <= set(readiness.symbols())


@pytest.mark.parametrize(
    ("source", "words", "tone"),
    [
        ('{% status "hardcoded" "HARDCODED" %}', "Hardcoded", "warn"),
        ('{% status "ok" %}', "OK", "pass"),
        ('{% status "ok" "OK" stale=True %}', "OK, expired", "unk"),
        ('{% status "unknown" "" stale=True %}', "Unknown", "unk"),
        ('{% verdict "READY" %}', "Ready", "pass"),
        ('{% verdict "READY" expired=True %}', "Evidence expired", "unk"),
        ('{% verdict "" %}', "Not assessed", "mute"),
        ('{% verdict "READY WITH CONDITIONS" %}', "Ready with conditions", "warn"),
    ],
)
def test_a_status_is_tone_icon_and_word(source: str, words: str, tone: str) -> None:
    drawn = render(source)

    assert f"<span>{words}</span>" in drawn
    assert f'class="tag {tone}"' in drawn
    assert f"#{tone}" in drawn


def test_words_of_an_auditor_are_text() -> None:
    assert "<b>" not in render('{% status "risky" word %}', word="<b>Risky</b>")


def test_a_count_of_no_open_blockers_is_plain() -> None:
    assert "prio" not in render('{% prio "P0" 0 %}')
    assert '3<span class="vh"> P0 open</span>' in render('{% prio "P0" 3 %}')


def test_a_severity_is_bars_and_word_and_none_is_a_dash() -> None:
    assert "High</span>" in render('{% severity "high" %}')
    assert "–" in render('{% severity "" %}')
    assert "Terrible" in render('{% severity "" "Terrible" %}')


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1, hours=2), "yesterday"),
        (timedelta(days=9), "9 days ago"),
        (timedelta(days=31), "5 Jan 2026"),
        (-timedelta(minutes=5), "in 5 min"),
        (-timedelta(days=3), "in 3 days"),
    ],
)
def test_a_time_is_near_in_words_and_exact_underneath(gone: timedelta, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        drawn = render("{% ago when %}", when=NOW - gone)

    assert f">{words}</time>" in drawn
    assert f'datetime="{NOW - gone:%Y-%m-%dT%H:%M:%SZ}"' in drawn
    assert "UTC" in drawn


def test_a_day_has_no_hour_and_never_is_a_word() -> None:
    with time_machine.travel(NOW, tick=False):
        assert ">7 days ago</time>" in render("{% ago when %}", when=date(2026, 1, 29))
    assert "never" in render("{% ago when %}", when=None)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(Fraction(1, 6), "+0.17"), (Fraction(0), "±0"), (Fraction(-1, 4), "−0.25"), (Fraction(1, 1000), "±0")],
)
def test_a_gain_has_its_sign(value: Fraction, shown: str) -> None:
    assert readiness.gain(value) == shown


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert readiness.percent(Fraction(999, 1000)) == "99 %"
    assert readiness.percent(None) == "–"


def category(shown: str | None, anchor: Anchor | None, evidence: str | None = None) -> CategoryResult:
    return CategoryResult(
        key="testing", name="Testing", weight=1, derived=None, ceiling=None, coverage=None, anchor=anchor,
        exact=None, shown=None if shown is None else Decimal(shown),
        evidence=None if evidence is None else Decimal(evidence), asks_for_criterion=False, label="partial",
        tally=Tally(),
    )  # fmt: skip


def test_a_score_is_explained_as_it_is_worked_out() -> None:
    anchor = Anchor(Decimal(6), None)

    assert record.explain_score(category("7.3", anchor, "1.3")) == "6.0 auditor + 1.3 evidence = 7.3"
    assert record.explain_score(category("5.5", anchor, "-0.5")) == "6.0 auditor − 0.5 evidence = 5.5"
    assert record.explain_score(category("4.0", None)) == "4.0 from the findings; no auditor scored it"
    assert record.explain_score(category(None, None)) == "no score: nobody scored it and nothing is known"


def told(
    verb: str, *, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None, **more: Any
) -> str:
    event = Event(
        verb=verb, actor="bob", object_label="B-1 <Secrets>", before=before or {}, after=after or {}
    )
    return render("{% event_words event %}", event=event, **more)


@pytest.mark.parametrize(
    ("verb", "before", "after", "says"),
    [
        ("moved", {"state": "open"}, {"state": "fix_ready"}, "from Open to <b>Fix ready</b>"),
        ("assessed", {"score": "6"}, {"score": "7.5"}, "from 6 to <b>7.5</b>"),
        (
            "edited",
            {"due": None},
            {"due": "2026-03-01"},
            "due date: <del>nothing</del> → <ins>2026-03-01</ins>",
        ),
        ("commented", {}, {"text": "<i>Half</i> way"}, "&lt;i&gt;Half&lt;/i&gt; way"),
        (
            "recorded",
            {},
            {"source": "ci:junit", "observations": 1, "changes": []},
            "1 observation from ci:junit",
        ),
        ("ticked", {}, {}, "ticked B-1 &lt;Secrets&gt;"),
        ("edited", {"fix": {"odd": 1}}, {"fix": ["odd"]}, "odd"),
    ],
)
def test_an_event_is_a_sentence(verb: str, before: dict[str, Any], after: dict[str, Any], says: str) -> None:
    assert says in told(verb, before=before, after=after)
    assert "<Secrets>" not in told(verb, before=before, after=after)


def test_a_probe_that_records_for_itself_is_named_once() -> None:
    change = {"subject": "The origins are allowed", "was": "failing", "now": "ok"}
    after = {"source": "probe:cors-production", "observations": 1, "changes": [change]}
    seen = Event(verb="recorded", actor="probe cors-production", after=after)

    said = render("{% event_words event %}", event=seen)

    assert said == "<b>probe cors-production</b> looked: The origins are allowed <b>OK</b>"


def test_the_log_names_people_and_not_their_numbers() -> None:
    said = told("edited", before={"assignee": None}, after={"assignee": 7}, people={7: "Ana Lopes"})

    assert "<ins>Ana Lopes</ins>" in said
    assert "<ins>somebody</ins>" in told("edited", before={}, after={"assignee": 8})


def test_a_person_is_initials_with_a_name_to_hear() -> None:
    ana = SimpleNamespace(initials="AL", __str__=lambda: "Ana")

    assert 'role="img"' in render("{% avatar person %}", person=ana)
    assert 'aria-label="Unassigned"' in render("{% avatar person %}", person=None)
    assert 'aria-label="No owner"' in render('{% avatar person "Owner" %}', person=None)

"""Django's deployment check: every issue is kept, and silence proves nothing until somebody says what ran."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.intake.formats import read_report
from readiness.intake.reading import Context, Outcome, Reading, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "django_check"
CLEAN = "System check identified no issues (0 silenced).\n"
DEBUG = "?: (security.W018) You should not have DEBUG set to True in deployment.\n"
FIELD = "shop.Order.buyer: (fields.E304) Reverse accessor clashes.\n\tHINT: Add a related_name.\n"


def told(text: str, category: str = "deploy") -> Reading:
    return read_report(text.encode(), context=Context(category=category))


def listed(sections: dict[str, str], count: int, silenced: int = 0) -> str:
    body = "\n".join(f"{level}:\n{lines}" for level, lines in sections.items())
    end = f"System check identified {count} issue{'' if count == 1 else 's'} ({silenced} silenced).\n"
    return f"System check identified some issues:\n\n{body}\n{end}"


def test_the_issues_of_a_real_project_are_kept_one_by_one() -> None:
    reading = read_report((SAMPLES / "deploy.txt").read_bytes())

    assert (reading.format, reading.outcome) == ("django_check", Outcome.FAIL)
    assert reading.summary["ids"] == ["security.W004", "security.W008", "security.W012", "security.W016"]
    assert (reading.findings[0].criterion, reading.findings[0].status) == ("cfg.debug-off", Status.PARTIAL)
    assert [problem.rule for problem in reading.problems] == reading.summary["ids"]
    assert (reading.examined[0].scope, reading.examined[0].complete) == ("deploy", True)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (CLEAN, Status.OK),
        ("System check identified no issues (2 silenced).", Status.PARTIAL),
        (listed({"WARNINGS": "?: (security.W004) No HSTS.\n"}, 1), Status.PARTIAL),
        (listed({"WARNINGS": DEBUG}, 1), Status.FAILING),
        (listed({"ERRORS": FIELD}, 1), Status.RISKY),
        (listed({"CRITICALS": "?: (shop.C001) No key.\n", "WARNINGS": DEBUG}, 2), Status.FAILING),
        (f"SystemCheckError: {listed({'ERRORS': FIELD}, 1)}", Status.RISKY),
        (f"\x1b[33;1m{listed({'WARNINGS': DEBUG}, 1)}\x1b[0m", Status.FAILING),
        (CLEAN.replace("\n", "\r\n"), Status.OK),
    ],
)
def test_the_worst_issue_is_the_status(text: str, status: Status) -> None:
    assert told(text).findings[0].status is status


def test_silence_is_no_pass_until_it_is_said_that_the_check_was_for_deployment() -> None:
    reading = told(CLEAN, category="")

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())
    assert "category=deploy" in reading.warnings[0]


def test_an_issue_that_only_the_deployment_check_knows_says_which_check_it_was() -> None:
    assert told(listed({"WARNINGS": DEBUG}, 1), category="").outcome is Outcome.FAIL
    assert told(listed({"ERRORS": FIELD}, 1), category="").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "System check identified some issues:\n\nWARNINGS:\n" + DEBUG,
        listed({"WARNINGS": DEBUG}, 2),
        listed({"WARNINGS": DEBUG + FIELD}, 1),
        CLEAN + CLEAN,
        "Traceback (most recent call last):\nSystem check identified nothing",
    ],
)
def test_what_was_cut_or_joined_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        told(text)


def test_another_category_is_refused() -> None:
    with pytest.raises(Unreadable, match="category=deploy"):
        told(CLEAN, category="unit")


def test_what_was_silenced_closes_no_problem() -> None:
    assert not told(listed({"WARNINGS": DEBUG}, 1, silenced=1)).examined[0].complete


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_report(
            text.encode("utf-8", "replace"), format="django_check", context=Context(category="deploy")
        )
    except Unreadable as refused:
        assert refused.message

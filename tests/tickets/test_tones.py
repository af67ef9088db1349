"""Whatever is not known to be good never looks good."""

from decimal import Decimal

import pytest

from tickets import tones
from tickets.scoring import Status


def test_every_status_has_a_tone_and_only_ok_is_green() -> None:
    assert [status for status in Status if tones.of_status(status) == "pass"] == [Status.OK]
    assert set(tones.STATUS_TONES) == set(tones.STATUS_WORDS) == {status.value for status in Status}


@pytest.mark.parametrize("status", [*Status, "no such status"])
def test_stale_or_foreign_evidence_is_never_green(status: str) -> None:
    assert tones.of_status(status, stale=True) == "unk"
    assert tones.of_status("no such status") == "unk"


@pytest.mark.parametrize(
    ("score", "tone"),
    [("10", "pass"), ("8.0", "pass"), ("7.9", "warn"), ("5.0", "warn"), ("4.9", "fail"), ("0", "fail")],
)
def test_scores_fall_into_the_bands_of_the_rules(score: str, tone: str) -> None:
    assert tones.of_score(Decimal(score)) == tone


def test_no_score_is_neither_zero_nor_green() -> None:
    assert tones.of_score(None) == "mute"
    assert tones.of_score(Decimal(9), stale=True) == "unk"


@pytest.mark.parametrize(
    ("word", "tone"),
    [
        ("READY", "pass"),
        ("READY WITH CONDITIONS", "warn"),
        ("NOT READY", "fail"),
        ("", "mute"),
        ("ALMOST READY", "mute"),
    ],
)
def test_only_the_verdict_ready_is_green(word: str, tone: str) -> None:
    assert tones.of_verdict(word) == tone


@pytest.mark.parametrize(
    ("status", "word", "shown"),
    [
        ("hardcoded", "HARDCODED", "Hardcoded"),
        ("ok", "OK", "OK"),
        ("missing", "", "Missing"),
        ("missing", "NONE", "None"),
        ("risky", "Risky, see notes", "Risky, see notes"),
        ("", "partial", "Partial"),
        ("", "ok", "OK"),
        ("not_configured", "", "Not configured"),
    ],
)
def test_the_auditors_own_word_is_kept_in_sentence_case(status: str, word: str, shown: str) -> None:
    assert tones.word_of(status, word) == shown

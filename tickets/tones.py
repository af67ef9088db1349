"""Owns the tones: which of the five colours and shapes a status, a score or a verdict is shown in.

A tone is one of pass, warn, fail, unk, mute (and info, for work that is running). The word beside it is the
auditor's own; the tone is ours. Whatever is not known to be good is never shown as pass.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal

Tone = Literal["pass", "warn", "fail", "unk", "mute", "info"]

STATUS_TONES: Final[Mapping[str, Tone]] = {
    "ok": "pass",
    "partial": "warn",
    "risky": "warn",
    "untested": "warn",
    "hardcoded": "warn",
    "not_configured": "fail",
    "missing": "fail",
    "failing": "fail",
    "unknown": "unk",
    "not_applicable": "mute",
}
STATUS_WORDS: Final[Mapping[str, str]] = {
    "ok": "OK",
    "partial": "Partial",
    "risky": "Risky",
    "untested": "Untested",
    "hardcoded": "Hardcoded",
    "not_configured": "Not configured",
    "missing": "Missing",
    "failing": "Failing",
    "unknown": "Unknown",
    "not_applicable": "Not applicable",
}
OUTCOME_TONES: Final[Mapping[str, Tone]] = {
    "pass": "pass",
    "warn": "warn",
    "fail": "fail",
    "error": "unk",
    "not_applicable": "mute",
    "not_supported": "mute",
}
VERDICT_TONES: Final[Mapping[str, Tone]] = {
    "READY": "pass",
    "READY WITH CONDITIONS": "warn",
    "NOT READY": "fail",
}
VERDICT_SENTENCES: Final[Mapping[str, str]] = {
    "READY": "Ready. You may deploy.",
    "READY WITH CONDITIONS": "Ready with conditions.",
    "NOT READY": "Not ready. Do not deploy.",
}


def of_status(status: str, *, stale: bool = False) -> Tone:
    """Return the tone of a criterion's status; stale evidence and unknown words are `unk`, never pass."""
    return "unk" if stale else STATUS_TONES.get(status, "unk")


def of_score(score: Decimal | None, *, stale: bool = False) -> Tone:
    """Return the tone of a score out of ten, in the bands of the rules: ok from 8, partial from 5.

    No score is `mute`; a score whose evidence went stale is `unk`.
    """
    if score is None:
        return "mute"
    if stale:
        return "unk"
    if score >= 8:
        return "pass"
    return "warn" if score >= 5 else "fail"


def of_verdict(verdict: str) -> Tone:
    """Return the tone of a verdict's words; anything that is not one of the three is `mute`."""
    return VERDICT_TONES.get(str(verdict).upper().replace("_", " "), "mute")


def word_of(status: str, word: str = "") -> str:
    """Return the auditor's own word in sentence case, or ours when there is none."""
    shown = word.strip()
    if not shown:
        return STATUS_WORDS.get(status, "Unknown")
    if shown.upper() in {"OK", "N/A"}:
        return shown.upper()
    return shown.capitalize() if shown.isupper() else f"{shown[:1].upper()}{shown[1:]}"

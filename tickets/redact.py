"""Owns masking: secrets are taken out of text and JSON before anything is stored or logged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

MASK = "[masked]"
SHORT = 512
"""Characters of a text that is worth remembering."""


@dataclass(frozen=True, slots=True)
class Masked:
    """One secret that was taken out: the 1-based line it stood on and what kind it looked like."""

    line: int
    kind: str


# Vendor formats first: they are certain. Assignments last: they are likely, and keep the name for the reader.
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "private key",
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
            r"[\s\S]{0,8000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"
        ),
    ),
    ("AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b")),
    ("GitLab token", re.compile(r"\bgl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,64}")),
    ("Slack token", re.compile(r"\bxox[abposr]-[A-Za-z0-9-]{10,100}")),
    ("Stripe key", re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,120}")),
    ("Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    ("SendGrid key", re.compile(r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}")),
    ("webhook secret", re.compile(r"\bwhsec_[A-Za-z0-9+/=]{16,120}")),
    ("access token", re.compile(r"\brdy_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{20,80}")),
    ("push address", re.compile(r"\bpsh_[0-9a-f]{8}_[A-Za-z0-9_-]{20,80}")),
    (
        "JSON web token",
        re.compile(r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{5,4000}\.[A-Za-z0-9_-]{0,1000}"),
    ),
    ("password in an address", re.compile(r"(?<=://)[^\s:/@'\"`]{1,100}:[^\s@/'\"`]{1,200}(?=@)")),
    ("bearer token", re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=-]{16,4000}")),
    (
        "assigned secret",
        re.compile(
            r"""(?ix)
            (?P<name>\b[a-z0-9_.-]{0,60}
              (?:secret(?:[_-]?key)?|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|token)
              ["']?\s{0,3}(?:=|:)\s{0,3})
            (?P<quote>["'])(?P<value>[^"'\n]{6,400})(?P=quote)
            """
        ),
    ),
    (
        "assigned secret",
        re.compile(
            r"(?m)(?P<name>^\s{0,8}(?:export )?(?:[A-Z][A-Z0-9_]{0,60})?"
            r"(?:SECRET|SECRET_KEY|PASSWORD|API_KEY|TOKEN)=)"
            r"(?P<quote>)(?P<value>[^\s\"'$<]{6,400})"
        ),
    ),
)
# NUL and lone surrogates are in no text that PostgreSQL keeps.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
PLACEHOLDER = re.compile(
    r"(?i)change.?me|example|placeholder|your[-_ ]|xxx+|\.\.\.|<[^>]+>|\$\{|\bmasked\b|getenv|environ"
)
SECRET_KEYS = re.compile(
    r"(?i)^(?:.*[_-])?(?:password|passwd|secret|secret[_-]?key|api[_-]?key|token|authorization|cookie|set-cookie|private[_-]?key)$"
)


def mask(text: str) -> tuple[str, list[Masked]]:
    """Return the text with every secret replaced by "[masked]", and what was taken out, in order of lines.

    Names and line numbers stay as they are; what no database can keep becomes a replacement character.
    Placeholders such as "change-me" are left alone: they are findings for an auditor, not secrets.
    """
    found: list[Masked] = []
    text = _storable(text)
    for kind, pattern in PATTERNS:
        text = pattern.sub(partial(_cover, kind, found), text)
    return text, sorted(found, key=lambda masked: masked.line)


def _cover(kind: str, found: list[Masked], match: re.Match[str]) -> str:
    groups = match.groupdict()
    value = groups.get("value", match.group())
    if MASK in value or (groups and PLACEHOLDER.search(value)):
        return match.group()
    line = match.string.count("\n", 0, match.start()) + 1
    found.append(Masked(line, kind))
    kept_lines = "\n" * value.count("\n")
    if not groups:
        return MASK + kept_lines
    return f"{groups['name']}{groups['quote']}{MASK}{kept_lines}{groups['quote']}"


def mask_text(text: str) -> str:
    """Return the text with its secrets masked, when nobody needs to be told where they stood."""
    return _mask_again(text) if len(text) <= SHORT else mask(text)[0]


@lru_cache(maxsize=4096)
def _mask_again(text: str) -> str:
    """Mask a short text, and remember: probes and reports say the same sentences again and again."""
    return mask(text)[0]


def mask_json(value: Any) -> Any:
    """Return a JSON-able value with the secrets in its strings masked, and values under a secret's name.

    What no database can keep is replaced in the names as well.
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {
            key: MASK if isinstance(item, str) and item and SECRET_KEYS.match(key) else mask_json(item)
            for key, item in ((_storable(str(key)), item) for key, item in value.items())
        }
    if isinstance(value, list | tuple):
        return [mask_json(item) for item in value]
    return value


def _storable(text: str) -> str:
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)

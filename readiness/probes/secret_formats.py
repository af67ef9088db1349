"""Owns how the secrets of vendors look in text: what certainly is one, what may be, and what only looks it.

The patterns are those of detect-secrets where it has them. Its scanner is not used: that reads files, asks
vendors over the network, and knows nothing of commits.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector

Sure = Callable[[str, str], bool | None]
"""Of a value and the text that it stands in: True certainly a secret, False may be one, None is none."""

# Vendors print these in their documents; they open nothing.
DOCUMENTED = re.compile(
    r"EXAMPLE|Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq|4eC39HqLyjWDarjtT1zdp7dc"
    r"|BQokikJOvBiI2HlWgH4olfQ2|wJalrXUtnFEMI|T00000000|SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
PLACEHOLDER = re.compile(
    r"(?i)change.?me|example|placeholder|your[-_ ]|dummy|fake|sample|redacted|x{4,}|\*{3}|\.{3}"
    r"|<[^>]*>|[{}$]|%[sd(]|(?:0123456789|1234567890|abcdefghij)"
)
LEAST_LETTERS = 6
LEAST_PASSWORD = 8
COMMON = re.compile(
    r"(?i)^(?:passw(?:or)?d|secret|admin|root|user|test|guest|postgres|mysql|redis|minio)\w{0,8}$"
)
# Names that lead to the machine itself, to a neighbour in a compose file, or to nobody.
NOWHERE = re.compile(
    r"(?i)^(?:[a-z0-9_-]*[a-z_-][a-z0-9_-]*|(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+"
    r"|\[[\d:a-f]*\]|.*\.(?:local|localhost|localdomain|test|invalid|example)|host\.docker\.internal"
    r"|(?:.*\.)?(?:example|domain|host|server|site)\.(?:com|org|net))$"
)
SECRET_OF_AWS = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
NEAR = 400
LONG_LINE = 5_000
# A header alone is code that knows keys: a body has to follow, in one line of text or in many.
PRIVATE_KEY = re.compile(
    r"-----(?P<header>BEGIN (?:(?:DSA|EC|OPENSSH|RSA|ENCRYPTED|SSH2 ENCRYPTED) )?PRIVATE KEY"
    r"|BEGIN PGP PRIVATE KEY BLOCK)-----"
    r"(?:\\[nr]|[\s\"'+,;|>]){1,40}(?:[A-Za-z-]{1,30}: [^\n]{0,200}\n\s{0,20}){0,9}[A-Za-z0-9+/=]{40,80}"
)


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of secret: its patterns, a text without which none can be there, and how sure a match is."""

    kind: str
    patterns: tuple[re.Pattern[str], ...]
    hints: tuple[str, ...]
    sure: Sure


@dataclass(frozen=True, slots=True)
class Secret:
    """One value that looks like a secret: its kind, the line it stands on, and digests instead of itself.

    `hashes` are the SHA-1 values under which a baseline of detect-secrets may list it; some of them are of
    a part that many share ("ghp"), so `whole` tells which one is its own.
    """

    kind: str
    line: int
    sha256: str
    certain: bool
    whole: str
    hashes: frozenset[str]


def secrets_in(text: str) -> Iterator[Secret]:
    """Yield what looks like a vendor's secret in a text, each value once a line.

    What stands beyond the first 5,000 letters of a line is not read: nobody typed it.
    """
    text = "\n".join(line[:LONG_LINE] for line in text.split("\n"))
    seen: set[tuple[int, str]] = set()
    for form in FORMATS:
        if any(hint in text for hint in form.hints):
            for pattern in form.patterns:
                for match in pattern.finditer(text):
                    found = judged(form, match, text)
                    if found and (found.line, found.sha256) not in seen:
                        seen.add((found.line, found.sha256))
                        yield found


def judged(form: Format, match: re.Match[str], text: str) -> Secret | None:
    """Return a match as a secret, or None for a placeholder, an example, and what its format rules out."""
    value = match.groupdict().get("value") or match.group()
    if is_placeholder(value):
        return None
    certain = form.sure(value, text[max(0, match.start() - NEAR) : match.end() + NEAR])
    if certain is None:
        return None
    parts = {_sha1(part) for part in (match.group(), *match.groups()) if part}
    return Secret(
        form.kind,
        text.count("\n", 0, match.start()) + 1,
        hashlib.sha256(value.encode()).hexdigest(),
        certain,
        _sha1(value),
        frozenset({_sha1(value), *parts}),
    )


def _sha1(value: str) -> str:
    return hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest()


def is_placeholder(value: str) -> bool:
    """Tell whether a value is a vendor's example, or says itself that it is to be replaced."""
    few = len(set(max(re.split(r"[_.:-]", value), key=len))) < LEAST_LETTERS
    return few or bool(DOCUMENTED.search(value) or PLACEHOLDER.search(value))


def is_random(value: str) -> bool:
    """Tell whether a value mixes letters and digits as what a machine drew does."""
    return len(set(value)) >= LEAST_PASSWORD and bool(
        re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    )


def always(value: str, around: str) -> bool | None:
    """Take every match for a secret: nothing else looks like it."""
    return True


def perhaps(value: str, around: str) -> bool | None:
    """Take a match for a lead: it may be public by design, or only an identifier."""
    return False


def with_its_secret(value: str, around: str) -> bool | None:
    """An access key of AWS is only a name, until its secret stands beside it."""
    return any(is_random(found) and not is_placeholder(found) for found in SECRET_OF_AWS.findall(around))


def if_random(value: str, around: str) -> bool | None:
    """Forty letters may be many things; mixed ones with "aws" and "key" before them are a secret."""
    mixed = re.search(r"[a-z]", value) and re.search(r"[A-Z]", value)
    return True if mixed and is_random(value) else None


def unless_encrypted(value: str, around: str) -> bool | None:
    """A key that needs a passphrase is a lead; without one it opens what it opens."""
    return "ENCRYPTED" not in value


def unless_public(token: str, around: str) -> bool | None:
    """A token with a role for everybody is meant to be seen; one with the service's own opens everything."""
    if not JwtTokenDetector.is_formally_valid(token):
        return None
    payload = token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    role = claims.get("role") if isinstance(claims, dict) else None
    return None if role == "anon" else role == "service_role"


def elsewhere(value: str, around: str) -> bool | None:
    """A password in an address counts where the host is far away and the password not a common word."""
    user, _, rest = value.partition(":")
    password, _, host = rest.rpartition("@")
    if NOWHERE.match(host) or COMMON.match(password) or password.lower() == user.lower():
        return None
    return is_random(password) if len(password) >= LEAST_PASSWORD else None


def _bounded(*patterns: re.Pattern[str]) -> tuple[re.Pattern[str], ...]:
    """Return patterns that match whole words only; inside a longer run of letters they are chance."""
    return tuple(
        re.compile(rf"(?<![A-Za-z0-9_])(?:{one.pattern})(?![A-Za-z0-9])", one.flags) for one in patterns
    )


def _words(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return _bounded(*map(re.compile, patterns))


GITLAB = ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "glcbt-", "glimt-", "glptt-", "glagent-", "gloas-")
FORMATS = (
    Format("private key", (PRIVATE_KEY,), ("PRIVATE KEY",), unless_encrypted),
    Format(
        "AWS access key",
        _bounded(AWSKeyDetector.denylist[0]),
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        with_its_secret,
    ),
    Format(
        "AWS secret key",
        (re.compile(AWSKeyDetector.denylist[1].pattern.replace("([0-9", "(?P<value>[0-9"), re.IGNORECASE),),
        ("aws", "AWS", "Aws"),
        if_random,
    ),
    Format(
        "GitHub token",
        (*_bounded(*GitHubTokenDetector.denylist), *_words(r"github_pat_[A-Za-z0-9_]{60,}")),
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        always,
    ),
    Format("GitLab token", _bounded(*GitLabTokenDetector.denylist), ("GR1348941", *GITLAB), always),
    Format("Slack token", _bounded(*SlackDetector.denylist), ("xox", "hooks.slack.com"), always),
    Format(
        "Stripe key",
        _bounded(re.compile(StripeDetector.denylist[0].pattern + "[0-9a-zA-Z]*")),
        ("k_live_",),
        always,
    ),
    Format("Stripe test key", _words(r"[rs]k_test_[0-9a-zA-Z]{24,}"), ("k_test_",), perhaps),
    Format("webhook secret", _words(r"whsec_[A-Za-z0-9+/=]{24,120}"), ("whsec_",), always),
    # Keys for maps and the like are restricted by address and meant to be in pages.
    Format("Google API key", _words(r"AIza[0-9A-Za-z_-]{35}"), ("AIza",), perhaps),
    Format("Google client secret", _words(r"GOCSPX-[A-Za-z0-9_-]{28}"), ("GOCSPX-",), always),
    Format("Azure storage key", tuple(AzureStorageKeyDetector.denylist), ("AccountKey=",), always),
    Format(
        "npm token",
        (
            re.compile(
                r"//[^\s\"']{1,200}/:_authToken=\s*(?P<value>[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12})"
            ),
            *_words(r"npm_[A-Za-z0-9]{36}"),
        ),
        ("npm_", "_authToken"),
        always,
    ),
    Format("PyPI token", tuple(PypiTokenDetector.denylist), ("pypi-Ag",), always),
    # The account's number (AC…) is no secret; a key's number (SK…) is half of one.
    Format("Twilio key", _words(r"SK[0-9a-f]{32}"), ("SK",), perhaps),
    Format("SendGrid key", _bounded(*SendGridDetector.denylist), ("SG.",), always),
    Format("Mailchimp key", _bounded(*MailchimpDetector.denylist), ("-us",), always),
    Format("Square secret", _bounded(*SquareOAuthDetector.denylist), ("sq0csp-",), always),
    Format("Telegram bot token", _words(r"\d{8,10}:AA[0-9A-Za-z_-]{33}"), (":AA",), always),
    Format(
        "OpenAI key",
        _words(r"sk-[\w-]{0,160}[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20,160}"),
        ("T3BlbkFJ",),
        always,
    ),
    Format("Anthropic key", _words(r"sk-ant-[a-z]{3,6}\d\d-[A-Za-z0-9_-]{80,}"), ("sk-ant-",), always),
    Format(
        "Shopify token",
        _words(r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
        ("shpat_", "shpca_", "shppa_", "shpss_"),
        always,
    ),
    Format("DigitalOcean token", _words(r"do[opr]_v1_[a-f0-9]{64}"), ("_v1_",), always),
    Format("Docker token", _words(r"dckr_pat_[A-Za-z0-9_-]{27,}"), ("dckr_pat_",), always),
    Format(
        "JSON web token",
        _bounded(re.compile(r"eyJ[\w-]{8,2000}\.eyJ[\w-]{5,4000}\.[\w-]{10,1000}")),
        (".eyJ",),
        unless_public,
    ),
    Format(
        "password in an address",
        (re.compile(r"://(?P<value>[\w.%+-]{1,100}:[^\s:/@'\"`<>{}]{1,200}@(?:[\w.-]+|\[[\da-f:]*\]))"),),
        ("://",),
        elsewhere,
    ),
)

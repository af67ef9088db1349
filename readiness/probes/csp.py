"""Owns the reading of content security policies (CSP level 3): which scripts they let run."""

import re
from html import unescape

from readiness.outside.exchange import Exchange

Policy = dict[str, list[str]]

META = re.compile(r"(?is)<meta\s[^>]*http-equiv\s*=\s*[\"']?content-security-policy[\"']?[^>]*>")
CONTENT = re.compile(r"(?is)\scontent\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
TRUSTS_BY_PROOF = re.compile(r"^'(?:nonce-|sha(?:256|384|512)-)")
ANYWHERE = frozenset({"*", "http:", "https:", "data:", "blob:", "ws:", "wss:"})


def parse(text: str) -> Policy:
    """Return the directives of one policy; of a repeated directive the first counts."""
    directives: Policy = {}
    for part in text.split(";"):
        words = part.split()
        if words:
            directives.setdefault(words[0].lower(), words[1:])
    return directives


def policies(answer: Exchange, header: str = "content-security-policy") -> list[Policy]:
    """Return every policy in a header; commas separate policies, and all of them apply."""
    return [parse(text) for text in answer.header(header).split(",") if text.strip()]


def meta_policies(answer: Exchange) -> list[Policy]:
    """Return the policies that a page sets for itself in its head."""
    found = (CONTENT.search(tag) for tag in META.findall(answer.text))
    return [parse(unescape(match[1] or match[2] or "")) for match in found if match]


def script_weakness(policy: Policy) -> str:
    """Return how a policy lets foreign scripts run, or "" when it does not."""
    sources = policy.get("script-src", policy.get("default-src"))
    if sources is None:
        return "it has no script-src and no default-src"
    low = [source.lower() for source in sources]
    by_proof = any(TRUSTS_BY_PROOF.match(source) for source in low)
    # With a nonce or a hash browsers ignore 'unsafe-inline', and with 'strict-dynamic' hosts as well.
    if "'unsafe-inline'" in low and not by_proof:
        return "it allows inline scripts ('unsafe-inline')"
    if "'unsafe-eval'" in low:
        return "it allows eval ('unsafe-eval')"
    wide = sorted(ANYWHERE.intersection(low))
    if wide and not (by_proof and "'strict-dynamic'" in low):
        return f"it allows scripts from anywhere ({wide[0]})"
    return ""

"""Owns the default mapping of an audit's sections to its categories, which a person may change."""

import re
from collections.abc import Mapping, Sequence

# What a word in a heading is about; the first meaning counts that the audit has a category for.
MEANINGS: Mapping[tuple[str, ...], str] = {
    ("frontend",): "frontend client browser ui ux asset assets",
    (
        "backend",
    ): "backend server api apis endpoint endpoints upload uploads storage queue worker workers cache redis",
    ("security", "backend"): (
        "authentication authorization authorisation auth login session sessions permissions token tokens jwt"
    ),
    ("database", "backend"): "database databases db migration migrations data postgresql sqlite",
    ("dependencies",): "dependency dependencies package packages library libraries lockfile",
    ("configuration",): "configuration config settings environment env variable variables secret secrets",
    ("configuration", "security"): "cors",
    ("testing",): "test tests testing qa coverage",
    ("documentation",): "documentation docs doc document documents runbook runbooks guide guides manual",
    ("security",): "security vulnerability vulnerabilities",
    (
        "operations",
    ): "operations infrastructure deployment hosting docker monitoring observability logging alerts",
    ("performance",): "performance load speed",
}
_PREFERENCES = {word: meanings for meanings, words in MEANINGS.items() for word in words.split()}
_WORD = re.compile(r"[a-z]+")


def default_category(titles: Sequence[str], categories: Sequence[str]) -> str | None:
    """The category that a section feeds, of those that the audit has; None when no word decides it.

    `titles` are the section's own title and those of the headings above it, nearest first. What stands in a
    frontend chapter feeds the frontend; else the section's own words decide, and after them the chapter's.
    """
    known = {meaning: name for name in reversed(categories) for meaning in _meanings(name)[:1]}
    for title in titles[1:]:
        if _meanings(title)[:1] == ["frontend"] and "frontend" in known:
            return known["frontend"]
    for title in titles:
        named = next((name for name in categories if set(_words(name)) <= set(_words(title))), None)
        found = named or next((known[meaning] for meaning in _meanings(title) if meaning in known), None)
        if found:
            return found
    return None


def _meanings(title: str) -> list[str]:
    """What a title is about, the most likely first: in English the last noun says what a thing is."""
    found = [meaning for word in reversed(_words(title)) for meaning in _PREFERENCES.get(word, ())]
    return list(dict.fromkeys(found))


def _words(title: str) -> list[str]:
    return _WORD.findall(title.casefold().replace("front-end", "frontend").replace("back-end", "backend"))

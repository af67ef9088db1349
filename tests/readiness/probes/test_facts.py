"""A fact is of one file: found once for each content, the same when recalled, and without any secret."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from readiness.probes.facts import FACTS, Facts, fact
from readiness.probes.registry import PROBES, Probe, discover
from tests.readiness.probes.repositories import SERVICE, in_memory, said

discover()
REPOSITORY = PROBES.of_kind("repository")


@pytest.fixture
def words() -> Iterator[Any]:
    """A fact of the test's own, with a list of the paths that it looked at."""
    looked: list[str] = []

    def count(path: str, content: bytes) -> tuple[int, str]:
        looked.append(path)
        return len(content.split()), path

    registered = fact(count)
    yield registered, looked
    del FACTS[registered.name]


def test_a_file_is_looked_at_once_for_each_content(words: Any) -> None:
    asked, looked = words
    there = in_memory({"a": "one two", "b": "three"})
    assert [there.told(asked, "a"), there.told(asked, "a")] == [[2, "a"], [2, "a"]]
    assert looked == ["a"]

    facts = Facts.unpacked(there.packed_facts())
    later = replace(in_memory({"a": "one two", "b": "three four"}), facts=facts)
    assert [later.told(asked, "a"), later.told(asked, "b")] == [[2, "a"], [2, "b"]]
    assert looked == ["a", "b"]

    changed = replace(in_memory({"a": "one"}), facts=later.facts)
    assert changed.told(asked, "a") == [1, "a"]
    assert looked == ["a", "b", "a"]


def test_the_same_content_at_another_place_is_another_file(words: Any) -> None:
    asked, looked = words
    there = in_memory({"a": "one", "tests/a": "one"})
    assert there.told(asked, "a") != there.told(asked, "tests/a")
    assert looked == ["a", "tests/a"]


def test_what_is_gone_is_not_kept(words: Any) -> None:
    asked, _ = words
    there = in_memory({"a": "one", "b": "two"})
    there.told(asked, "a")
    there.told(asked, "b")

    later = replace(in_memory({"a": "one", "b": "other"}), facts=there.facts)
    assert Facts.unpacked(later.packed_facts()).known.keys() == {"a"}


def test_a_fact_about_no_file_of_the_commit_is_refused(words: Any) -> None:
    with pytest.raises(KeyError):
        in_memory({"a": "1"}).told(words[0], "b")


def test_two_facts_of_one_name_are_refused(words: Any) -> None:
    with pytest.raises(ValueError, match="two facts named"):
        fact(words[0].look)


@pytest.mark.parametrize("probe", REPOSITORY, ids=lambda probe: probe.name)
def test_a_probe_says_the_same_of_facts_that_were_kept(probe: Probe) -> None:
    first = in_memory(SERVICE)
    fresh = said(probe, first)

    assert said(probe, replace(in_memory(SERVICE), facts=Facts.unpacked(first.packed_facts()))) == fresh


@pytest.mark.parametrize("path", sorted(SERVICE))
def test_after_a_change_of_one_file_every_probe_says_what_it_would_say_of_a_new_repository(path: str) -> None:
    known = in_memory(SERVICE)
    for probe in REPOSITORY:
        said(probe, known)
    files = {**SERVICE, path: "import requests\nDEBUG = False\n# Monitoring\nSTRIPE = 1\n"}

    later = replace(in_memory(files), facts=Facts.unpacked(known.packed_facts()))
    for probe in REPOSITORY:
        assert said(probe, later) == said(probe, in_memory(files)), probe.name


def test_no_value_of_a_secret_is_kept() -> None:
    secrets = {
        "app.py": f"SECRET_KEY = 'correct-horse-battery'\nTOKEN = '{'ghp_' + 'aB3d' * 9}'\n",
        "migrations/0001_a.py": "class A(Migration):\n    x = 'postgres://u:s3cr3t-9@db/x', 'Hunter2'\n",
        "server.js": "const secret = process.env.JWT_SECRET || 'battery-staple-9'\n",
        "README.md": "# Set up\n\nUse AKIAQYLPMN5HNM3GRZVP.\n",
        ".env.example": "API_TOKEN=not-for-anybody-7\n",
    }
    there = in_memory({**SERVICE, **secrets})
    for probe in REPOSITORY:
        said(probe, there)

    kept = json.dumps(there.facts.known)
    values = (
        "correct-horse",
        "aB3daB3d",
        "s3cr3t",
        "unter2",
        "battery",
        "AKIAQYLP",
        "not-for-anybody",
        "let-everybody",
    )
    assert [value for value in values if value in kept] == []
    assert len(there.facts.known) > len(SERVICE) / 2

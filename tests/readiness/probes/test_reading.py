"""Stored evidence is laid out for a reader: what was seen and where, what was asked and answered."""

from typing import Any

import pytest

from readiness.outside.exchange import Exchange
from readiness.probes.reading import in_words, seen_in, spoken_in


def finding(evidence: dict[str, Any], status: str = "hardcoded") -> dict[str, Any]:
    return {"findings": [{"criterion": "cfg.secrets-env", "status": status, "evidence": evidence}]}


def test_a_place_in_a_repository_stands_apart_from_the_rest() -> None:
    (seen,) = seen_in(
        finding({"at": "app/settings.py:12", "setting": "SECRET_KEY", "empty": [], "none": None})
    )

    assert (seen.criterion, seen.status, seen.where) == (
        "cfg.secrets-env",
        "hardcoded",
        ("app/settings.py:12",),
    )
    assert seen.facts == (("setting", "SECRET_KEY"),)


def test_of_several_places_each_has_its_own_status_and_sentence() -> None:
    each = [
        {"status": "hardcoded", "detail": "It is fixed.", "at": "a.py:1"},
        {"status": "ok", "detail": "It is read.", "at": "b.py:2"},
    ]

    seen = seen_in(finding({"each": each, "timed_out": True}))

    assert [(one.status, one.detail, one.where) for one in seen] == [
        ("hardcoded", "It is fixed.", ("a.py:1",)),
        ("ok", "It is read.", ("b.py:2",)),
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "text"),
        (3, "3"),
        (True, "yes"),
        (["a", 1], "a\n1"),
        (list(range(33)), "\n".join(map(str, range(30))) + "\nand 3 more"),
        ({"b": 1, "a": "é"}, '{\n  "a": "é",\n  "b": 1\n}'),
        ([{"a": 1}], '[\n  {\n    "a": 1\n  }\n]'),
    ],
)
def test_a_value_is_text(value: Any, words: str) -> None:
    assert in_words(value) == words


def test_an_exchange_reads_as_it_was_spoken_with_its_redirects_first() -> None:
    hop = Exchange("GET", "http://shop.example.com/", 301, (("location", "https://shop.example.com/"),))
    headers = (("set-cookie", "sid=abc; Secure"), ("x-a", "1"), ("x-a", "2"))
    sent = {"Authorization": "Bearer abc", "Accept": "*/*"}
    last = Exchange("GET", "https://shop.example.com/", 200, headers, b"hello", False, sent=sent, hops=(hop,))

    redirect, spoken = spoken_in({"exchanges": [last.evidence]})

    assert (redirect.status, redirect.followed) == (301, True)
    assert spoken.request == "GET https://shop.example.com/\nauthorization: [masked]\naccept: */*"
    assert spoken.response == "200\nset-cookie: sid=[masked]; Secure\nx-a: 1\nx-a: 2"
    assert (spoken.body, spoken.complete, spoken.followed) == ("hello", False, False)


def test_no_evidence_is_nothing_to_read() -> None:
    assert (seen_in({}), spoken_in({})) == ([], [])
    assert seen_in({"findings": [{"criterion": "x", "status": "ok", "evidence": {}}]})[0].facts == ()

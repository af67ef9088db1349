"""What makes two results of a scanner the same problem, and what must not."""

from typing import Any

import pytest

from readiness.intake.places import digest_of, fingerprint_of, path_of, told_apart
from tickets.sightings import Sighting


@pytest.mark.parametrize(
    ("result", "fingerprint"),
    [
        ({"partialFingerprints": {"primaryLocationLineHash": "39fa2ee980eb94b0:1"}}, "39fa2ee980eb94b0:1"),
        ({"fingerprints": {"matchBasedId/v1": "0d1e2f3a4b_0"}}, "0d1e2f3a4b_0"),
        ({"fingerprints": {"anything": "0123456789abcdef"}}, "0123456789abcdef"),
        ({"partialFingerprints": {"contextHash/v2": "0123456789abcdef"}}, "0123456789abcdef"),
        # Semgrep writes the same words into every result of somebody who is not logged in.
        ({"fingerprints": {"matchBasedId/v1": "requires login"}}, ""),
        # Gitleaks puts who wrote the line, and when, where a fingerprint belongs.
        ({"partialFingerprints": {"commitSha": "0123456789abcdef", "email": "ada@example.com"}}, ""),
        ({"fingerprints": [], "partialFingerprints": {"primaryLocationLineHash": 7}}, ""),
        ({}, ""),
    ],
)
def test_only_a_fingerprint_that_is_meant_to_last_is_used(result: dict[str, Any], fingerprint: str) -> None:
    assert fingerprint_of(result).rpartition("=")[2] == fingerprint


@pytest.mark.parametrize(
    ("uri", "base", "path"),
    [
        ("src/app.py", "", "src/app.py"),
        ("./src/app.py", "", "src/app.py"),
        ("src\\app.py", "", "src/app.py"),
        ("src/a%20b.py", "", "src/a b.py"),
        ("file:///home/runner/work/shop/shop/src/app.py", "", "src/app.py"),
        ("file:///github/workspace/src/app.py", "", "src/app.py"),
        ("/builds/team/shop/src/app.py", "", "src/app.py"),
        ("app.py", "backend/", "backend/app.py"),
        ("app.py", "backend", "backend/app.py"),
        ("lib/../src/app.py", "", "src/app.py"),
        ("", "", ""),
    ],
)
def test_a_file_has_one_path_on_every_runner(uri: str, base: str, path: str) -> None:
    assert path_of(uri, base) == path


def test_a_snippet_is_the_same_however_it_is_indented_and_is_not_kept() -> None:
    assert digest_of("  password = 'x'\n") == digest_of("password  =  'x'")
    assert "password" not in digest_of("password = 'x'")


def test_two_results_that_would_be_one_problem_are_numbered() -> None:
    one = Sighting("scan", "rule", "src/app.py")

    assert [each.subject for each in told_apart([one, one, one])] == [
        "src/app.py",
        "src/app.py #2",
        "src/app.py #3",
    ]

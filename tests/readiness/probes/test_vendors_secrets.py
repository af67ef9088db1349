"""Secrets in the formats of vendors: which are certain, which are leads, and what only looks like one."""

import hashlib
import json
import time
from pathlib import Path

import pytest

from readiness.probes.outcomes import NotApplicable
from readiness.probes.repository.secrets_in_code import secrets_in_code
from readiness.probes.secret_formats import secrets_in
from tests.readiness.probes.repositories import look
from tickets.findings import Finding
from tickets.scoring import Status

# Put together here, so that no scanner takes this file for a leak.
LETTERS = "aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0zAcDeFgHiJkLmNoPqRsTuVwXyZ"
HEX = "3f9a1c7e5b2d8064f1e3a5c79b0d2f48"
GITHUB = "ghp" + "_" + LETTERS[:36]
AWS_ID = "AKIA" + "Q4ZT7M2XKW9P3VBN"
AWS_SECRET = "k9Jq2LxZ7vB4nM1c" + "W8rT5yU3iO6pA0sD/fGhJ+Kl"
BODY = "MIIEpAIBAAKCAQEA7bq98" + LETTERS + "\n" + LETTERS
PRIVATE = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{BODY}\n-----END RSA {'PRIVATE'} KEY-----\n"
JWT_HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
SERVICE = f"{JWT_HEAD}.eyJyb2xlIjoic2VydmljZV9yb2xlIiwiaXNzIjoic3VwYSJ9.{LETTERS[:43]}"
ANON = f"{JWT_HEAD}.eyJyb2xlIjoiYW5vbiIsImlzcyI6InN1cGEifQ.{LETTERS[:43]}"
PLAIN = f"{JWT_HEAD}.eyJzdWIiOiJhbGljZSIsImlhdCI6MTd9.{LETTERS[:43]}"

CERTAIN = {
    "private key": PRIVATE,
    "private key in one line": json.dumps({"private_key": PRIVATE.replace("RSA ", "")}),
    "AWS pair": f'KEY = "{AWS_ID}"\nSECRET = "{AWS_SECRET}"\n',
    "AWS secret": f'aws_secret_access_key = "{AWS_SECRET}"\n',
    "GitHub": f'TOKEN = "{GITHUB}"\n',
    "GitHub in an address": f"git clone https://{GITHUB}@github.com/a/b\n",
    "GitHub fine-grained": f"github_{'pat'}_{LETTERS + LETTERS[:26]}",
    "GitLab": f"glpat{'-'}{LETTERS[:20]}",
    "Slack": f"xoxb{'-'}1234{'-'}5678{'-'}{LETTERS[:24].lower()}",
    "Slack webhook": f"https://hooks.slack.com/{'services'}/T0AB1CD2E/B0FG3HI4J/{LETTERS[:24]}",
    "Stripe": f"sk_{'live'}_{LETTERS[:24]}",
    "Google client": f"GOCSPX{'-'}{LETTERS[:28]}",
    "Azure": f"AccountKey={(LETTERS + LETTERS)[:86]}==",
    "npm": f"//registry.example.org/:_authToken=npm{'_'}{LETTERS[:36]}",
    "npm by number": "//npm.corp.net/:_authToken=3f9a1c7e-5b2d-8064-f1e3-a5c79b0d2f48",
    "PyPI": f"pypi{'-'}AgEIcHlwaS5vcmc{LETTERS}{LETTERS[:20]}",
    "SendGrid": f"SG{'.'}{LETTERS[:22]}.{LETTERS[:43]}",
    "Mailchimp": f"{HEX}{'-'}us14",
    "Telegram": f"712345609:{'AA'}{LETTERS[:33]}",
    "OpenAI": f"sk{'-'}{LETTERS[:20]}T3BlbkFJ{LETTERS[:20]}",
    "Shopify": f"shpat{'_'}{HEX}",
    "service role": f'key = "{SERVICE}"',
    "password in an address": "url = 'postgres://app:9fKq2LxZ7v@db.shop.net/app'",
}
LEADS = {
    "AWS name alone": f'KEY = "{AWS_ID}"\n',
    "Google": f"AIza{LETTERS[:35]}",
    "Stripe test": f"sk_{'test'}_{LETTERS[:24]}",
    "Twilio": f"SK{HEX}",
    "JSON web token": PLAIN,
    "encrypted key": PRIVATE.replace("RSA PRIVATE", "ENCRYPTED PRIVATE"),
}
NONE = {
    "AWS example": 'aws_key = "AKIAIOSFODNN7EXAMPLE"\n',
    "AWS example secret": 'aws_secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"\n',
    "a digest after aws": f'aws_key_digest = "{(HEX * 2)[:40]}"\n',
    "crosses": f"ghp_{'x' * 36}\nsk_live_{'0' * 24}\n",
    "header alone": 'if text.startswith("-----BEGIN RSA PRIVATE KEY-----"):\n    return load(text)\n',
    "header and dots": "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
    "public key": f"-----BEGIN PUBLIC KEY-----\n{BODY}\n",
    "public role": f'key = "{ANON}"',
    "no token": f"eyJhbGciOiJIUzI1NiIs.eyJzdWIiOiJhbGljZSIs.{LETTERS}",
    "Twilio account": f"AC{HEX}",
    "publishable": f"pk_live_{LETTERS[:24]}",
    "npm variable": "//registry.npmjs.org/:_authToken=${NPM_TOKEN}",
    "Azure emulator": (
        "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    ),
    "neighbour": "DATABASE_URL=postgres://app:9fKq2LxZ7v@db:5432/app",
    "this machine": "redis://:9fKq2LxZ7v@127.0.0.1:6379 amqp://a:9fKq2LxZ7v@localhost",
    "variables": "postgres://${USER}:${PASSWORD}@db.shop.net postgres://%s:%s@db.shop.net",
    "a common word": "postgres://postgres:postgres@db.shop.net/app mysql://root:password1@db.shop.net",
    "an example host": "https://alice:9fKq2LxZ7v@api.example.com",
    "a port and an at": "https://cdn.shop.net:8080/npm/react@18.2.0",
    "inside a word": f"x{GITHUB}",
}


def found(tmp_path: Path, files: dict[str, str | bytes]) -> Finding:
    (finding,) = look(secrets_in_code, tmp_path, files)
    assert finding.criterion == "sec.secrets-code"
    return finding


@pytest.mark.parametrize("text", CERTAIN.values(), ids=CERTAIN)
def test_a_secret_in_the_format_of_its_vendor_is_certain(text: str) -> None:
    secrets = list(secrets_in(f"# first line\n{text}"))

    assert secrets
    assert any(secret.certain for secret in secrets)
    assert all(secret.line > 1 for secret in secrets)


@pytest.mark.parametrize("text", LEADS.values(), ids=LEADS)
def test_what_may_be_public_or_harmless_is_a_lead(text: str) -> None:
    assert [secret.certain for secret in secrets_in(text)] == [False]


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_examples_and_placeholders_are_no_secrets(text: str) -> None:
    assert list(secrets_in(text)) == []


def test_a_secret_is_found_far_down_and_not_far_to_the_right() -> None:
    far_down = list(secrets_in("x = 1\n" * 2_000 + GITHUB))

    assert [secret.line for secret in far_down] == [2_001]
    assert list(secrets_in("x " * 3_000 + GITHUB)) == []


def test_a_certain_secret_fails_and_only_its_digest_and_place_are_kept(tmp_path: Path) -> None:
    finding = found(tmp_path, {"app/settings.py": f'import os\nTOKEN = "{GITHUB}"\n'})

    assert finding.status == Status.FAILING
    assert "GitHub token (app/settings.py:2)" in finding.detail
    digest = hashlib.sha256(GITHUB.encode()).hexdigest()
    assert finding.evidence["found"] == [
        {"at": "app/settings.py:2", "kind": "GitHub token", "sha256": digest}
    ]
    assert GITHUB not in str(finding)


def test_a_lead_alone_is_a_warning(tmp_path: Path) -> None:
    finding = found(tmp_path, {"src/map.ts": LEADS["Google"]})

    assert finding.status == Status.RISKY
    assert "Google API key (src/map.ts:1)" in finding.detail


@pytest.mark.parametrize(
    "path",
    [
        "tests/conftest.py",
        "src/auth.test.ts",
        "docs/setup.md",
        "README.md",
        "examples/app.py",
        "fixtures/key.json",
        "package-lock.json",
        "static/app.min.js",
        "node_modules/x/index.js",
        "settings.example.py",
        ".env.example",
    ],
)
def test_tests_documents_and_locks_are_listed_apart_and_never_fail(tmp_path: Path, path: str) -> None:
    finding = found(tmp_path, {path: GITHUB, "app.py": ""})

    assert finding.status == Status.OK
    assert "1 in tests, documents and the like are listed apart" in finding.detail
    assert finding.evidence["in_tests_and_documents"][0]["at"] == f"{path}:1"


def test_a_line_that_nobody_typed_is_listed_apart(tmp_path: Path) -> None:
    finding = found(tmp_path, {"static/app.js": f'var t="{GITHUB}";' + "a" * 6000})

    assert finding.status == Status.OK
    assert len(finding.evidence["in_tests_and_documents"]) == 1


@pytest.mark.parametrize("path", ["docker/dev/key.pem", "certs/localhost.key", "config/snakeoil.pem"])
def test_a_key_of_a_developers_machine_is_a_lead(tmp_path: Path, path: str) -> None:
    assert found(tmp_path, {path: PRIVATE}).status == Status.RISKY


def baseline(path: str, value: str, line: int, **more: object) -> str:
    digest = hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest()
    entry = {"hashed_secret": digest, "line_number": line, **more}
    return json.dumps({"version": "1.5.0", "results": {path: [entry]}})


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (baseline("a.py", GITHUB, 9, is_secret=False), Status.OK),
        # detect-secrets keeps the digest of "ghp" alone: it stands for this line, not for the whole file.
        (baseline("a.py", "ghp", 1, is_secret=False), Status.OK),
        (baseline("a.py", "ghp", 9, is_secret=False), Status.FAILING),
        (baseline("a.py", GITHUB, 1, is_secret=True), Status.FAILING),
        (baseline("a.py", GITHUB, 1), Status.FAILING),
        (baseline("b.py", GITHUB, 1, is_secret=False), Status.FAILING),
        ('{"results": {"a.py": [1]}}', Status.FAILING),
        ('{"results": []}', Status.FAILING),
        ("{", Status.FAILING),
    ],
)
def test_a_baseline_is_believed_where_a_person_looked(tmp_path: Path, listed: str, expected: Status) -> None:
    finding = found(tmp_path, {"a.py": GITHUB, ".secrets.baseline": listed})

    assert finding.status == expected
    assert len(finding.evidence["declared_as_none"]) == (expected == Status.OK)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'T = "{GITHUB}"  # pragma: allowlist secret\n', Status.OK),
        (f'# pragma: allowlist nextline secret\nT = "{GITHUB}"\n', Status.OK),
        (f'# pragma: allowlist secret\nT = "{GITHUB}"\n', Status.FAILING),
    ],
)
def test_a_comment_that_allows_a_line_is_honoured(tmp_path: Path, text: str, expected: Status) -> None:
    assert found(tmp_path, {"a.py": text}).status == expected


def test_a_source_file_that_was_not_read_whole_leaves_the_answer_open(tmp_path: Path) -> None:
    finding = found(tmp_path, {"big.py": "x = 1\n" * 200_000, "data.sql": "x\n" * 600_000})

    assert finding.status == Status.PARTIAL
    assert finding.evidence["not_read"] == ["big.py"]


def test_where_there_is_no_text_there_is_nothing_to_search(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable):
        look(secrets_in_code, tmp_path, {"logo.png": b"\x89PNG", "tool": b"\0\1\2"})


@pytest.mark.parametrize(
    "piece", ["//", "://a:b", "sk-", "eyJa.eyJ", "xoxb-1-", "aws key ", "-----BEGIN PRIVATE KEY-----\n A: b"]
)
def test_no_text_can_keep_the_search_busy(piece: str) -> None:
    text = (piece * (300_000 // len(piece))) + " _authToken T3BlbkFJ"
    began = time.process_time()
    list(secrets_in(text))

    assert time.process_time() - began < 2

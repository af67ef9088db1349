"""Text between marks, and hostile text: what looks small must not take a worker's time."""

import time
from pathlib import Path

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.repository.ci import ci
from readiness.probes.repository.imports_declared import imports_declared
from readiness.probes.repository.lock_fresh import lock_fresh
from readiness.probes.repository.lock_present import lock_present
from readiness.probes.repository.migrations_heads import migrations_heads
from readiness.probes.spans import blanked, spans
from tests.readiness.probes.repositories import checkout


def test_what_stands_between_marks_is_blanked_and_lines_stay() -> None:
    assert blanked("a/*b\n*/c/*d*/e/*f", "/*", "*/") == "a\nce/*f"
    assert list(spans("<<>><>", "<", ">")) == [(0, 3), (4, 6)]
    assert blanked("", "/*", "*/") == ""


HALF = 100_000
PRISMA_MIGRATION = "prisma/migrations/20240101000000_a/migration.sql"
HOSTILE = {
    "comments of xml": {"pom.xml": "<!--" * HALF},
    "dependencies": {"pom.xml": "<dependency>" * HALF},
    "comments of javascript": {"package.json": "{}", "a.js": "/*" * HALF},
    "imports without an end": {"package.json": "{}", "a.js": "import a\n" * HALF},
    "exports without an end": {"package.json": "{}", "a.js": "export a\n" * HALF},
    "types": {"package.json": "{}", "a.js": "import {" + " type a" * 5000 + " - } from 'x'\n"},
    "a module of go": {"go.mod": "exclude (\n" * HALF + "\n" * HALF, "go.sum": ""},
    "groups of gems": {"Gemfile": "group :a do\n" * HALF, "Gemfile.lock": "GEM\n" * HALF},
    "spaces": {"Gemfile": "group" + " " * HALF, "Gemfile.lock": "", ".gitlab-ci.yml": "a: b\n" + "\n" * HALF},
    "a lock of yarn": {"package.json": "{}", "yarn.lock": "a:\n" + " " * HALF + "\n" * HALF},
    "models of prisma": {"prisma/schema.prisma": "model a {\n" * HALF, PRISMA_MIGRATION: ""},
    "commands": {".gitlab-ci.yml": "a:\n  script: " + "make " * HALF},
}


@pytest.mark.parametrize("files", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_longer_than_it_is_long(tmp_path: Path, files: dict[str, str]) -> None:
    began = time.process_time()
    with checkout(tmp_path, files) as opened:
        for probe in (ci, imports_declared, lock_fresh, lock_present, migrations_heads):
            try:
                probe(opened)
            except (NotApplicable, NotSupported, CannotTell):
                continue

    assert time.process_time() - began < 8

"""Tests by kind: counted from what they are called and what they use."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from readiness.probes.outcomes import NotSupported
from readiness.probes.repository.kinds_of_tests import kinds_of_tests
from tests.readiness.probes.repositories import look
from tickets.findings import Finding
from tickets.scoring import Status

UNIT = {"tests/test_sum.py": "def test_a():\n    pass\n\n\nasync def test_b():\n    pass\n"}
INTEGRATION = {"tests/test_api.py": "def test_list(client):\n    assert client.get('/').status_code == 200\n"}
E2E = {"e2e/login.spec.ts": "import { test } from '@playwright/test'\n\ntest('signs in', async () => {})\n"}


def found(tmp_path: Path, files: Mapping[str, str]) -> Finding:
    (finding,) = look(kinds_of_tests, tmp_path, files)
    assert finding.criterion == "test.kinds"
    return finding


def test_every_kind_passes(tmp_path: Path) -> None:
    finding = found(tmp_path, UNIT | INTEGRATION | E2E)

    assert finding.status == Status.OK
    assert finding.evidence["tests"] == {"unit": 2, "integration": 1, "e2e": 1}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (UNIT, "no integration tests and no end-to-end tests"),
        (UNIT | INTEGRATION, "no end-to-end tests"),
        (E2E, "no unit tests and no integration tests"),
    ],
)
def test_an_absent_kind_is_named(tmp_path: Path, files: dict[str, str], words: str) -> None:
    finding = found(tmp_path, files)

    assert finding.status == Status.PARTIAL
    assert words in finding.detail


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "def test_nothing(): ...\n"},
        {"tests/test_empty.py": "x = 1\n"},
        {"node_modules/x/a.test.js": "test('x', () => {})\n"},
        {"main.go": "func TestX() {}\n"},
    ],
)
def test_what_is_no_test_does_not_count(tmp_path: Path, files: dict[str, str]) -> None:
    assert found(tmp_path, files).status == Status.MISSING


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "test/app.e2e-spec.ts",
            "import request from 'supertest'\nit('lists', () => {})\n",
            {"integration": 1},
        ),
        ("test/sums.js", "describe('sums', () => {\n  it('adds', () => {})\n})\n", {"unit": 1}),
        ("src/sums_test.ts", "Deno.test('adds', () => {})\n", {"unit": 1}),
        ("src/a.test.ts", "test.each([\n  [1],\n])('adds %d', () => {})\n", {"unit": 1}),
        (
            "e2e/shop.spec.ts",
            "test.describe('shop', () => {\n  test.beforeEach(() => {})\n  test('buys', () => {})\n})\n",
            {"e2e": 1},
        ),
        (
            "tests/shop.robot",
            "*** Settings ***\nLibrary  SeleniumLibrary\n*** Test Cases ***\nBuy\n",
            {"e2e": 1},
        ),
    ],
)
def test_tests_are_told_from_what_only_groups_them(
    tmp_path: Path, path: str, text: str, expected: dict[str, int]
) -> None:
    assert found(tmp_path, {path: text, "app.py": ""}).evidence["tests"] == expected


LANGUAGES = {
    "src/a.test.ts": "it('adds', () => {})\n",
    "pkg/sum_test.go": "func TestSum(t *testing.T) {}\n",
    "src/test/java/SumTest.java": "@Test\nvoid adds() {}\n",
    "spec/sum_spec.rb": "it 'adds' do\nend\n",
    "tests/Unit/SumTest.php": "public function testAdds() {}\n",
    "src/sum.rs": "#[test]\nfn adds() {}\n",
    "SumTests.cs": "[Fact]\npublic void Adds() {}\n",
    "test/sum_test.exs": 'test "adds" do\nend\n',
}


@pytest.mark.parametrize(("path", "text"), LANGUAGES.items(), ids=LANGUAGES)
def test_tests_are_known_in_many_languages(tmp_path: Path, path: str, text: str) -> None:
    assert found(tmp_path, {path: text}).evidence["tests"] == {"unit": 1}


KINDS = {
    "tests/api.rs": ("#[tokio::test]\nasync fn lists() {}\n", "integration"),
    "src/it/java/BookIT.java": ("@Test\nvoid lists() {}\n", "integration"),
    "store/book_test.go": ("//go:build integration\n\nfunc TestBook(t *testing.T) {}\n", "integration"),
    "web/list_test.go": ("func TestList(t *testing.T) { httptest.NewServer(h) }\n", "integration"),
    "tests/Feature/BookTest.php": ("it('lists books', function () {});\n", "integration"),
    "tests/Browser/BookTest.php": ("public function testBuys() {}\n", "e2e"),
    "spec/requests/books_spec.rb": ("it 'lists' do\nend\n", "integration"),
    "spec/system/buys_spec.rb": ("it 'buys' do\nend\n", "e2e"),
    "test/books.integration.test.ts": ("test('lists', () => {})\n", "integration"),
    "src/books.test.ts": ("import request from 'supertest'\nit('lists', () => {})\n", "integration"),
    "cypress/buys.cy.js": ("it('buys', () => {})\n", "e2e"),
}


@pytest.mark.parametrize("path", KINDS)
def test_the_kind_is_known_by_the_conventions_of_each_language(tmp_path: Path, path: str) -> None:
    text, kind = KINDS[path]

    assert found(tmp_path, {path: text}).evidence["tests"] == {kind: 1}


@pytest.mark.parametrize("path", ["locustfile.py", "load/k6-checkout.js", "perf/plan.jmx", "artillery.yml"])
def test_load_tests_are_counted_apart(tmp_path: Path, path: str) -> None:
    assert found(tmp_path, {path: "x", "app.py": ""}).evidence["tests"] == {"load": 1}


def test_a_repository_without_code_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(NotSupported):
        look(kinds_of_tests, tmp_path, {"README.md": "x"})

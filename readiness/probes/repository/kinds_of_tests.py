"""The repository holds unit tests, integration tests and end-to-end tests."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from readiness.probes.checkout import Checkout, is_foreign, text_of
from readiness.probes.facts import fact
from readiness.probes.outcomes import NotSupported
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

# How tests are named in each language, and how one test begins.
LANGUAGES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$|(^|/)tests?\.py$"),
        re.compile(r"(?m)^\s*(?:async )?def test_?\w*"),
    ),
    (
        re.compile(
            r"([.-](test|spec|e2e|cy)\.[mc]?[jt]sx?$)|(_(test|spec)\.[mc]?[jt]sx?$)"
            r"|((^|/)(__tests__|tests?|specs?|e2e|cypress)/.*\.[mc]?[jt]sx?$)"
        ),
        re.compile(
            r"(?m)^\s*(?:(?:it|(?:t\.)?test|Deno\.test|specify)(?:\.(?:only|concurrent|fails|serial))*\(|(?:it|test)\.each\b)"
        ),
    ),
    (re.compile(r"\.robot$"), re.compile(r"(?mi)^\*+ *(?:Test Cases|Tasks)")),
    (re.compile(r"_test\.go$"), re.compile(r"(?m)^func (?:Test|Fuzz)\w+\(")),
    (
        re.compile(r"(Test|Tests|IT|Spec)\.(java|kt|groovy|scala)$|(^|/)Test[A-Z]\w*\.(java|kt)$"),
        re.compile(r"@(?:Test|ParameterizedTest)\b|\bfun `"),
    ),
    (
        re.compile(r"_spec\.rb$|_test\.rb$|(^|/)test_[^/]*\.rb$"),
        re.compile(r"(?m)^\s*(?:(?:it|test|specify|scenario)\b|def test_\w)"),
    ),
    (
        re.compile(r"Test\.php$|(^|/)tests/.*\.php$"),
        re.compile(r"(?im)function\s+test\w*\(|#\[Test\]|@test\b|^\s*(?:it|test)\("),
    ),
    # Unit tests stand beside the code; some projects write theirs with a macro of their own.
    (re.compile(r"\.rs$"), re.compile(r"(?m)#\[(?:\w+::)?test\]|^\s*\w*test!\s*[({]")),
    (re.compile(r"Tests?\.cs$"), re.compile(r"\[(?:Fact|Theory|Test|TestMethod)\b")),
    (re.compile(r"_test\.exs$"), re.compile(r"(?m)^\s*test \"")),
    # Common Test and EUnit of Erlang.
    (
        re.compile(r"_SUITE\.erl$|_tests?\.erl$"),
        re.compile(r"(?m)^(?!init_per|end_per|all\()\w+\((?:_?Config\w*|_)\) *->|^\w+_test_?\(\) *->"),
    ),
)
LOAD_FILES = re.compile(
    r"(?i)(^|/)(locustfile[^/]*\.py|[^/]*\.jmx|artillery[^/]*\.ya?ml|[^/]*(k6|load[-_]?test)[^/]*\.(js|ts|py))$"
)
E2E = re.compile(
    r"\bplaywright\b|\bcypress\b|\bcy\.visit\(|selenium|puppeteer|webdriver|testcafe|\bCapybara\b|SeleniumLibrary|\bnightwatch\b|\bdetox\b",
    re.IGNORECASE,
)
INTEGRATION = re.compile(
    r"TestClient|testcontainers|supertest|APIClient|AsyncClient|\bclient\.(get|post|put|delete)\(|django_db"
    r"|httptest\.|SpringBootTest|MockMvc|WebApplicationFactory|RequestSpec|type: :request|test_client\("
    r"|LiveServerTestCase|chai-http|chai\.request\(|\bapp\.inject\(|mongodb-memory-server|pactum"
    r"|//go:build.*\bintegration\b|dockertest|RefreshDatabase|WebTestCase|ActionDispatch::Inte"
    r"|axum::body|actix_web::test|reqwest::|inject\(\{|request\(app"
)
# Where the languages put them by convention: Laravel's Dusk and Rails' system tests drive a browser.
E2E_FOLDERS = frozenset({"e2e", "end2end", "cypress", "playwright", "browser", "dusk", "system"})
INTEGRATION_FOLDERS = frozenset(
    {"integration", "functional", "acceptance", "api", "requests", "controllers", "feature", "it"}
)
# Maven's Failsafe plug-in, files of Go's kind, and a crate's folder of tests, which sees its interface alone.
INTEGRATION_NAME = re.compile(r"(?i)IT\.(java|kt)$|[._-]integration[._-]|(^|/)tests/[^/]+\.rs$")
SECURITY = re.compile(r"\bschemathesis\b|\bzapv2\b|zaproxy|\bnuclei\b")
TESTS_FOLDER = re.compile(r"tests?|specs?|__tests__|e2e|cypress")
NEEDED = ("unit", "integration", "e2e")
WORDS = {"unit": "unit tests", "integration": "integration tests", "e2e": "end-to-end tests"}


@probe(
    "kinds-of-tests",
    title="Tests of every kind",
    every=timedelta(days=1),
    criteria=("test.kinds",),
    why="Unit tests alone pass while the parts do not fit together.",
    fix="Test the service through its interface with its real database, and the critical flows in a browser.",
    effort="L",
)
def kinds_of_tests(checkout: Checkout) -> list[Finding]:
    """Count tests by kind, from their names and what they use. Whether they pass, a pipeline has to say."""
    if not checkout.files(
        "*.py",
        "*.[jt]s",
        "*.[jt]sx",
        "*.go",
        "*.java",
        "*.kt",
        "*.rb",
        "*.php",
        "*.rs",
        "*.cs",
        "*.exs",
        "*.erl",
    ):
        raise NotSupported("The repository holds no code of a language whose tests are known here.")
    counts: Counter[str] = Counter()
    shown: dict[str, list[str]] = {}
    for path, kind, count in counted(checkout):
        counts[kind] += count
        shown.setdefault(kind, []).append(path)
    evidence = {"tests": dict(counts), "files": {kind: paths[:5] for kind, paths in shown.items()}}
    absent = [WORDS[kind] for kind in NEEDED if not counts[kind]]
    if not counts:
        return [
            Finding(
                "test.kinds", Status.MISSING, "The repository holds no tests that are known here.", evidence
            )
        ]
    if absent:
        held = "1 test" if counts.total() == 1 else f"{counts.total()} tests"
        detail = f"The repository holds {held}, and no {' and no '.join(absent)}."
        return [Finding("test.kinds", Status.PARTIAL, detail, evidence)]
    return [Finding("test.kinds", Status.OK, "The repository holds tests of every kind.", evidence)]


def counted(checkout: Checkout) -> Iterator[tuple[str, str, int]]:
    """Yield each file of tests with its kind and how many it holds."""
    for path in checkout.files():
        if is_foreign(path):
            continue
        if LOAD_FILES.search(path):
            yield path, "load", 1
            continue
        if any(names.search(path) for names, _ in LANGUAGES):
            kind, count = checkout.told(tested, path)
            if count:
                yield path, kind, count


@fact
def tested(path: str, content: bytes) -> tuple[str, int]:
    """Return of which kind the tests of a file are, and how many it holds."""
    text = text_of(content)
    tests = next(begin for names, begin in LANGUAGES if names.search(path))
    return kind_of(path, text), len(tests.findall(text))


def below_tests(folders: list[str]) -> set[str]:
    """Return the folders that sort tests: those from the folder of tests on, or all when there is none."""
    places = [place for place, name in enumerate(folders) if TESTS_FOLDER.fullmatch(name)]
    return set(folders[places[0] :] if places else folders)


def kind_of(path: str, text: str) -> str:
    """Return the kind of a file of tests: what it uses decides, then the folder or the name that it has."""
    folders = below_tests(path.lower().split("/")[:-1])
    if E2E.search(text) or E2E_FOLDERS & folders or path.endswith((".cy.ts", ".cy.js", ".e2e.ts", ".e2e.js")):
        return "e2e"
    if SECURITY.search(text) or "security" in folders:
        return "security"
    if INTEGRATION.search(text) or INTEGRATION_FOLDERS & folders or INTEGRATION_NAME.search(path):
        return "integration"
    return "unit"

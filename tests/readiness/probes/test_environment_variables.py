"""Environment variables: what is read, what is given or written down, and what an example file lacks."""

import re
from pathlib import Path

import pytest

from readiness.probes.outcomes import NotApplicable
from readiness.probes.repository.env_documented import env_documented
from readiness.probes.repository.env_example import env_example
from tests.readiness.probes.repositories import look, statuses
from tickets.scoring import Status

READS = {
    "needed in python": ({"a.py": 'import os\nX = os.environ["ABC"]\n'}, Status.MISSING),
    "asked after": (
        {"a.py": 'import os\nif "ABC" in os.environ:\n    x = os.environ["ABC"]\n'},
        Status.PARTIAL,
    ),
    "caught": (
        {"a.py": 'try:\n    x = os.environ["ABC"]\nexcept KeyError:\n    x = None\n'},
        Status.PARTIAL,
    ),
    "in the scheme of an Env": ({"a.py": 'env = Env(ABC=(str, "x"))\ny = env("ABC")\n'}, Status.PARTIAL),
    "a field by its other name": (
        {"a.py": 'class Settings(BaseSettings):\n    key: str = Field(alias="ABC")\n'},
        Status.MISSING,
    ),
    "a field with a default": (
        {"a.py": 'class Settings(BaseSettings):\n    abc: str = Field(default="x")\n'},
        Status.PARTIAL,
    ),
    "javascript": ({"src/a.ts": "const a = process.env.ABC\n"}, Status.PARTIAL),
    "javascript that throws": (
        {"src/a.ts": "if (!process.env.ABC) { throw new Error('x') }\n"},
        Status.MISSING,
    ),
    "javascript that is sure": ({"src/a.ts": "connect(process.env.ABC!)\n"}, Status.MISSING),
    "nest": ({"src/a.ts": "this.configService.getOrThrow<string>('ABC')\n"}, Status.MISSING),
    "unpacked": ({"src/a.js": "const { ABC, CI } = process.env\n"}, Status.PARTIAL),
    "vite": ({"src/a.vue": "<script>import.meta.env.ABC; import.meta.env.MODE</script>"}, Status.PARTIAL),
    "compose": ({"docker-compose.yml": "services:\n  a:\n    image: x:${ABC}\n"}, Status.PARTIAL),
    "compose that demands": ({"compose.yaml": "x: ${ABC:?set it}\n"}, Status.MISSING),
    "compose that hands on": ({"compose.yaml": "environment:\n  - ABC\n"}, Status.PARTIAL),
}


@pytest.mark.parametrize(("files", "expected"), READS.values(), ids=READS)
def test_a_variable_that_is_read_has_to_be_written_down(
    tmp_path: Path, files: dict[str, str], expected: Status
) -> None:
    (bare,) = look(env_documented, tmp_path, files)
    (written,) = look(env_documented, tmp_path, {**files, "README.md": "Set `ABC`.\n"})

    assert (bare.status, written.status) == (expected, Status.OK)
    assert set(bare.evidence["undocumented"]) == {"ABC"}


@pytest.mark.parametrize(
    "files",
    [
        {"Dockerfile": "FROM x\nENV ABC=1\n"},
        {"docker-compose.yml": "services:\n  a:\n    environment:\n      ABC: postgres://db\n"},
        {"compose.yml": "services:\n  a:\n    environment:\n      - ABC=1\n"},
        {"k8s/app.yaml": "kind: Deployment\n  env:\n    - name: ABC\n      valueFrom: x\n"},
        {"k8s/map.yaml": 'kind: ConfigMap\ndata:\n  ABC: "1"\n'},
    ],
)
def test_what_the_repository_sets_itself_is_written_down(tmp_path: Path, files: dict[str, str]) -> None:
    code = {"a.py": 'import os\nX = os.environ["ABC"]\n'}

    assert statuses(look(env_documented, tmp_path, {**code, **files})) == [Status.OK]


@pytest.mark.parametrize(
    "files",
    [
        {"src/a.ts": "// process.env.ABC\n/* process.env.DEF */ const u = 'https://x'\n"},
        {"src/a.ts": "process.env.NODE_ENV; process.env.VERCEL_URL; import.meta.env.DEV\n"},
        {"src/a.test.ts": "process.env.ABC\n"},
        {"dist/a.js": "process.env.ABC\n"},
        {"compose.yml": "command: echo $$ABC\n# ${DEF}\n"},
        {"a.py": "import os\nos.environ.get('PYTHONSTARTUP'); os.environ['COVERAGE_PROCESS_START']\n"},
        {"a.py": "class Settings(BaseSettings):\n    db: DatabaseSettings\n    _inner: str\n"},
    ],
)
def test_what_is_no_variable_of_the_deployment_needs_no_words(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(env_documented, tmp_path, files)


SETTINGS = 'import os\nDATABASE = os.environ["DATABASE_URL"]\nKEY = env("SIGNING_KEY")\n'
FIELDS = "class Settings(BaseSettings):\n    database_url: PostgresDsn\n    debug: bool = False\n"


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({".env.example": "DATABASE_URL=\n", "app/settings.py": SETTINGS}, {"SIGNING_KEY"}),
        ({".env.example": "# DATABASE_URL=\nSIGNING_KEY=\n", "settings.py": SETTINGS}, set()),
        ({".env.example": "DEBUG=1\n", "config.py": FIELDS + "\nsettings = Settings()\n"}, {"DATABASE_URL"}),
        # Nobody can tell when this class is filled.
        ({".env.example": "DEBUG=1\n", "config.py": FIELDS}, set()),
        ({".env.example": "A=1\n", "a.py": 'def f():\n    return os.environ["B"]\n'}, set()),
        ({".env.example": "A=1\n", "a.py": 'if X:\n    y = os.environ["B"]\n'}, set()),
        ({".env.example": "A=1\n", "a.py": 'y = x or os.environ["B"]\n'}, set()),
        ({".env.example": "A=1\n", "scripts/a.py": 'y = os.environ["B"]\n'}, set()),
        ({".env.example": "A=1\n", "settings/local.py": 'y = os.environ["B"]\n'}, set()),
        ({".env.example": "A=1\n", "a.py": 'y = os.environ["B"]\n', "Dockerfile": "ENV B=1\n"}, set()),
        # Each part has an example of its own; what the top names holds for all.
        ({"web/.env.example": "A=1\n", "api/settings.py": SETTINGS}, set()),
        (
            {
                ".env.example": "DATABASE_URL=\n",
                "api/.env.sample": "A=1\n",
                "api/src/settings.py": SETTINGS,
            },
            {"SIGNING_KEY"},
        ),
    ],
)
def test_an_example_has_to_name_what_certainly_stops_the_start(
    tmp_path: Path, files: dict[str, str], missing: set[str]
) -> None:
    (found,) = look(env_example, tmp_path, files)

    assert found.criterion == "cfg.env-example"
    assert found.status == (Status.MISSING if missing else Status.OK)
    assert set(found.evidence.get("missing", ())) == missing


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"GITHUB_TOKEN=ghp{'_'}aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0zAcDeF", Status.FAILING),
        (f"# old: ghp{'_'}aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0zAcDeF", Status.FAILING),
        ("SECRET_KEY=09d25e094faa6ca2556c818166b7a956", Status.RISKY),
        ("JWT_SECRET=secret", Status.RISKY),
        ("POSTGRES_PASSWORD=postgres", Status.PARTIAL),
        ('MAIL_API_KEY="abc123def456"', Status.PARTIAL),
        ("SECRET_KEY=", Status.OK),
        ("SECRET_KEY=change-me", Status.OK),
        ("SECRET_KEY=<generate one>", Status.OK),
        ("SECRET_KEY=replace_this_with_a_long_value", Status.OK),
        ("JWT_SECRET=your-secret", Status.OK),
        ("DB_PASSWORD=${OTHER}", Status.OK),
        ("STRIPE_KEY=sk_test_xxx", Status.OK),
        ("DATABASE_URL=postgres://app:app@localhost/app", Status.OK),
        ("PASSWORD_MIN_LENGTH=12\nTOKEN_URL=https://x\nSECRET_KEY_ID=abc", Status.OK),
    ],
)
def test_a_value_that_works_as_it_stands_is_a_finding(tmp_path: Path, line: str, expected: Status) -> None:
    (found,) = look(env_example, tmp_path, {".env.example": f"DEBUG=1\n{line}\n"})

    assert found.status == expected
    if expected != Status.OK:
        assert ".env.example:2" in found.detail
        assert re.split("[= ]", line)[-1].strip('"') not in f"{found.detail} {found.evidence}"


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "x"},
        {".env": "A=1\n"},
        {".env.example": "\n"},
        {".env.test.example": "SECRET_KEY=abcdef123456\n"},
        {".env.vault": "DOTENV_VAULT=abc\n"},
        {"examples/.env.example": "SECRET_KEY=abcdef123456\n"},
        {"node_modules/x/.env.example": "SECRET_KEY=abcdef123456\n"},
    ],
)
def test_without_an_example_of_its_own_there_is_nothing_to_judge(
    tmp_path: Path, files: dict[str, str]
) -> None:
    with pytest.raises(NotApplicable):
        look(env_example, tmp_path, files)

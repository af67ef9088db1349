"""Secrets in settings and environment files: what is hardcoded, what is refused, and what is none."""

from pathlib import Path

import pytest

from readiness.probes.outcomes import NotApplicable
from readiness.probes.repository.env_committed import env_committed
from readiness.probes.repository.env_documented import env_documented
from readiness.probes.repository.secret_default import secret_default
from tests.readiness.probes.repositories import look, statuses
from tickets.scoring import Status

HARDCODED = {
    "django": 'SECRET_KEY = "django-insecure-abc"\n',
    "getenv": 'import os\nSECRET_KEY = os.getenv("SECRET_KEY", "change-me")\n',
    "environ.get": 'import os\nJWT_SECRET = os.environ.get("JWT_SECRET", "s3cret")\n',
    "decouple": 'from decouple import config\nSECRET_KEY = config("SECRET_KEY", default="dev")\n',
    "environ.Env": 'SECRET_KEY = env.str("SECRET_KEY", default="dev")\n',
    "pydantic": (
        'class Settings(BaseSettings):\n    SECRET_KEY: str = "your-secret-key-change-in-production"\n'
    ),
    "pydantic field": 'class Settings(BaseSettings):\n    jwt_secret: SecretStr = Field("abc", alias="X")\n',
    "flask": 'class Config:\n    SECRET_KEY = "dev"\n',
    "only an absence is refused": (
        'SECRET_KEY = os.getenv("SECRET_KEY", "dev")\nif not SECRET_KEY:\n    raise ValueError\n'
    ),
    "database": 'POSTGRES_PASSWORD = os.getenv("POSTGRES_PASSWORD", "postgres")\n',
}


@pytest.mark.parametrize("code", HARDCODED.values(), ids=HARDCODED)
def test_a_secret_with_a_default_in_the_code_is_hardcoded(tmp_path: Path, code: str) -> None:
    (found,) = look(secret_default, tmp_path, {"app/config.py": code})

    assert (found.criterion, found.status) == ("cfg.secrets-env", Status.HARDCODED)
    assert "app/config.py:" in found.detail
    for value in ("django-insecure-abc", "change-me", "s3cret", "your-secret-key"):
        assert value not in str(found)


FROM_ENVIRONMENT = {
    "environ": 'import os\nSECRET_KEY = os.environ["SECRET_KEY"]\n',
    "from os import environ": 'SECRET_KEY = environ["SECRET_KEY"]\n',
    "environ.Env": 'SECRET_KEY = env("SECRET_KEY")\n',
    "decouple": 'SECRET_KEY = config("SECRET_KEY", cast=str)\n',
    "refused default": (
        'SECRET_KEY = os.getenv("SECRET_KEY", "dev")\n'
        'if SECRET_KEY == "dev" and not DEBUG:\n    raise RuntimeError("no")\n'
    ),
    "too short": (
        'SECRET_KEY = env.str("SECRET_KEY", default="x")\nif len(SECRET_KEY) < 40:\n    sys.exit(1)\n'
    ),
    "validator": (
        'class Settings(BaseSettings):\n    SECRET_KEY: str = "dev"\n\n    @field_validator("SECRET_KEY")\n'
        '    def strong(cls, value):\n        if value == "dev":\n'
        "            raise ValueError\n        return value\n"
    ),
    "empty is refused": (
        'SECRET_KEY = os.getenv("SECRET_KEY", "")\nif not SECRET_KEY:\n    raise ValueError\n'
    ),
}


@pytest.mark.parametrize("code", FROM_ENVIRONMENT.values(), ids=FROM_ENVIRONMENT)
def test_a_secret_that_has_to_be_given_passes(tmp_path: Path, code: str) -> None:
    assert statuses(look(secret_default, tmp_path, {"settings.py": code})) == [Status.OK]


def test_an_empty_default_of_a_signing_key_is_a_warning(tmp_path: Path) -> None:
    code = 'SECRET_KEY = os.getenv("SECRET_KEY", "")\n'

    assert statuses(look(secret_default, tmp_path, {"settings.py": code})) == [Status.RISKY]


NONE = {
    "nothing": "x = 1\n",
    "names of things": (
        'class Kind(Enum):\n    PASSWORD = "password"\n\nPASSWORD_HASHERS = ["a"]\nSECRET_URL = "x"\n'
    ),
    "a model": 'class Login(BaseModel):\n    password: str = "abc"\n',
    "a form": "password = forms.CharField()\n",
    "its own name": 'PASSWORD = "password"\n',
    "only for developers": 'if DEBUG:\n    SECRET_KEY = "dev"\n',
    "computed": "SECRET_KEY = make_key()\n",
    "an optional password": 'SMTP_PASSWORD = os.getenv("SMTP_PASSWORD", "")\n',
    "broken code": 'SECRET_KEY = "x\n',
}


@pytest.mark.parametrize("code", NONE.values(), ids=NONE)
def test_what_is_no_secret_setting_is_not_accused(tmp_path: Path, code: str) -> None:
    with pytest.raises(NotApplicable):
        look(secret_default, tmp_path, {"app/config.py": code})


@pytest.mark.parametrize(
    "path",
    [
        "tests/settings.py",
        "config/settings/local.py",
        "settings_dev.py",
        "examples/app.py",
        "conftest.py",
        "test_x.py",
    ],
)
def test_settings_of_developers_and_tests_are_left_alone(tmp_path: Path, path: str) -> None:
    with pytest.raises(NotApplicable):
        look(secret_default, tmp_path, {path: 'SECRET_KEY = "abc"\n'})


def test_javascript_with_a_default_is_hardcoded_and_without_one_passes(tmp_path: Path) -> None:
    files = {
        "src/auth.ts": (
            "const key = process.env.JWT_SECRET || 'secret';\nconst other = process.env.SESSION_SECRET;\n"
        ),
        "src/x.js": 'const k = process.env.COOKIE_SECRET ?? "abc"\n',
        "src/y.js": "const p = process.env.PORT || 3000; const t = process.env.TOKEN_URL || 'x'\n",
    }

    assert sorted(statuses(look(secret_default, tmp_path, files))) == [
        Status.HARDCODED,
        Status.HARDCODED,
        Status.OK,
    ]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (".env", "SECRET_KEY=abc123def\n", Status.FAILING),
        ("backend/.env.production", "export DATABASE_URL='postgres://a:b@c/d'\n", Status.FAILING),
        ("prod.env", "STRIPE_API_KEY=sk_live\n", Status.FAILING),
        (".env", "DEBUG=1\nLOG_LEVEL=info\n", Status.RISKY),
        (".env", "SECRET_KEY=change-me\n", Status.RISKY),
        (".env", "SECRET_KEY=\n# PASSWORD=x\n", Status.OK),
        (".env.production", "VITE_API_KEY=pk_123\nVITE_API_URL=https://x\n", Status.OK),
        (".env.example", "SECRET_KEY=abc123def\n", Status.OK),
        (".env.sample", "PASSWORD=x1y2z3\n", Status.OK),
        (".env.test", "SECRET_KEY=abc123def\n", Status.OK),
        ("tests/.env", "SECRET_KEY=abc123def\n", Status.OK),
        ("README.md", "SECRET_KEY=abc123def\n", Status.OK),
    ],
)
def test_a_committed_environment_file_is_judged_by_what_it_holds(
    tmp_path: Path, path: str, text: str, expected: Status
) -> None:
    (found,) = look(env_committed, tmp_path, {path: text})

    assert (found.criterion, found.status) == ("cfg.env-committed", expected)
    assert "abc123def" not in str(found)


USES = 'import os\nA = os.environ["NEEDED_ONE"]\nB = os.getenv("OPTIONAL_ONE", "x")\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".env.example": "NEEDED_ONE=\n# OPTIONAL_ONE=x\n"}, Status.OK),
        ({"docs/deploy.md": "| `NEEDED_ONE` | and `OPTIONAL_ONE` |"}, Status.OK),
        ({".env.example": "NEEDED_ONE=\n"}, Status.PARTIAL),
        ({".env.example": "OPTIONAL_ONE=\n"}, Status.MISSING),
        ({}, Status.MISSING),
        ({"node_modules/x/README.md": "NEEDED_ONE OPTIONAL_ONE"}, Status.MISSING),
    ],
)
def test_variables_are_held_against_examples_and_documents(
    tmp_path: Path, files: dict[str, str], expected: Status
) -> None:
    (found,) = look(env_documented, tmp_path, {"app.py": USES, **files})

    assert (found.criterion, found.status) == ("cfg.env-documented", expected)


def test_fields_of_a_settings_class_are_variables(tmp_path: Path) -> None:
    code = (
        'class Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix="APP_")\n'
        "    database_url: str\n    debug: bool = False\n    _inner: int = 3\n"
    )
    (found,) = look(env_documented, tmp_path, {"config.py": code, ".env.example": "APP_DEBUG=\n"})

    assert found.status == Status.MISSING
    assert found.evidence["undocumented"] == {"APP_DATABASE_URL": "config.py:3"}


def test_javascript_reads_are_told_as_possibly_optional(tmp_path: Path) -> None:
    code = (
        "const a = process.env.API_BASE; const b = import.meta.env.VITE_KEY; const c = process.env.NODE_ENV\n"
    )
    (found,) = look(env_documented, tmp_path, {"src/a.ts": code})

    assert found.status == Status.PARTIAL
    assert set(found.evidence["undocumented"]) == {"API_BASE", "VITE_KEY"}


def test_code_that_reads_nothing_has_nothing_to_document(tmp_path: Path) -> None:
    code = (
        'value = config.get("name")\nother = mapping["KEY"]\n'
        'size = environ.get("CONTENT_LENGTH")\nimport os\nhome = os.environ["HOME"]\n'
    )
    with pytest.raises(NotApplicable):
        look(env_documented, tmp_path, {"app.py": code})

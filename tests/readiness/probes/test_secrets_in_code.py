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
    "or": 'SECRET_KEY = os.environ.get("SECRET_KEY") or "dev"\n',
    "if there": 'SECRET_KEY = environ["SECRET_KEY"] if "SECRET_KEY" in environ else "dev"\n',
    "a request is refused": (
        'SECRET_KEY = os.getenv("SECRET_KEY", "dev")\n\n\ndef view(token):\n'
        "    if token != SECRET_KEY:\n        raise HTTPException(401)\n"
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


UNCHECKED = {
    "environ": 'import os\nSECRET_KEY = os.environ["SECRET_KEY"]\n',
    "from os import environ": 'SECRET_KEY = environ["SECRET_KEY"]\n',
    "getenv": 'import os\nJWT_SECRET = os.getenv("JWT_SECRET")\n',
    "environ.Env": 'SECRET_KEY = env("SECRET_KEY")\n',
    "decouple": 'SECRET_KEY = config("SECRET_KEY", cast=str)\n',
    "only an absence is refused": (
        'SECRET_KEY = os.environ.get("SECRET_KEY")\nif not SECRET_KEY:\n    raise ValueError\n'
    ),
    "pydantic": "class Settings(BaseSettings):\n    secret_key: SecretStr\n",
    "pydantic field": 'class Settings(BaseSettings):\n    secret_key: str = Field(..., alias="KEY")\n',
    "a short length": "class Settings(BaseSettings):\n    secret_key: str = Field(min_length=1)\n",
    "a check that cannot be followed": (
        'SECRET_KEY = os.environ["SECRET_KEY"]\ncheck_strength(SECRET_KEY)\n'
    ),
    "a default that a check may refuse": 'SECRET_KEY = env("SECRET_KEY", "x")\nvalidate(SECRET_KEY)\n',
}


@pytest.mark.parametrize("code", UNCHECKED.values(), ids=UNCHECKED)
def test_a_secret_whose_strength_nobody_checks_holds_in_part(tmp_path: Path, code: str) -> None:
    assert statuses(look(secret_default, tmp_path, {"settings.py": code})) == [Status.PARTIAL]


FROM_ENVIRONMENT = {
    "a password, which its server checks": 'DB_PASSWORD = os.environ["DB_PASSWORD"]\n',
    "issued by somebody else": 'STRIPE_SECRET_KEY = os.environ["STRIPE_SECRET_KEY"]\n',
    "least length": "class Settings(BaseSettings):\n    secret_key: str = Field(min_length=32)\n",
    "annotated length": (
        "class Settings(BaseSettings):\n    secret_key: Annotated[str, Field(min_length=32)]\n"
    ),
    "assertion": 'SECRET_KEY = env("SECRET_KEY")\nassert len(SECRET_KEY) > 31\n',
    "a function that refuses": (
        "def check(key):\n    if len(key) < 32:\n        raise ValueError\n\n\n"
        'SECRET_KEY = env("SECRET_KEY", default="dev")\ncheck(SECRET_KEY)\n'
    ),
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
    "random where nothing is set": 'SECRET_KEY = os.environ.get("SECRET_KEY") or token_hex(32)\n',
    "a development class": 'class DevelopmentConfig(Config):\n    SECRET_KEY = "dev"\n',
    "a class for tests": 'class TestSettings(BaseSettings):\n    SECRET_KEY: str = "dev"\n',
    "an enumeration of settings": 'class ConfigKey(StrEnum):\n    PASSWORD = "db-password"\n',
    "a pattern": 'SECRET = r"[a-z]+\\w"\n',
    "a route": 'RESET_PASSWORD = "reset-password"\n',
    "a message": 'WRONG_PASSWORD = "That is wrong."\nPASSWORD = "A password is needed."\n',
    "developers only": 'SECRET_KEY = "dev" if DEBUG else os.environ["SECRET_KEY"]\n',
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


def test_a_default_that_is_refused_where_it_is_used_passes(tmp_path: Path) -> None:
    files = {
        "app/config.py": 'class Settings(BaseSettings):\n    secret_key: str = "dev"\n',
        "app/main.py": 'if settings.secret_key == "dev":\n    raise RuntimeError("Set a secret key.")\n',
    }

    assert statuses(look(secret_default, tmp_path, files)) == [Status.OK]


def test_a_secret_that_production_sets_anew_is_judged_there(tmp_path: Path) -> None:
    files = {
        "config/settings/base.py": 'SECRET_KEY = "dev"\n',
        "config/settings/production.py": 'SECRET_KEY = os.getenv("SECRET_KEY", "prod")\n',
    }
    (found,) = look(secret_default, tmp_path, files)

    assert found.status == Status.HARDCODED
    assert "production.py" in found.detail


def test_djangos_check_for_deployments_counts_where_a_warning_stops_it(tmp_path: Path) -> None:
    settings = {"settings.py": 'SECRET_KEY = os.environ["SECRET_KEY"]\n'}
    run = "python manage.py check --deploy --fail-level WARNING\n"
    (strict,) = look(secret_default, tmp_path / "strict", {**settings, "entrypoint.sh": run})
    (loose,) = look(secret_default, tmp_path / "loose", {**settings, "entrypoint.sh": "check --deploy"})

    assert (strict.status, loose.status) == (Status.OK, Status.PARTIAL)


JAVASCRIPT = {
    "or": ("const key = process.env.JWT_SECRET || 'secret';\n", [Status.HARDCODED]),
    "nullish": ('const k = process.env.COOKIE_SECRET ?? "abc"\n', [Status.HARDCODED]),
    "unpacked": ("const { JWT_SECRET = 'secret' } = process.env\n", [Status.HARDCODED]),
    "nest": ("secret: this.configService.get('JWT_SECRET', 'secret')\n", [Status.HARDCODED]),
    "nest or": ("secret: config.get<string>('JWT_SECRET') || 'secret'\n", [Status.HARDCODED]),
    "cast": ("key = (process.env.JWT_SECRET as string) || 'x'\n", [Status.HARDCODED]),
    "indexed": ("key = process.env['DB_PASSWORD'] || 'postgres'\n", [Status.HARDCODED]),
    "only for developers": (
        "key = process.env.NODE_ENV === 'production'\n  ? process.env.JWT_SECRET : 'x'\n",
        [Status.PARTIAL],
    ),
    "perhaps for developers": ("if (isDev) {\n  key = process.env.JWT_SECRET || 'x'\n}\n", [Status.PARTIAL]),
    "a secret that calls itself one for development": (
        "import { isDevMode } from './mode'\nconst k = process.env.JWT_SECRET || 'development-secret'\n",
        [Status.HARDCODED],
    ),
    "no default": ("const key = process.env.JWT_SECRET;\n", [Status.PARTIAL]),
    "an empty default": ("const key = process.env.JWT_SECRET || '';\n", [Status.PARTIAL]),
    "absence throws": (
        "if (!process.env.JWT_SECRET) throw new Error('x')\nkey = process.env.JWT_SECRET\n",
        [Status.PARTIAL],
    ),
    "read twice": ("a(process.env.JWT_SECRET); b(process.env.JWT_SECRET)\n", [Status.PARTIAL]),
    "weakness throws": (
        "const key = process.env.JWT_SECRET || 'dev'\n"
        "if (process.env.JWT_SECRET.length < 32) {\n  throw new Error('weak')\n}\n",
        [Status.OK],
    ),
    "schema": (
        "z.object({ JWT_SECRET: z.string().trim().min(32) })\nkey = process.env.JWT_SECRET\n",
        [Status.OK],
    ),
    "joi": (
        "Joi.object({ JWT_SECRET: Joi.string().min(32) })\nkey = config.get('JWT_SECRET')\n",
        [Status.OK],
    ),
    "a password": ("const p = process.env.DB_PASSWORD\n", [Status.OK]),
    "commented out": (
        "// key = process.env.JWT_SECRET || 'x'\n/* process.env.JWT_SECRET */ p = process.env.DB_PASSWORD\n",
        [Status.OK],
    ),
}


@pytest.mark.parametrize(("code", "expected"), JAVASCRIPT.values(), ids=JAVASCRIPT)
def test_javascript_is_accused_of_literal_defaults_only(
    tmp_path: Path, code: str, expected: list[Status]
) -> None:
    assert statuses(look(secret_default, tmp_path, {"src/auth.ts": code})) == expected


def test_a_schema_in_another_file_refuses_a_weak_secret(tmp_path: Path) -> None:
    files = {
        "src/auth.ts": "key = this.configService.getOrThrow('JWT_SECRET')\n",
        "src/validation.ts": "Joi.object({ JWT_SECRET: Joi.string().min(32).required() })\n",
    }

    assert statuses(look(secret_default, tmp_path, files)) == [Status.OK]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("src/y.js", "const p = process.env.PORT || 3000; const t = process.env.TOKEN_URL || 'x'\n"),
        ("src/auth.test.ts", "process.env.JWT_SECRET || 'x'\n"),
        ("config/development.js", "process.env.JWT_SECRET || 'x'\n"),
        ("dist/main.js", "process.env.JWT_SECRET || 'x'\n"),
        ("public/app.js", "process.env.JWT_SECRET || 'x';" + "a" * 6000),
        ("public/app.min.js", "process.env.JWT_SECRET || 'x'\n"),
    ],
)
def test_javascript_of_tests_tools_and_developers_is_left_alone(tmp_path: Path, path: str, code: str) -> None:
    with pytest.raises(NotApplicable):
        look(secret_default, tmp_path, {path: code})


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
        'os.environ["GIVEN_HERE"] = "x"\n'
    )
    with pytest.raises(NotApplicable):
        look(env_documented, tmp_path, {"app.py": code})

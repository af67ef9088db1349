"""Fresh locks, databases and guides, as repositories hold them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.repository.database_pool import database_pool
from readiness.probes.repository.docs_by_content import docs_by_content
from readiness.probes.repository.lock_fresh import lock_fresh
from tests.readiness.probes.repositories import look, statuses
from tickets.scoring import Status

PYPROJECT = (
    '[project]\nname = "app"\n'
    'dependencies = ["Django>=5,<6", "some_thing", "pywin32; sys_platform == \'win32\'"]\n'
)


def uv(django: str = "5.2.1", *others: str) -> str:
    names = {"django": django, "some-thing": "1.0", **dict.fromkeys(others, "1.0")}
    return "version = 1\n" + "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in names.items()
    )


PACKAGE = json.dumps({"dependencies": {"react": "^18.2.0"}, "devDependencies": {"vite": "5"}})


def npm(**dependencies: str) -> str:
    root = {"dependencies": dependencies, "devDependencies": {"vite": "5"}}
    return json.dumps({"lockfileVersion": 3, "packages": {"": root}})


GO = (
    "module app\n\ngo 1.22\n\nrequire (\n\tgithub.com/a/b v1.2.3\n"
    "\tgithub.com/c/d v0.1.0 // indirect\n)\n\nrequire github.com/e/f v2.0.0\n"
)
SUM = "".join(
    f"{module} h1:x=\n{module}/go.mod h1:y=\n"
    for module in ("github.com/a/b v1.2.3", "github.com/c/d v0.1.0", "github.com/e/f v2.0.0")
)
PIPFILE = '[packages]\nFlask = "*"\npywin32 = {version = "*", markers = "os_name == 1"}\n'
CRATE = '[package]\nname = "app"\n[dependencies]\nserde = "1"\nrt = { package = "tokio", version = "1" }\n'


def composer(content_hash: str) -> dict[str, str]:
    manifest = {"require": {"a/b": "^1"}, "extra": {}, "description": "é"}
    lock = {"content-hash": content_hash, "packages": [{"name": "a/b"}]}
    return {"composer.json": json.dumps(manifest), "composer.lock": json.dumps(lock)}


def pnpm(react: str) -> str:
    return (
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n"
        f"      react: {{specifier: {react}, version: 18.2.0}}\n"
        "    devDependencies:\n      vite: {specifier: '5', version: 5.0.0}\n"
    )


def bun(react: str) -> str:
    asked = {"dependencies": {"react": react}, "devDependencies": {"vite": "5"}}
    return json.dumps({"workspaces": {"": asked}}).replace("}", ",}")


def crates(*names: str) -> str:
    return "".join(f'[[package]]\nname = "{name}"\nversion = "1.0.0"\n' for name in ("app", *names))


LOCKS: Mapping[str, tuple[dict[str, str], Status]] = {
    "uv": ({"pyproject.toml": PYPROJECT, "uv.lock": uv()}, Status.OK),
    "poetry": (
        {
            "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\nDjango = "^5"\n',
            "poetry.lock": uv(),
        },
        Status.OK,
    ),
    "uv without a package": (
        {"pyproject.toml": PYPROJECT.replace("some_thing", "new-thing"), "uv.lock": uv()},
        Status.FAILING,
    ),
    "uv with another version": ({"pyproject.toml": PYPROJECT, "uv.lock": uv("4.2.1")}, Status.FAILING),
    "npm": ({"package.json": PACKAGE, "package-lock.json": npm(react="^18.2.0")}, Status.OK),
    "npm with another range": (
        {"package.json": PACKAGE, "package-lock.json": npm(react="^17.0.0")},
        Status.FAILING,
    ),
    "npm without a package": ({"package.json": PACKAGE, "package-lock.json": npm()}, Status.FAILING),
    "yarn": (
        {
            "package.json": PACKAGE,
            "yarn.lock": 'react@^18.2.0:\n  version "18.3.1"\n\nvite@5:\n  version "5.0.0"\n',
        },
        Status.OK,
    ),
    "yarn berry": (
        {
            "package.json": PACKAGE,
            "yarn.lock": '"react@npm:^18.2.0":\n  version: 18.3.1\n\n"vite@npm:5":\n  version: 5\n',
        },
        Status.OK,
    ),
    "yarn without a range": ({"package.json": PACKAGE, "yarn.lock": "react@^17.0.0:\n"}, Status.FAILING),
    "go": ({"go.mod": GO, "go.sum": SUM}, Status.OK),
    "go without a module": (
        {"go.mod": GO, "go.sum": SUM.replace("github.com/a/b v1.2.3", "github.com/a/b v1.2.2")},
        Status.FAILING,
    ),
    "go replaced": (
        {"go.mod": GO + "\nreplace github.com/a/b => ../b\n", "go.sum": SUM.replace("a/b", "x/y")},
        Status.OK,
    ),
    "composer": (
        {
            "composer.json": '{"require": {"php": "8", "a/b": "1"}}',
            "composer.lock": '{"packages": [{"name": "a/b"}]}',
        },
        Status.OK,
    ),
    "composer that stands in": (
        {
            "composer.json": '{"require": {"a/b": "1"}}',
            "composer.lock": '{"packages": [{"name": "c/d", "replace": {"a/b": "*"}}]}',
        },
        Status.OK,
    ),
    "composer with its sum": (composer("6cc511b50bab6d1df44435c7e057ed23"), Status.OK),
    "composer with another sum": (composer("0" * 32), Status.RISKY),
    "pipenv": ({"Pipfile": PIPFILE, "Pipfile.lock": '{"default": {"flask": {}}, "develop": {}}'}, Status.OK),
    "pipenv without": ({"Pipfile": PIPFILE, "Pipfile.lock": '{"default": {}}'}, Status.FAILING),
    "compiled": ({"requirements.in": "flask>=3\n", "requirements.txt": "flask==3.0.1\n"}, Status.OK),
    "compiled before": (
        {"requirements.in": "flask>=3\n", "requirements.txt": "flask==2.0\n"},
        Status.FAILING,
    ),
    "pnpm": ({"package.json": PACKAGE, "pnpm-lock.yaml": pnpm("^18.2.0")}, Status.OK),
    "pnpm with another range": ({"package.json": PACKAGE, "pnpm-lock.yaml": pnpm("^17.0.0")}, Status.FAILING),
    "pnpm overridden": (
        {"package.json": PACKAGE, "pnpm-lock.yaml": pnpm("19") + "overrides: {react: '19'}\n"},
        Status.OK,
    ),
    "pnpm 5": (
        {
            "package.json": PACKAGE,
            "pnpm-lock.yaml": (
                "specifiers: {react: ^18.2.0, vite: '5'}\ndependencies: {react: 18.2.0}\n"
                "devDependencies: {vite: 5.0.0}\n"
            ),
        },
        Status.OK,
    ),
    "bun": ({"package.json": PACKAGE, "bun.lock": bun("^18.2.0")}, Status.OK),
    "bun with another range": ({"package.json": PACKAGE, "bun.lock": bun("^17.0.0")}, Status.FAILING),
    "cargo": ({"Cargo.toml": CRATE, "Cargo.lock": crates("serde", "tokio")}, Status.OK),
    "cargo without": ({"Cargo.toml": CRATE, "Cargo.lock": crates("serde")}, Status.FAILING),
    "bundler": ({"Gemfile": 'gem "rails"\n', "Gemfile.lock": "DEPENDENCIES\n  rails (~> 7)\n"}, Status.OK),
    "bundler without": (
        {"Gemfile": "gem 'rails'\ngem 'pg'\n", "Gemfile.lock": "DEPENDENCIES\n  rails\n"},
        Status.FAILING,
    ),
    "composer without": (
        {"composer.json": '{"require": {"a/b": "1"}}', "composer.lock": '{"packages": []}'},
        Status.FAILING,
    ),
}


@pytest.mark.parametrize(("files", "expected"), LOCKS.values(), ids=LOCKS)
def test_a_lock_has_to_hold_what_its_manifest_asks_for(
    tmp_path: Path, files: dict[str, str], expected: Status
) -> None:
    (found,) = look(lock_fresh, tmp_path, files)

    assert (found.criterion, found.status) == ("dep.lock-fresh", expected)


@pytest.mark.parametrize(
    "files",
    [
        {"package.json": PACKAGE, "bun.lockb": "binary"},
        {"build.gradle": "", "gradle.lockfile": "empty=\n"},
        {"package.json": PACKAGE, "package-lock.json": '{"lockfileVersion": 1, "dependencies": {}}'},
        {"package.json": '{"resolutions": {}, "dependencies": {"a": "1"}}', "yarn.lock": ""},
    ],
)
def test_a_pair_that_cannot_be_compared_is_not_judged(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotSupported):
        look(lock_fresh, tmp_path, files)


@pytest.mark.parametrize("files", [{"pyproject.toml": PYPROJECT}, {"flake.lock": "{}"}, {"README.md": "x"}])
def test_without_a_lock_there_is_nothing_to_compare(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(lock_fresh, tmp_path, files)


def test_every_member_of_a_workspace_is_compared(tmp_path: Path) -> None:
    files = {
        "package.json": '{"workspaces": ["web"]}',
        "web/package.json": PACKAGE,
        "package-lock.json": json.dumps({"packages": {"": {}, "web": {"dependencies": {"react": "^17"}}}}),
    }
    found = {one.evidence["manifest"]: one.status for one in look(lock_fresh, tmp_path, files)}

    assert found == {"package.json": Status.OK, "web/package.json": Status.FAILING}


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("uv without a package", "pyproject.toml:3:"),
        ("yarn without a range", "package.json:1:"),
        ("go without a module", "go.mod:6:"),
        ("cargo without", "Cargo.toml:5:"),
    ],
)
def test_a_lock_that_does_not_fit_is_told_with_the_line_of_the_manifest(
    tmp_path: Path, name: str, where: str
) -> None:
    (found,) = look(lock_fresh, tmp_path, LOCKS[name][0])

    assert where in found.detail


def test_a_sum_that_differs_is_a_doubt_and_no_proof(tmp_path: Path) -> None:
    (found,) = look(lock_fresh, tmp_path, LOCKS["composer with another sum"][0])

    assert "was changed after composer.lock was written" in found.detail


def test_a_broken_lock_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(CannotTell):
        look(lock_fresh, tmp_path, {"pyproject.toml": PYPROJECT, "uv.lock": "{{{"})


POOLED = "engine = create_async_engine(settings.database_url, pool_size=10)\n"
DATABASES: Mapping[str, tuple[dict[str, str], list[Status]]] = {
    "django on sqlite": (
        {"settings.py": 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}}\n'},
        [Status.HARDCODED, Status.NOT_CONFIGURED],
    ),
    "django on a server in code": (
        {"settings.py": 'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}\n'},
        [Status.HARDCODED, Status.NOT_CONFIGURED],
    ),
    "django from the environment": (
        {
            "settings.py": (
                'DATABASES = {"default": env.db("DATABASE_URL")}\nDATABASES["default"]["CONN_MAX_AGE"] = 60\n'
            )
        },
        [Status.OK, Status.OK],
    ),
    "django without a pool": (
        {"settings.py": 'DATABASES = {"default": dj_database_url.config()}\n'},
        [Status.PARTIAL, Status.NOT_CONFIGURED],
    ),
    "django with a pool of nothing": (
        {"settings.py": 'DATABASES = {"default": {**env.db("DATABASE_URL"), "CONN_MAX_AGE": 0}}\n'},
        [Status.PARTIAL, Status.NOT_CONFIGURED],
    ),
    "django with psycopg's pool": (
        {"settings.py": 'DATABASES = {"default": {**env.db("DATABASE_URL"), "OPTIONS": {"pool": True}}}\n'},
        [Status.OK, Status.OK],
    ),
    "the word pool": (
        {"settings.py": 'DATABASES = {"default": env.db("DATABASE_URL")}\nLABELS = {"pool": "a pool"}\n'},
        [Status.PARTIAL, Status.NOT_CONFIGURED],
    ),
    "sqlalchemy on sqlite": (
        {"app/db.py": 'engine = create_engine("sqlite:///./app.db")\n'},
        [Status.HARDCODED, Status.NOT_CONFIGURED],
    ),
    "pydantic with a pool": (
        {
            "app/config.py": 'class Settings(BaseSettings):\n    DATABASE_URL: str = "sqlite:///x"\n',
            "app/db.py": POOLED,
        },
        [Status.OK, Status.OK],
    ),
    "a pool of the engine's own size": (
        {"app/db.py": 'url = os.environ["X"]\nDATABASE_URL = os.environ["X"]\nengine = create_engine(url)\n'},
        [Status.OK, Status.PARTIAL],
    ),
    "an engine without a pool": (
        {"app/db.py": 'DATABASE_URL = os.environ["X"]\nengine = create_engine(url, poolclass=NullPool)\n'},
        [Status.PARTIAL, Status.NOT_CONFIGURED],
    ),
    "a pooler beside it": (
        {
            "settings.py": 'DATABASES = {"default": env.db("DATABASE_URL")}\n',
            "compose.yml": "services:\n  pool:\n    image: edoburu/pgbouncer:1.23\n",
        },
        [Status.OK, Status.OK],
    ),
    "a file of configuration": (
        {
            "settings.py": (
                "DATABASES = {'default': {'ENGINE': 'django.db.backends.' + kind,"
                " 'HOST': config.get('database', 'host'), 'NAME': 'db.sqlite3', 'CONN_MAX_AGE': 60}}\n"
            )
        },
        [Status.OK, Status.OK],
    ),
    "laid over by a file": (
        {
            "app/default.py": 'SQLALCHEMY_DATABASE_URI = "sqlite:///app.db"\n',
            "app/app.py": "app.config.from_pyfile(path)\ndb = SQLAlchemy()\n",
        },
        [Status.PARTIAL, Status.PARTIAL],
    ),
    "laid over by a module": (
        {"app/config.py": 'DATABASE_URL = "sqlite:///app.db"\nfrom shop_config import *\n'},
        [Status.PARTIAL, Status.NOT_CONFIGURED],
    ),
    "node": ({"src/db.ts": "new Pool({ connectionString: process.env.DATABASE_URL })\n"}, [Status.OK]),
    "typeorm": ({"src/db.ts": "({ type: 'postgres', host: config.get('DB_HOST') })\n"}, [Status.OK]),
    "typeorm in nest": (
        {"src/db.ts": "(c: ConfigService) => ({ type: 'postgres', url: c.getOrThrow('DATABASE_URL') })\n"},
        [Status.OK],
    ),
    "typeorm on sqlite": (
        {"src/db.ts": "new DataSource({ type: 'sqlite', database: 'x' })\n"},
        [Status.PARTIAL],
    ),
    "python and node": (
        {
            "src/db.ts": "new DataSource({ type: 'sqlite', database: 'x' })\n",
            "app/db.py": 'engine = create_engine("sqlite:///./app.db")\n',
        },
        [Status.HARDCODED, Status.NOT_CONFIGURED],
    ),
    "prisma": (
        {"prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n  url = env("X")\n}\n'},
        [Status.OK],
    ),
    "prisma on sqlite": (
        {"schema.prisma": 'datasource db {\n  provider = "sqlite"\n}\n'},
        [Status.HARDCODED],
    ),
}


@pytest.mark.parametrize(("files", "expected"), DATABASES.values(), ids=DATABASES)
def test_production_needs_a_database_server_and_a_pool(
    tmp_path: Path, files: dict[str, str], expected: list[Status]
) -> None:
    found = look(database_pool, tmp_path, files)

    assert [finding.criterion for finding in found] == ["cfg.prod-db", "cfg.pool"][: len(found)]
    assert statuses(found) == expected


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "x = 1\n"},
        {"settings/local.py": 'DATABASE_URL = "sqlite:///x"\n'},
        {"tests/db.py": 'create_engine("sqlite://")\n'},
        {"app.py": "engine = create_engine(url)\n"},
        {"src/db.ts": "const dev = NODE_ENV !== 'production'\nnew DataSource({ type: 'sqlite' })\n"},
        {"src/db.ts": "new DataSource({ type: 'postgres', host: 'localhost' })\n"},
        {"src/db.test.ts": "new DataSource({ type: 'sqlite' })\n"},
    ],
)
def test_where_no_database_is_configured_nothing_is_claimed(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(database_pool, tmp_path, files)


LONG = "word " * 160
GUIDE = (
    f"# The shop\n\n{LONG}\n\n## Deploy to production\n\n{LONG}\n\n"
    f"```sh\nmake release\n```\n\n## Troubleshooting\n\nTurn it off.\n"
)


def guides(tmp_path: Path, files: dict[str, str]) -> dict[str, Status]:
    return {finding.criterion: finding.status for finding in look(docs_by_content, tmp_path, files)}


def test_guides_are_found_by_their_headings_and_weighed_by_what_they_say(tmp_path: Path) -> None:
    assert guides(tmp_path, {"README.md": GUIDE}) == {
        "doc.readme": Status.OK,
        "doc.deploy": Status.OK,
        "doc.runbook": Status.PARTIAL,
        "doc.monitoring": Status.MISSING,
    }


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("docs/monitoring.md", LONG, Status.OK),
        ("docs/monitoring.md", "# Monitoring\n\nTo do.\n", Status.PARTIAL),
        ("docs/operations.md", f"# Operations\n\n### Alerts\n\n{LONG}", Status.OK),
        ("docs/operations.rst", f"Operations\n==========\n\nAlerts\n------\n\n{LONG}", Status.OK),
        ("docs/operations.adoc", f"= Operations\n\n== Observability\n\n{LONG}", Status.OK),
        ("docs/operations.md", f"# Operations\n\n```\n# Alerts\n{LONG}\n```\n", Status.MISSING),
        ("docs/operations.md", f"# Alerts\n\n# Other things\n\n{LONG}", Status.PARTIAL),
        ("prompts/monitoring.md", LONG, Status.MISSING),
        ("docs/templates/monitoring.md", LONG, Status.MISSING),
        (".github/ISSUE_TEMPLATE/monitoring.md", LONG, Status.MISSING),
        ("CHANGELOG.md", f"# Monitoring\n\n{LONG}", Status.MISSING),
        ("docs/audit/TCK-1.md", f"## Monitoring guide\n\n{LONG}", Status.MISSING),
        ("node_modules/x/monitoring.md", LONG, Status.MISSING),
        ("demo/shop/docs/monitoring.md", LONG, Status.MISSING),
        ("examples/docs/monitoring.md", LONG, Status.MISSING),
        ("docs/adr/0012-monitoring.md", LONG, Status.MISSING),
        ("docs/decisions/monitoring.md", LONG, Status.MISSING),
        ("app/plugins/monitoring/notes.md", LONG, Status.MISSING),
        ("project_template/docs/monitoring.md", LONG, Status.MISSING),
        ("backend/README.md", f"# Backend\n\n## Monitoring\n\n{LONG}", Status.OK),
        ("services/pay/docs/monitoring.md", LONG, Status.OK),
        ("monitoring.md", LONG, Status.OK),
    ],
)
def test_a_guide_is_a_text_of_the_project_that_says_something(
    tmp_path: Path, path: str, text: str, expected: Status
) -> None:
    assert guides(tmp_path, {path: text})["doc.monitoring"] == expected


@pytest.mark.parametrize(
    "title", ["Deploying", "Self-hosting", "Production", "Running in production", "Rollout", "Go-live"]
)
def test_a_deployment_guide_goes_by_many_names(tmp_path: Path, title: str) -> None:
    text = f"# {title}\n\n{LONG}\n\n```sh\nmake\n```\n"

    assert guides(tmp_path, {"docs/guide.mdx": text})["doc.deploy"] == Status.OK


def test_a_deployment_guide_without_a_command_is_thin(tmp_path: Path) -> None:
    assert guides(tmp_path, {"docs/deployment.md": LONG})["doc.deploy"] == Status.PARTIAL


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"README.md": LONG}, Status.OK),
        ({"README.rst": LONG}, Status.OK),
        ({"README": "x"}, Status.OK),
        ({"README.md": "# app\n"}, Status.PARTIAL),
        ({"docs/README.md": LONG}, Status.MISSING),
    ],
)
def test_a_readme_is_at_the_top_and_says_something(
    tmp_path: Path, files: dict[str, str], expected: Status
) -> None:
    assert guides(tmp_path, files)["doc.readme"] == expected

"""Origins, debug mode, migrations, images, pipelines, trackers and policies, as repositories hold them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.repository.ci import ci
from readiness.probes.repository.cors_literals import cors_literals
from readiness.probes.repository.debug_literals import debug_literals
from readiness.probes.repository.dockerfile import dockerfile
from readiness.probes.repository.error_tracking import error_tracking
from readiness.probes.repository.licence import licence
from readiness.probes.repository.migrations_heads import migrations_heads
from readiness.probes.repository.policy_files import policy_files
from tests.readiness.probes.repositories import look, statuses
from tickets.scoring import Status

ORIGINS: Mapping[str, tuple[str, Status]] = {
    "localhost only": (
        'ALLOWED_ORIGINS = [\n    "http://localhost:3000",\n    "http://127.0.0.1:5173",\n]\n',
        Status.HARDCODED,
    ),
    "django": ('CORS_ALLOWED_ORIGINS = ["http://localhost:3000"]\n', Status.HARDCODED),
    "middleware": (
        'app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:3000"])\n',
        Status.HARDCODED,
    ),
    "flask": ('CORS(app, origins=["http://localhost:5000"])\n', Status.HARDCODED),
    "production in code": ('ALLOWED_ORIGINS = ["https://app.example.com"]\n', Status.RISKY),
    "star": ('app.add_middleware(CORSMiddleware, allow_origins=["*"])\n', Status.RISKY),
    "from the environment": ('ALLOWED_ORIGINS = env.list("ALLOWED_ORIGINS")\n', Status.OK),
    "split": ('ALLOWED_ORIGINS = os.environ["ORIGINS"].split(",")\n', Status.OK),
    "default": (
        'ALLOWED_ORIGINS = os.getenv("ORIGINS", "http://localhost:3000").split(",")\n',
        Status.PARTIAL,
    ),
    "pydantic": (
        'class Settings(BaseSettings):\n    ALLOWED_ORIGINS: list[str] = ["http://localhost:3000"]\n',
        Status.PARTIAL,
    ),
    "nobody": ("CORS_ALLOWED_ORIGINS = []\n", Status.OK),
    "everybody": ("CORS_ALLOW_ALL_ORIGINS = True\n", Status.RISKY),
}


@pytest.mark.parametrize(("code", "expected"), ORIGINS.values(), ids=ORIGINS)
def test_a_list_of_origins_is_judged_by_where_it_comes_from(
    tmp_path: Path, code: str, expected: Status
) -> None:
    (found,) = look(cors_literals, tmp_path, {"app/config.py": code})

    assert (found.criterion, found.status) == ("cfg.cors-literals", expected)
    assert "app/config.py:" in found.detail


JAVASCRIPT_ORIGINS: Mapping[str, tuple[str, Status]] = {
    "localhost only": ("app.use(cors({ origin: 'http://localhost:3000' }))\n", Status.HARDCODED),
    "a list": (
        "app.enableCors({\n  origin: ['http://localhost:3000', 'http://127.0.0.1'],\n})\n",
        Status.HARDCODED,
    ),
    "no options": ("app.use(cors())\n", Status.RISKY),
    "no origin": ("this.app.enableCors({ methods: ['GET'] })\n", Status.RISKY),
    "reflected": ("app.use(cors({ origin: true, credentials: true }))\n", Status.RISKY),
    "production in code": ("app.use(cors({ origin: ['https://app.example.com'] }))\n", Status.RISKY),
    "from the environment": ("app.use(cors({ origin: process.env.ORIGINS.split(',') }))\n", Status.OK),
    "from a service": ("app.enableCors({ origin: this.configService.get('ORIGINS') })\n", Status.OK),
    "default": ("cors({ origin: process.env.ORIGIN || 'http://localhost:3000' })\n", Status.PARTIAL),
    "default of a list": (
        "app.enableCors({\n  origin: process.env.X?.split(',') || ['http://localhost:3001'],\n})\n",
        Status.PARTIAL,
    ),
    "everybody by default": ("cors({ origin: process.env.ORIGIN ?? '*' })\n", Status.RISKY),
}


@pytest.mark.parametrize(("code", "expected"), JAVASCRIPT_ORIGINS.values(), ids=JAVASCRIPT_ORIGINS)
def test_origins_of_javascript_are_judged_where_they_can_be_read(
    tmp_path: Path, code: str, expected: Status
) -> None:
    (found,) = look(cors_literals, tmp_path, {"src/main.ts": f"const a = 1\n{code}"})

    assert (found.criterion, found.status) == ("cfg.cors-literals", expected)
    assert "src/main.ts:2" in found.detail


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "x = 1\n"},
        {"src/a.ts": "app.use(cors({ origin: (origin, done) => check(origin, done) }))\n"},
        {"src/a.ts": "app.use(cors(options)); app.use(cors({ ...options })); cors({ origin: allowed })\n"},
        {"src/a.ts": "app.enableCors({ origin: isDev ? ['http://localhost:3000'] : frontend })\n"},
        {"src/a.ts": "// app.use(cors())\nimport cors from 'cors'\n"},
        {"src/a.ts": "if (process.env.NODE_ENV !== 'production') {\n  app.use(cors())\n}\n"},
        {
            "config/settings/base.py": 'CORS_ALLOWED_ORIGINS = ["http://localhost"]\n',
            "config/settings/production.py": "CORS_ALLOWED_ORIGINS = origins()\n",
        },
        {"app.py": "app.add_middleware(CORSMiddleware, allow_origins=settings.origins)\n"},
        {"settings/dev.py": 'ALLOWED_ORIGINS = ["http://localhost:3000"]\n'},
        {"app.py": 'if DEBUG:\n    ALLOWED_ORIGINS = ["http://localhost:3000"]\n'},
        {"README.md": 'ALLOWED_ORIGINS = ["http://localhost:3000"]'},
    ],
)
def test_where_no_list_is_written_nothing_is_claimed(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(cors_literals, tmp_path, files)


DEBUG: Mapping[str, tuple[str, Status]] = {
    "on": ("DEBUG = True\n", Status.FAILING),
    "off": ("DEBUG = False\n", Status.OK),
    "environment": ('DEBUG = env.bool("DEBUG", default=False)\n', Status.OK),
    "environment without default": ('DEBUG = os.getenv("DEBUG") == "1"\n', Status.OK),
    "on by default": ('DEBUG = os.getenv("DEBUG", "True") == "True"\n', Status.RISKY),
    "pydantic on": ("class Settings(BaseSettings):\n    DEBUG: bool = True\n", Status.RISKY),
    "pydantic off": ("class Settings(BaseSettings):\n    debug: bool = False\n", Status.OK),
    "every host": ('ALLOWED_HOSTS = ["*"]\n', Status.RISKY),
    "flask": ("app.run(debug=True)\n", Status.FAILING),
    "flask by hand": ('if __name__ == "__main__":\n    app.run(debug=True)\n', Status.RISKY),
    "fastapi": ("app = FastAPI(debug=True)\n", Status.FAILING),
    "a class for production": (
        "class Config:\n    DEBUG = True\n\n\nclass ProductionConfig(Config):\n    DEBUG = False\n",
        Status.OK,
    ),
    "a class for production that is on": (
        "class Config:\n    DEBUG = False\n\n\nclass ProductionConfig(Config):\n    DEBUG = True\n",
        Status.FAILING,
    ),
}


@pytest.mark.parametrize(("code", "expected"), DEBUG.values(), ids=DEBUG)
def test_debug_mode_is_judged_by_its_default(tmp_path: Path, code: str, expected: Status) -> None:
    (found,) = look(debug_literals, tmp_path, {"app/settings.py": code})

    assert (found.criterion, found.status) == ("cfg.debug-off", expected)


def test_what_production_sets_anew_is_judged_there(tmp_path: Path) -> None:
    off = {"settings/base.py": "DEBUG = True\n", "settings/production.py": "DEBUG = False\n"}
    product = {"a/settings/common.py": "DEBUG = True\n", "a/settings/product.py": "DEBUG = False\n"}
    on = {"settings/base.py": "DEBUG = False\n", "settings/production.py": "DEBUG = True\n"}
    assert statuses(look(debug_literals, tmp_path / "product", product)) == [Status.OK]

    assert statuses(look(debug_literals, tmp_path, off)) == [Status.OK]
    assert statuses(look(debug_literals, tmp_path, on)) == [Status.FAILING]


def test_a_constant_of_that_name_elsewhere_is_only_a_warning(tmp_path: Path) -> None:
    assert statuses(look(debug_literals, tmp_path, {"shop/prices.py": "DEBUG = True\n"})) == [Status.RISKY]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", "FROM node:22\nENV NODE_ENV=development\nCMD node server.js\n"),
        ("Dockerfile", "FROM python:3.12\nENV DJANGO_DEBUG=1\n"),
        ("Dockerfile", 'FROM python:3.12\nCMD ["python", "manage.py", "runserver", "0.0.0.0:8000"]\n'),
        ("Dockerfile", 'FROM python:3.12\nCMD ["uvicorn", "app:app", "--reload"]\n'),
        ("Dockerfile", 'FROM node:22\nCMD ["npm", "run", "dev"]\n'),
        ("Procfile", "web: flask run --debug\n"),
    ],
)
def test_an_image_that_starts_as_developers_do_is_a_warning(tmp_path: Path, path: str, text: str) -> None:
    (found,) = look(debug_literals, tmp_path, {path: text})

    assert found.status == Status.RISKY
    assert path in found.detail


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "x = 1\n"},
        {"Dockerfile": "FROM node:22 AS dev\nENV NODE_ENV=development\nFROM node:22\nCMD npm run start\n"},
        {"Dockerfile.dev": "FROM node:22\nCMD npm run dev\n"},
        {"Dockerfile": "FROM python:3.12\nENV DEBUG=0 NODE_ENV=production\nCMD gunicorn app\n"},
        {"settings/local.py": "DEBUG = True\n"},
        {"settings/devel.py": "DEBUG = True\n"},
        {"app/testutils/settings.py": "DEBUG = True\n"},
        {"model/LLMSettings.py": "class LLMSettings(BaseModel):\n    debug: bool = False\n"},
        {"tests/settings.py": "DEBUG = True\n"},
        {"app.py": "DEBUG = compute()\nFastAPI(debug=settings.debug)\n"},
    ],
)
def test_where_no_debug_setting_is_seen_nothing_is_claimed(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(debug_literals, tmp_path, files)


def alembic(**revisions: str) -> dict[str, str]:
    return {
        f"alembic/versions/{name}.py": (
            f'revision: str = "{name}"\ndown_revision = {below}\nbranch_labels = None\n'
        )
        for name, below in revisions.items()
    }


def django(app: str, label: str, **migrations: str) -> dict[str, str]:
    return {
        f"{app}/migrations/{name}.py": (
            "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
            f"    dependencies = [{', '.join(f'({label!r}, {one!r})' for one in below.split())}]\n"
        )
        for name, below in migrations.items()
    }


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (alembic(a="None", b='"a"', c='"b"'), [Status.OK]),
        (alembic(a="None", b='"a"', c='"a"'), [Status.FAILING]),
        (alembic(a="None", b='"a"', c='"a"', d='("b", "c")'), [Status.OK]),
        (alembic(a="None", b='"gone"'), [Status.FAILING]),
        (django("shop", "shop", m0001="", m0002="m0001"), [Status.OK]),
        (django("shop", "shop", m0001="", m0002="m0001", m0002_other="m0001"), [Status.FAILING]),
        (
            django("shop", "shop", m0001="", m0002="m0001", m0002_b="m0001", m0003="m0002 m0002_b"),
            [Status.OK],
        ),
        (django("src/shop", "store", m0001="", m0002="m0001"), [Status.OK]),
        (
            django("a", "a", m0001="") | django("b", "b", m0001="", m0002="m0001", m0002_x="m0001"),
            [Status.OK, Status.FAILING],
        ),
        (django("shop", "shop", m0001=""), [Status.OK]),
    ],
)
def test_migrations_have_one_head_in_each_line(
    tmp_path: Path, files: dict[str, str], expected: list[Status]
) -> None:
    assert statuses(look(migrations_heads, tmp_path, files)) == expected


def numbered(path: str, *versions: str, text: str = "-- +goose Up\n") -> dict[str, str]:
    return {path.format(version): text for version in versions}


RAILS, FLYWAY, GOOSE = (
    "db/migrate/{}_a.rb",
    "src/main/resources/db/migration/V{}__a.sql",
    "migrations/{}_a.sql",
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (numbered(RAILS, "20240101000000", "20240102000000"), [Status.OK]),
        (numbered(RAILS, "1") | {"db/migrate/1_b.rb": ""}, [Status.FAILING]),
        (numbered(FLYWAY, "1", "1_1", "1.2", "2"), [Status.OK]),
        (
            numbered(FLYWAY, "1_1") | {"src/main/resources/db/migration/more/V1.1__b.sql": ""},
            [Status.FAILING],
        ),
        (numbered("db/{}_a.up.sql", "1", "2") | numbered("db/{}_a.down.sql", "1", "2"), [Status.OK]),
        (numbered("db/{}_a.up.sql", "000001") | numbered("db/{}_b.up.sql", "000001"), [Status.FAILING]),
        (numbered(GOOSE, "1", "2"), [Status.OK]),
        (numbered(GOOSE, "1", "01"), [Status.FAILING]),
        (numbered("database/migrations/2024_01_01_000000_{}.php", "a", "b"), [Status.OK]),
        (numbered("prisma/migrations/2024010100000{}_a/migration.sql", "1", "2"), [Status.OK]),
        (numbered("api/migrations/20240101000000_{}.js", "a", "b"), [Status.OK]),
        (numbered("a/" + RAILS, "1") | numbered("b/" + RAILS, "1"), [Status.OK, Status.OK]),
    ],
)
def test_migrations_by_number_have_one_order(
    tmp_path: Path, files: dict[str, str], expected: list[Status]
) -> None:
    found = look(migrations_heads, tmp_path, files)

    assert [one.criterion for one in found] == ["dat.migrations"] * len(expected)
    assert statuses(found) == expected


DJANGO_MODELS = (
    "class Book(models.Model):\n    pass\n\n\n"
    "class Base(models.Model):\n    class Meta:\n        abstract = True\n"
)
TABLE = 'class Book(Base):\n    __tablename__ = "books"\n'
SCHEMA = 'model Book {\n  id Int @id\n  @@map("books")\n}\n'
PRISMA = "prisma/migrations/20240101000000_a/migration.sql"


def made(name: str) -> dict[str, str]:
    """An app of Django with one migration that creates one model."""
    text = (
        f"class Migration(migrations.Migration):\n    operations = [migrations.CreateModel(name='{name}')]\n"
    )
    return {"shop/migrations/m0001.py": text, "shop/models.py": DJANGO_MODELS}


def versions(body: str) -> dict[str, str]:
    """A project of SQLAlchemy with one migration of Alembic."""
    text = f'revision = "a"\ndown_revision = None\n{body}'
    return {"alembic/versions/a.py": text, "app/models.py": TABLE}


def test_where_a_program_creates_all_tables_no_migration_is_missed(tmp_path: Path) -> None:
    files = versions('op.create_table("authors")\n') | {"app/db.py": "Base.metadata.create_all(engine)\n"}

    assert statuses(look(migrations_heads, tmp_path, files)) == [Status.OK]


@pytest.mark.parametrize(
    ("files", "expected", "words"),
    [
        (made("Book"), Status.OK, "shop: every model"),
        (made("Author"), Status.FAILING, "shop/models.py:1 defines the model Book"),
        (versions('op.create_table("books")\n'), Status.OK, "alembic/versions: every model"),
        (versions('op.create_table("authors")\n'), Status.RISKY, "app/models.py:2 names the table books"),
        ({PRISMA: 'CREATE TABLE "books" (\n', "prisma/schema.prisma": SCHEMA}, Status.OK, "every model"),
        (
            {PRISMA: 'CREATE TABLE "authors" (\n', "prisma/schema.prisma": SCHEMA},
            Status.FAILING,
            "prisma/schema.prisma:1 defines the model Book",
        ),
        (
            numbered(RAILS, "20240102000000") | {"db/schema.rb": "x[7].define(version: 2024_01_02_000000)"},
            Status.OK,
            "db/schema.rb: every model",
        ),
        (
            numbered(RAILS, "20240102000000") | {"db/schema.rb": "\nx[7].define(version: 2024_01_01_000000)"},
            Status.FAILING,
            "db/schema.rb:2 stands at 20240101000000, and db/migrate/20240102000000_a.rb is newer",
        ),
        (
            numbered(RAILS, "20240101000000") | {"db/schema.rb": "x[7].define(version: 2024_01_02_000000)"},
            Status.RISKY,
            "no migration here is as new",
        ),
    ],
)
def test_a_model_has_to_be_in_a_migration(
    tmp_path: Path, files: dict[str, str], expected: Status, words: str
) -> None:
    (found,) = [one for one in look(migrations_heads, tmp_path, files) if one.criterion == "dat.models"]

    assert found.status == expected
    assert words in found.detail


@pytest.mark.parametrize(
    "files",
    [
        versions("Base.metadata.create_all(op.get_bind())\n"),
        django("shop", "shop", m0001="") | {"other/models.py": DJANGO_MODELS},
        numbered(RAILS, "1"),
    ],
    ids=["creates all", "an app without migrations", "no schema"],
)
def test_where_models_cannot_be_compared_only_the_order_is_judged(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert [one.criterion for one in look(migrations_heads, tmp_path, files)] == ["dat.migrations"]


def test_a_squashed_migration_stands_for_those_it_replaces(tmp_path: Path) -> None:
    files = django("shop", "shop", m0001="", m0002="m0001", m0003="m0002")
    files["shop/migrations/m0001_squashed.py"] = (
        "class Migration(migrations.Migration):\n    replaces = [('shop', 'm0001'), ('shop', 'm0002')]\n"
        "    dependencies = []\n"
    )

    assert statuses(look(migrations_heads, tmp_path, files)) == [Status.OK]


def test_branches_on_purpose_are_not_judged(tmp_path: Path) -> None:
    files = alembic(a="None", b='"a"')
    files["alembic/versions/c.py"] = 'revision = "c"\ndown_revision = None\nbranch_labels = ("reports",)\n'

    with pytest.raises(NotSupported):
        look(migrations_heads, tmp_path, files)


def test_without_migrations_there_is_nothing_to_judge(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable):
        look(migrations_heads, tmp_path, {"app.py": "revision = 3\n"})


GOOD = 'FROM python:3.12-slim\nCOPY app app\nUSER app\nHEALTHCHECK CMD curl -f localhost\nCMD ["python"]\n'
IMAGES: Mapping[str, tuple[str, Status]] = {
    "good": (GOOD, Status.OK),
    "digest": (GOOD.replace("python:3.12-slim", "python@sha256:" + "a" * 64), Status.OK),
    "stages": (
        "FROM node:22 AS build\nRUN npm ci\n" + GOOD.replace("COPY app", "COPY --from=build /x"),
        Status.OK,
    ),
    "user of the base stage": (
        "FROM python:3.12 AS base\nUSER app\nFROM base\nHEALTHCHECK CMD x\n",
        Status.OK,
    ),
    "argument": ("ARG TAG=3\nFROM python:${TAG}\nUSER app\nHEALTHCHECK CMD x\n", Status.OK),
    "rootless": ("FROM gcr.io/distroless/python3:nonroot\nHEALTHCHECK CMD x\n", Status.OK),
    "continued": (
        "FROM python:3.12 \\\n  AS final\n# a comment\nUSER \\\n  1000\nHEALTHCHECK CMD x\n",
        Status.OK,
    ),
    "root by default": (GOOD.replace("USER app\n", ""), Status.FAILING),
    "root again": (GOOD.replace("USER app", "USER app\nUSER root"), Status.FAILING),
    "user of another stage": (
        "FROM node:22 AS build\nUSER app\nFROM node:22\nHEALTHCHECK CMD x\n",
        Status.FAILING,
    ),
    "uid 0": (GOOD.replace("USER app", "USER 0:0"), Status.FAILING),
    "latest": (GOOD.replace("python:3.12-slim", "python:latest"), Status.RISKY),
    "no tag": (GOOD.replace("python:3.12-slim", "registry.example:5000/python"), Status.RISKY),
    "secrets": (GOOD.replace("COPY app app", "COPY .env ./"), Status.FAILING),
    "everything": (GOOD.replace("COPY app app", "COPY . ."), Status.PARTIAL),
    "no health": (GOOD.replace("HEALTHCHECK CMD curl -f localhost\n", ""), Status.PARTIAL),
}


@pytest.mark.parametrize(("text", "expected"), IMAGES.values(), ids=IMAGES)
def test_an_image_is_judged_by_its_last_stage(tmp_path: Path, text: str, expected: Status) -> None:
    (found,) = look(dockerfile, tmp_path, {"Dockerfile": text})

    assert (found.criterion, found.status) == ("cfg.image", expected)


def test_what_a_compose_file_asks_counts_as_a_health_check(tmp_path: Path) -> None:
    files = {
        "Dockerfile": IMAGES["no health"][0],
        "docker-compose.yml": "services:\n  web:\n    healthcheck:\n",
    }

    assert statuses(look(dockerfile, tmp_path, files)) == [Status.OK]


def test_a_dockerignore_keeps_everything_from_being_copied(tmp_path: Path) -> None:
    files = {"Dockerfile": IMAGES["everything"][0], ".dockerignore": ".env\n"}

    assert statuses(look(dockerfile, tmp_path, files)) == [Status.OK]


@pytest.mark.parametrize(
    "files", [{"README.md": ""}, {"Dockerfile": "not one\n"}, {"Dockerfile.dev": "FROM x\n"}]
)
def test_without_a_dockerfile_there_is_nothing_to_judge(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(dockerfile, tmp_path, files)


GITHUB = "on: [push, pull_request]\njobs:\n  test:\n    steps:\n      - run: pytest -q\n"
BITBUCKET = "pipelines:\n  {}:\n    - step:\n        script:\n          - vendor/bin/phpunit\n"
PIPELINES: Mapping[str, tuple[dict[str, str], Status]] = {
    "github": ({".github/workflows/ci.yml": GITHUB}, Status.OK),
    "gitlab": ({".gitlab-ci.yml": "test:\n  script:\n    - npm test\n"}, Status.OK),
    "circle": ({".circleci/config.yml": "jobs:\n  x:\n    steps:\n      - run: go test ./...\n"}, Status.OK),
    "jenkins": (
        {"Jenkinsfile": "pipeline { stages { stage('t') { steps { sh './mvnw verify' } } } }"},
        Status.OK,
    ),
    "script": ({".ci/run": "#!/bin/sh\nexec script/test\n"}, Status.OK),
    "go": ({".github/workflows/ci.yml": GITHUB.replace("pytest -q", "go test -race ./...")}, Status.OK),
    "maven": ({".gitlab-ci.yml": "test:\n  script: mvn -B -ntp verify\n"}, Status.OK),
    "ruby": (
        {".circleci/config.yml": "jobs:\n  x:\n    steps:\n      - run: bundle exec rspec"},
        Status.OK,
    ),
    "an orb": ({".circleci/config.yml": "workflows:\n  x:\n    jobs:\n      - node/test\n"}, Status.OK),
    "php": ({"bitbucket-pipelines.yml": BITBUCKET.format("default")}, Status.OK),
    "only on a branch": ({"bitbucket-pipelines.yml": BITBUCKET.format("custom")}, Status.PARTIAL),
    "rust": ({"azure-pipelines.yml": "steps:\n- script: cargo test --all\n"}, Status.OK),
    "not for pull requests": (
        {"azure-pipelines.yml": "pr: none\nsteps:\n- script: cargo test\n"},
        Status.PARTIAL,
    ),
    "javascript": (
        {".woodpecker/test.yaml": "steps:\n  t:\n    commands: [pnpm run test:unit]\n"},
        Status.OK,
    ),
    "forgejo": ({".forgejo/workflows/ci.yml": GITHUB}, Status.OK),
    "drone": (
        {".drone.yml": "kind: a\n---\nsteps:\n- name: t\n  commands:\n  - ./gradlew --info check\n"},
        Status.OK,
    ),
    "a reference": (
        {".gitlab-ci.yml": "test:\n  before_script: !reference [.x, y]\n  script:\n    - make test\n"},
        Status.OK,
    ),
    "called by another": (
        {
            ".github/workflows/test.yml": GITHUB.replace("[push, pull_request]", "workflow_call"),
            ".github/workflows/ci.yml": "on: pull_request\njobs:\n t:\n  uses: ./.github/workflows/test.yml",
        },
        Status.OK,
    ),
    "another step may fail": (
        {".github/workflows/ci.yml": (f"{GITHUB}      - run: codecov\n        continue-on-error: true\n")},
        Status.OK,
    ),
    "the step may fail": (
        {".github/workflows/ci.yml": f"{GITHUB}        continue-on-error: true\n"},
        Status.RISKY,
    ),
    "the job may fail": (
        {".github/workflows/ci.yml": GITHUB.replace("    steps", "    continue-on-error: true\n    steps")},
        Status.RISKY,
    ),
    "gitlab may fail": ({".gitlab-ci.yml": "t:\n  allow_failure: true\n  script: [pytest]\n"}, Status.RISKY),
    "azure may fail": (
        {"azure-pipelines.yml": "steps:\n- script: pytest\n  continueOnError: true\n"},
        Status.RISKY,
    ),
    "woodpecker may fail": (
        {".woodpecker.yml": "steps:\n  - name: t\n    failure: ignore\n    commands: [pytest]\n"},
        Status.RISKY,
    ),
    "shrugged off": ({"Jenkinsfile": "sh 'npm test || true'\n"}, Status.RISKY),
    "by hand": ({".gitlab-ci.yml": "t:\n  when: manual\n  script: [pytest]\n"}, Status.PARTIAL),
    "switched off": (
        {".github/workflows/ci.yml": f"{GITHUB}        if: ${{{{ false }}}}\n"},
        Status.PARTIAL,
    ),
    "only a name": ({".gitlab-ci.yml": "pytest:\n  script: [ruff check]\n"}, Status.PARTIAL),
    "only on push": ({".github/workflows/ci.yml": GITHUB.replace(", pull_request", "")}, Status.PARTIAL),
    "no tests": ({".github/workflows/ci.yml": GITHUB.replace("pytest -q", "ruff check")}, Status.PARTIAL),
    "commented out": (
        {".github/workflows/ci.yml": GITHUB.replace("- run: pytest", "# - run: pytest")},
        Status.PARTIAL,
    ),
    "tolerated": (
        {
            ".github/workflows/ci.yml": GITHUB.replace(
                "pytest -q", "pytest -q\n        continue-on-error: true"
            )
        },
        Status.RISKY,
    ),
    "or true": ({".gitlab-ci.yml": "test:\n  script:\n    - pytest || true\n"}, Status.RISKY),
    "none": ({"README.md": "pytest"}, Status.MISSING),
    "of a dependency": (
        {"vendor/x/.github/workflows/ci.yml": GITHUB, "pkg/.gitlab-ci.yml": "pytest"},
        Status.MISSING,
    ),
}


@pytest.mark.parametrize(("files", "expected"), PIPELINES.values(), ids=PIPELINES)
def test_a_pipeline_has_to_test_every_change(tmp_path: Path, files: dict[str, str], expected: Status) -> None:
    (found,) = look(ci, tmp_path, files)

    assert (found.criterion, found.status) == ("ci.pipeline", expected)


@pytest.mark.parametrize(
    "files",
    [
        {".github/workflows/ci.yml": "jobs:\n  t:\n    uses: org/repo/.github/workflows/test.yml@v1\n"},
        {".gitlab-ci.yml": "include:\n  - project: team/templates\n    file: test.yml\n"},
    ],
)
def test_what_lies_in_another_repository_is_not_judged(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotSupported, match="another repository"):
        look(ci, tmp_path, files)


def test_a_step_is_named_by_its_line(tmp_path: Path) -> None:
    (found,) = look(ci, tmp_path, {".github/workflows/ci.yml": f"# pytest\n{GITHUB}"})

    assert found.detail.startswith(".github/workflows/ci.yml:6 runs the tests")


def test_a_small_file_that_is_endless_by_its_aliases_is_read_in_part(tmp_path: Path) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))

    (found,) = look(ci, tmp_path, {".gitlab-ci.yml": f"a0: &a0 [x]\n{levels}"})

    assert found.status == Status.PARTIAL


TRACKERS: Mapping[str, tuple[dict[str, str], Status]] = {
    "python": (
        {"app.py": "import sentry_sdk\nsentry_sdk.init(dsn=x)\n", "requirements.txt": "sentry-sdk==2\n"},
        Status.OK,
    ),
    "javascript": (
        {"src/main.ts": "Sentry.init({ dsn })\n", "package.json": '{"dependencies": {"@sentry/vue": "8"}}'},
        Status.OK,
    ),
    "dependency only": (
        {"app.py": "x = 1\n", "pyproject.toml": 'dependencies = ["sentry-sdk[django]>=2"]\n'},
        Status.PARTIAL,
    ),
    "commented out": ({"src/a.js": "// Sentry.init({})\n"}, Status.MISSING),
    "mentioned": (
        {"app.py": '"""Use sentry_sdk.init some day."""\n', "README.md": "sentry-sdk"},
        Status.MISSING,
    ),
    "only in tests": ({"app.py": "x = 1\n", "tests/test_x.py": "sentry_sdk.init()\n"}, Status.MISSING),
    "none": ({"app.py": "x = 1\n"}, Status.MISSING),
    "by another name": (
        {"app.py": "import sentry_sdk as tracker\ntracker.init(dsn=x)\n"},
        Status.OK,
    ),
    "the function alone": ({"app.py": "from sentry_sdk import init\ninit(dsn=x)\n"}, Status.OK),
    "by a framework": ({"settings.py": 'INSTALLED_APPS = ["elasticapm.contrib.django"]\n'}, Status.OK),
    "by a command": ({"app.py": "", "Procfile": "web: newrelic-admin run-program gunicorn app\n"}, Status.OK),
    "another init": ({"app.py": "import rollbar\nfrom pygame import init\ninit()\n"}, Status.MISSING),
    "next": (
        {"sentry.server.config.ts": 'import { init } from "@sentry/nextjs";\ninit({ dsn: x })\n'},
        Status.OK,
    ),
    "node by its import": ({"src/main.js": "require('newrelic')\n"}, Status.OK),
    "an init of something else": ({"src/main.js": "i18n.init({ lng: 'en' }); init({})\n"}, Status.MISSING),
    "only for the build": (
        {"src/a.js": "x\n", "package.json": '{"devDependencies": {"@sentry/cli": "2"}}'},
        Status.MISSING,
    ),
    "in a comment over lines": ({"src/a.js": "/*\nSentry.init({})\n*/\n"}, Status.MISSING),
    "go": ({"main.go": "sentry.Init(sentry.ClientOptions{})\n"}, Status.OK),
    "spring": ({"src/main/resources/application.yml": "sentry:\n  dsn: x\n"}, Status.OK),
}


@pytest.mark.parametrize(("files", "expected"), TRACKERS.values(), ids=TRACKERS)
def test_an_error_tracker_has_to_be_initialised(
    tmp_path: Path, files: dict[str, str], expected: Status
) -> None:
    (found,) = look(error_tracking, tmp_path, files)

    assert (found.criterion, found.status) == ("obs.errors", expected)


@pytest.mark.parametrize(
    "files",
    [
        {"main.go": "package main"},
        {"go.mod": "module a\n", "main.go": "package main\n", "lint.config.js": "x\n"},
    ],
)
def test_in_other_languages_no_tracker_is_missed(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotSupported):
        look(error_tracking, tmp_path, files)


WORDS = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and files"
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"LICENSE": WORDS}, Status.OK),
        ({"LICENCE.txt": WORDS}, Status.OK),
        ({"COPYING": WORDS}, Status.OK),
        ({"LICENSES/MIT.txt": WORDS}, Status.OK),
        ({"package.json": '{"license": "MIT"}'}, Status.PARTIAL),
        ({"pyproject.toml": '[project]\nlicense = {text = "MIT"}\n'}, Status.PARTIAL),
        ({"composer.json": '{"license": "MIT"}'}, Status.PARTIAL),
        ({"pom.xml": "<licenses>\n <license><name>MIT</name></license></licenses>"}, Status.PARTIAL),
        ({"thing.gemspec": "spec.license = 'MIT'\n"}, Status.PARTIAL),
        ({"LICENSE": ""}, Status.MISSING),
        ({"vendor/x/LICENSE": WORDS}, Status.MISSING),
        ({"README.md": WORDS, "package.json": "{"}, Status.MISSING),
    ],
)
def test_a_licence_is_a_text_at_the_top(tmp_path: Path, files: dict[str, str], expected: Status) -> None:
    (found,) = look(licence, tmp_path, files)

    assert (found.criterion, found.status) == ("dep.licences", expected)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"SECURITY.md": WORDS, ".github/dependabot.yml": "version: 2\n"}, [Status.OK, Status.OK]),
        ({".github/SECURITY.md": WORDS, "renovate.json": "{}"}, [Status.OK, Status.OK]),
        ({"package.json": '{"renovate": {}}'}, [Status.MISSING, Status.OK]),
        ({"static/.well-known/security.txt": WORDS}, [Status.OK, Status.MISSING]),
        ({"SECURITY.md": "TODO"}, [Status.MISSING, Status.MISSING]),
        ({"node_modules/x/SECURITY.md": WORDS}, [Status.MISSING, Status.MISSING]),
    ],
)
def test_policy_files_are_looked_for_where_they_are_read(
    tmp_path: Path, files: dict[str, str], expected: list[Status]
) -> None:
    found = look(policy_files, tmp_path, files)

    assert [finding.criterion for finding in found] == ["sec.policy", "dep.update-bot"]
    assert statuses(found) == expected

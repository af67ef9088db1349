"""What real projects look like that probes misread once: each shape was found in somebody's repository."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.probes.checkout import Checkout, is_aside
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.repository.asset_budget import asset_budget
from readiness.probes.repository.ci import ci
from readiness.probes.repository.coverage_threshold import coverage_threshold
from readiness.probes.repository.dockerfile import dockerfile
from readiness.probes.repository.docs_by_content import docs_by_content
from readiness.probes.repository.env_documented import env_documented
from readiness.probes.repository.error_tracking import error_tracking
from readiness.probes.repository.imports_declared import imports_declared
from readiness.probes.repository.kinds_of_tests import counted
from readiness.probes.repository.licence import licence
from readiness.probes.repository.lock_present import lock_present
from readiness.probes.repository.rate_limiting import rate_limiting
from readiness.probes.repository.structured_logging import structured_logging
from tests.readiness.probes.repositories import Shelf, look, statuses
from tickets.scoring import Status

Probe = Callable[..., Any]
OK, PARTIAL, FAILING, MISSING = Status.OK, Status.PARTIAL, Status.FAILING, Status.MISSING
WORKFLOW = "on: pull_request\njobs:\n  a:\n    steps:\n    - run: {}\n"
IMAGE = "FROM alpine:3.20\nHEALTHCHECK CMD true\n"
SUPERVISED = f"{IMAGE}ADD https://example.com/s6-overlay-amd64.tar.gz /tmp/\nENTRYPOINT /init\n"
GO = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe("", nil) }\n'
WORDS = "word " * 40


def workflow(command: str) -> dict[str, str]:
    return {".github/workflows/ci.yml": WORKFLOW.format(command)}


JUDGED: dict[str, tuple[Probe, dict[str, str], list[Status]]] = {
    "gulp runs the tests": (ci, workflow("gulp ci-test"), [OK]),
    "ant runs the tests": (ci, workflow("ant -noinput deploy test-nio"), [OK]),
    "the name of the tool is a variable": (ci, workflow("${{ env.CARGO }} test --workspace"), [OK]),
    "AppVeyor has a key for tests": (ci, {"appveyor.yml": "test_script:\n  - bundle exec rake test\n"}, [OK]),
    "Cirrus CI names a key by what it does": (
        ci,
        {".cirrus.yml": "task:\n  unit_test_script:\n    - go test ./...\n"},
        [OK],
    ),
    "mage runs the tests": (ci, workflow("mage -v check"), [OK]),
    "s6-overlay starts each service as somebody else": (
        dockerfile,
        {"Dockerfile": SUPERVISED, "rootfs/etc/services.d/web/run": "exec s6-setuidgid app run\n"},
        [OK],
    ),
    "s6-overlay starts its services as root": (
        dockerfile,
        {"Dockerfile": SUPERVISED, "rootfs/etc/services.d/web/run": "exec run\n"},
        [FAILING],
    ),
    "what runs after a job stops nothing": (
        ci,
        {".gitlab-ci.yml": "unit:\n  script:\n    - make build\n  after_script:\n    - npm test\n"},
        [PARTIAL],
    ),
    "a target for each part, and none for one of them": (
        coverage_threshold,
        {
            "a.js": "",
            "codecov.yml": "coverage:\n  status:\n    patch:\n      lint:\n        target: 0%\n"
            "      unit:\n        target: 90%\n",
        },
        [OK],
    ),
    "a target that is what was reached before": (
        coverage_threshold,
        {"a.js": "", "codecov.yml": "coverage:\n  status:\n    project:\n      a:\n        target: auto\n"},
        [OK],
    ),
    "extras in the way of pbr": (
        imports_declared,
        {
            "setup.cfg": "[metadata]\nname = x\n[extras]\nkms =\n    castellan>=0.13.0 # Apache-2.0\n",
            "requirements.txt": "six\n",
            "x/__init__.py": "import castellan\nimport six\n",
        },
        [OK],
    ),
    "Maven by way of a function": (ci, {"Jenkinsfile": 'mavenBuild("jdk11", "clean install")\n'}, [OK]),
    "Maven leaves the tests out": (ci, workflow("mvn -B clean install -DskipTests"), [PARTIAL]),
    "Maven skips the tests": (ci, workflow("mvn verify -Dmaven.test.skip=true"), [PARTIAL]),
    "Maven does not skip the tests": (ci, workflow("mvn verify -DskipTests=false"), [OK]),
    "Gradle leaves the tests out": (ci, workflow("./gradlew build -x test"), [PARTIAL]),
    "gosu in the image": (
        dockerfile,
        {"Dockerfile": f'{IMAGE}RUN apk add gosu\nENTRYPOINT ["gosu", "app", "run"]\n'},
        [OK],
    ),
    "a script steps down from root": (
        dockerfile,
        {
            "Dockerfile": f"{IMAGE}COPY script/docker-entrypoint.sh /bin/entrypoint.sh\n",
            "script/docker-entrypoint.sh": 'exec su-exec "$PUID" "$@"\n',
        },
        [OK],
    ),
    "a script stays root": (
        dockerfile,
        {"Dockerfile": f"{IMAGE}COPY run.sh /\nCMD /run.sh\n", "run.sh": "exec app\n"},
        [FAILING],
    ),
    "an image by another name": (dockerfile, {"Dockerfile-release": IMAGE}, [FAILING]),
    "a script beside its smaller one": (
        asset_budget,
        {"js/app.js": "x" * 600_000, "js/app.min.js": "x"},
        [OK],
    ),
    "a script alone": (asset_budget, {"js/app.js": "x" * 600_000, "js/b.min.js": "x"}, [PARTIAL]),
    "a licence among the documents": (licence, {"doc/COPYING": WORDS}, [OK]),
    "a licence of something else": (licence, {"lib/other/LICENSE": WORDS}, [MISSING]),
    "go-kit writes logfmt": (
        structured_logging,
        {"main.go": f"{GO}var l = log.NewLogfmtLogger(os.Stderr)\n"},
        [OK],
    ),
    "an application for Composer": (
        lock_present,
        {"composer.json": '{"type": "project", "require": {"a/b": "1"}}'},
        [MISSING],
    ),
    "a folder of modules that a bundler knows": (
        imports_declared,
        {
            "package.json": '{"dependencies": {"react": "1"}}',
            "pkg/apps/index.jsx": 'import "dark-theme";\nimport { A } from "menu.jsx";\n',
            "pkg/lib/dark-theme.js": "",
            "pkg/lib/menu.jsx": "",
        },
        [OK],
    ),
    "a module that is nowhere": (
        imports_declared,
        {"package.json": '{"dependencies": {"react": "1"}}', "src/a.js": 'import "left-pad";\n'},
        [PARTIAL],
    ),
}


@pytest.mark.parametrize(("probe", "files", "expected"), JUDGED.values(), ids=JUDGED)
def test_a_shape_that_was_misread_once_is_read(
    tmp_path: Path, probe: Probe, files: dict[str, str], expected: list[Status]
) -> None:
    assert statuses(look(probe, tmp_path, files)) == expected


PASSED_OVER: dict[str, tuple[Probe, dict[str, str]]] = {
    "an image for those who develop": (
        dockerfile,
        {".gitpod.Dockerfile": IMAGE, "dev-image/Dockerfile": IMAGE},
    ),
    "an image for the pipeline": (dockerfile, {"ci/docker/arm/Dockerfile": IMAGE}),
    "what others gave": (dockerfile, {"contrib/compose/Dockerfile": IMAGE}),
    "a plug-in for Composer": (
        lock_present,
        {"plugins/acl/composer.json": '{"type": "roundcube-plugin", "require": {"a/b": "1"}}'},
    ),
    "a library that is carried along": (
        lock_present,
        {"inc/sodium/composer.json": '{"name": "a/sodium", "require": {"a/b": "1"}}'},
    ),
    "a library has no errors of its own": (
        error_tracking,
        {"package.json": '{"name": "x", "files": ["lib"], "dependencies": {"a": "1"}}', "lib/x.js": "x()\n"},
    ),
    "a pipeline of Zuul": (ci, {".zuul.yaml": "- project:\n    check:\n      jobs:\n        - tox-py311\n"}),
    "a pipeline that something outside starts": (
        ci,
        {"cloudbuild.yaml": "steps:\n  - script: npm test\n"},
    ),
    "a pipeline of TeamCity": (ci, {".teamcity/settings.kts": "project { }\n", **workflow("make stale")}),
    "an image for a server that tests use": (
        dockerfile,
        {"fstest/testserver/images/hdfs/Dockerfile": IMAGE},
    ),
    "what the system gives to Node": (
        env_documented,
        {"package.json": "{}", "a.js": "x = process.env.LOCALAPPDATA || process.env.NODE_DEBUG;\n"},
    ),
    "what systemd gives": (
        env_documented,
        {"requirements.txt": "six\n", "app.py": "import os\nx = os.environ.get('NOTIFY_SOCKET')\n"},
    ),
    "a limiter of their own": (
        rate_limiting,
        {"app.py": "import flask\n\n\nclass RateLimitMiddleware:\n    pass\n"},
    ),
    "what answers 429 by itself": (
        rate_limiting,
        {"app.py": 'import django\nraise Problem(429, "Too many")\nM = ["axes.middleware.AxesMiddleware"]\n'},
    ),
    "a limiter of their own in JavaScript": (
        rate_limiting,
        {
            "package.json": '{"dependencies": {"express": "5"}}',
            "src/app.ts": "export function rateLimiter(req, res, next) {}\n",
        },
    ),
    "a dictionary that is called config": (
        env_documented,
        {"package.json": "{}", "src/catalog.js": 'x = { on: parse(config.get("ON")) };\n'},
    ),
    "what only a build reads": (env_documented, {"gulpfile.js": "x = process.env.BASELINE;\n"}),
}


@pytest.mark.parametrize(("probe", "files"), PASSED_OVER.values(), ids=PASSED_OVER)
def test_what_is_not_the_running_program_is_not_accused(
    tmp_path: Path, probe: Probe, files: dict[str, str]
) -> None:
    with pytest.raises((NotApplicable, NotSupported)):
        look(probe, tmp_path, files)


TESTS: dict[str, tuple[str, str, str]] = {
    "a class that begins with Test": ("test/org/x/TestPool.java", "@Test\nvoid a() {}\n", "unit"),
    "a crate's own tests": ("crates/core/config.rs", "#[test]\nfn a() {}\n", "unit"),
    "a macro for tests": ("tests/feature.rs", "rgtest!(f1, |dir: Dir| {});\n", "integration"),
    "models below a folder called api": ("src/api/spec/models/user_spec.rb", "it 'works' do\nend\n", "unit"),
    "requests below specs": ("spec/requests/user_spec.rb", "it 'works' do\nend\n", "integration"),
    "tap in JavaScript": ("test/lib/npm.js", "t.test('not yet loaded', async t => {})\n", "unit"),
    "minitest in Ruby": ("test/test_server.rb", "def test_starts\nend\n", "unit"),
    "Common Test in Erlang": ("apps/x/test/x_SUITE.erl", "starts(Config) ->\n  ok.\n", "unit"),
    "EUnit in Erlang": ("src/x_tests.erl", "starts_test() ->\n  ok.\n", "unit"),
    "no folder of tests": ("api/user_test.go", "func TestA(t *testing.T) {}\n", "integration"),
}


@pytest.mark.parametrize(("path", "code", "kind"), TESTS.values(), ids=TESTS)
def test_tests_are_counted_by_the_ways_of_their_language(path: str, code: str, kind: str) -> None:
    checkout = Checkout("memory", "0" * 40, {path: path}, reader=Shelf({path: code}))

    assert list(counted(checkout)) == [(path, kind, 1)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("integration/fixtures-expired/server.key", True),
        ("external/builder/fixtures_esprima/a.js", True),
        ("integration-tests/app.py", True),
        ("test-data/a.json", True),
        ("contrib/systemd/x.service", True),
        ("zookeeper-contrib/zkui/setup.py", True),
        ("shop/contrib/sites/models.py", False),
        ("fstest/testserver/run.go", True),
        ("deps/rabbitmq_stomp_examples/echo.html", True),
        ("latest-news/app.py", False),
        ("latest/app.py", False),
        ("tcms/testcases/models.py", False),
        ("testimonials/app.py", False),
        ("contest-data/app.py", False),
        ("ab_testing_service/app.py", False),
    ],
)
def test_folders_of_tests_and_gifts_by_longer_names_stand_aside(path: str, expected: bool) -> None:
    assert is_aside(path) is expected


def test_a_readme_of_any_markup_is_one(tmp_path: Path) -> None:
    assert look(docs_by_content, tmp_path, {"README.rdoc": WORDS})[0].status is OK

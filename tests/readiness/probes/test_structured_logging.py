"""Structured logs: made so by a call or a configuration, half made so, or not at all."""

import json
from pathlib import Path

import pytest

from readiness.probes.outcomes import NotSupported
from readiness.probes.repository.structured_logging import structured_logging
from tests.readiness.probes.repositories import look, statuses
from tickets.scoring import Status

FLASK = "from flask import Flask\nimport logging\n"


def package(*names: str) -> dict[str, str]:
    return {"package.json": json.dumps({"dependencies": dict.fromkeys(names, "1")})}


PYTHON = {
    "structlog": (
        "import structlog\nstructlog.configure(processors=[structlog.processors.JSONRenderer()])\n",
        Status.OK,
    ),
    "python-json-logger": (
        "from pythonjsonlogger.json import JsonFormatter\nhandler.setFormatter(JsonFormatter())\n",
        Status.OK,
    ),
    "dictConfig": (
        'LOGGING = {"formatters": {"json": {"()": "pythonjsonlogger.jsonlogger.JsonFormatter"}}}\n',
        Status.OK,
    ),
    "loguru": ("from loguru import logger\nlogger.add(sys.stdout, serialize=True)\n", Status.OK),
    "loguru configured": (
        'from loguru import logger\nlogger.configure(handlers=[{"serialize": True}])\n',
        Status.OK,
    ),
    "a formatter of one's own": (
        "class Lines(logging.Formatter):\n    def format(self, record):\n        return json.dumps(record)\n"
        'LOGGING = {"formatters": {"lines": {"()": Lines}}}\n',
        Status.OK,
    ),
    "powertools": ("from aws_lambda_powertools import Logger, Tracer\nlog = Logger()\n", Status.OK),
    "structlog for people": (
        "import structlog\nstructlog.configure(processors=[structlog.dev.ConsoleRenderer()])\n",
        Status.PARTIAL,
    ),
    "loguru as it comes": ("from loguru import logger\nlogger.info('x')\n", Status.PARTIAL),
    "loguru turned off": ("from loguru import logger\nlogger.add(f, serialize=False)\n", Status.PARTIAL),
    "imported and not used": ("from pythonjsonlogger import jsonlogger\n", Status.PARTIAL),
    "plain": ("logging.basicConfig(level=logging.INFO)\n", Status.NOT_CONFIGURED),
    "a formatter that nobody uses": (
        "class Lines(logging.Formatter):\n    def format(self, record):\n        return json.dumps(record)\n",
        Status.NOT_CONFIGURED,
    ),
    "another switch of that name": ("field = Field(serialize=True)\n", Status.NOT_CONFIGURED),
    "only words": (
        'TEXT = "use a json formatter"\nlog = logging.getLogger("app.json")\n',
        Status.NOT_CONFIGURED,
    ),
}


@pytest.mark.parametrize(("code", "expected"), PYTHON.values(), ids=PYTHON)
def test_python_needs_a_formatter_that_is_put_to_use(tmp_path: Path, code: str, expected: Status) -> None:
    (found,) = look(structured_logging, tmp_path, {"app/log.py": FLASK + code})

    assert (found.criterion, found.status) == ("obs.logs", expected)
    if expected != Status.NOT_CONFIGURED:
        assert found.evidence["at"].startswith("app/log.py:")


def test_a_formatter_may_stand_in_another_module_or_in_a_file(tmp_path: Path) -> None:
    own = "class Lines(logging.Formatter):\n    def format(self, record):\n        return dumps(record)\n"
    apart = {
        "a.py": FLASK,
        "app/lines.py": "import logging\n" + own,
        "app/settings.py": 'import x\nLOGGING = {"()": "app.lines.Lines"}\n',
    }
    filed = {
        "a.py": FLASK,
        "logging.yaml": "formatters:\n  j:\n    (): pythonjsonlogger.json.JsonFormatter\n",
    }

    assert statuses(look(structured_logging, tmp_path, apart)) == [Status.OK]
    assert statuses(look(structured_logging, tmp_path, filed)) == [Status.OK]


JAVASCRIPT = {
    "pino": ("const log = pino({ level: 'info' })\n", Status.OK),
    "pino-http": ("app.use(pinoHttp())\n", Status.OK),
    "nest": ("imports: [LoggerModule.forRoot()]\n", Status.OK),
    "fastify": ("const app = Fastify({ logger: true })\n", Status.OK),
    "fastify without": ("const app = fastify({ logger: false })\n", Status.NOT_CONFIGURED),
    "bunyan": ("const log = bunyan.createLogger({name: 'x'})\n", Status.OK),
    "winston": ("const log = winston.createLogger({ transports: [] })\n", Status.OK),
    "winston for both": (
        "createLogger({ format: isDev ? format.simple() : format.json() })\n",
        Status.OK,
    ),
    "winston for people": ("createLogger({ format: format.printf((i) => i.message) })\n", Status.PARTIAL),
    "console": ("console.log('started')\n", Status.NOT_CONFIGURED),
    "commented out": ("// const log = pino()\n", Status.NOT_CONFIGURED),
}


@pytest.mark.parametrize(("code", "expected"), JAVASCRIPT.values(), ids=JAVASCRIPT)
def test_javascript_needs_a_logger_that_writes_json(tmp_path: Path, code: str, expected: Status) -> None:
    assert statuses(look(structured_logging, tmp_path, {"src/log.ts": code, **package("express")})) == [
        expected
    ]


def test_a_library_that_is_only_declared_is_half_of_it(tmp_path: Path) -> None:
    (found,) = look(structured_logging, tmp_path, {"src/a.ts": "x()\n", **package("express", "pino")})

    assert found.status == Status.PARTIAL
    assert "pino" in found.detail


GO = 'package main\n\nimport "net/http"\n\nfunc main() {\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"main.go": GO + "slog.New(slog.NewJSONHandler(os.Stdout, nil))\n}\n"}, [Status.OK]),
        (
            {"main.go": GO + "}\n", "log/log.go": "logrus.SetFormatter(&logrus.JSONFormatter{})\n"},
            [Status.OK],
        ),
        ({"main.go": GO + 'log.Println("x")\n}\n'}, [Status.NOT_CONFIGURED]),
        ({"src/main/resources/logback-spring.xml": "<encoder class='x.LogstashEncoder'/>"}, [Status.OK]),
        ({"src/main/resources/application.yml": "logging:\n  structured:\n    format:\n"}, [Status.OK]),
        ({"config/environments/production.rb": "config.lograge.enabled = true\n"}, [Status.OK]),
        ({"app.py": FLASK, "src/a.js": "", **package("koa")}, [Status.NOT_CONFIGURED, Status.NOT_CONFIGURED]),
    ],
)
def test_every_language_that_answers_requests_is_judged(
    tmp_path: Path, files: dict[str, str], expected: list[Status]
) -> None:
    assert statuses(look(structured_logging, tmp_path, files)) == expected


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "x"},
        {"tool.py": "import logging\n"},
        {"src/App.tsx": "console.log('x')\n", **package("react")},
        {"server.js": "console.log('x')\n", "package.json": '{"devDependencies": {"express": "4"}}'},
        {"lib.go": 'package lib\n\nimport "net/http"\n'},
        # A tool wrote the only script: what it was made from is not here.
        {"server.js": "x;" * 3000, "package.json": '{"dependencies": {"express": "4"}}'},
        {"src/Main.java": "class Main {}\n"},
        {"tests/app.py": FLASK},
    ],
)
def test_what_answers_no_requests_here_is_not_judged(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotSupported):
        look(structured_logging, tmp_path, files)

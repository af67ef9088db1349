"""Rate limits: by a library that is put to use, by what stands in front, half of it, or none."""

import json
from pathlib import Path

import pytest

from readiness.probes.outcomes import NotSupported
from readiness.probes.repository.rate_limiting import rate_limiting
from tests.readiness.probes.repositories import look, statuses
from tickets.scoring import Status

FASTAPI = "from fastapi import FastAPI\n"
DJANGO = "from django.urls import path\n"
EXPRESS = {"package.json": json.dumps({"dependencies": {"express": "4"}})}

PYTHON = {
    "slowapi": ("from slowapi import Limiter\n@limiter.limit('5/minute')\ndef f(): ...\n", Status.OK),
    "flask-limiter": ("from flask_limiter import Limiter\nLimiter(f, default_limits=['9/day'])\n", Status.OK),
    "django-ratelimit": (
        "from django_ratelimit.decorators import ratelimit\n@ratelimit(key='ip')\n",
        Status.OK,
    ),
    "rest framework": (
        'REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"]}\n',
        Status.OK,
    ),
    "rest framework's view": ("from rest_framework import views\nthrottle_classes = [Anon]\n", Status.OK),
    "ninja": ("from ninja import NinjaAPI\napi = NinjaAPI(throttle=[Anon('9/s')])\n", Status.OK),
    "slowapi unused": ("from slowapi import Limiter\nlimiter = Limiter(key_func=f)\n", Status.PARTIAL),
    "flask, a view wrapped": (
        "from flask_limiter import Limiter\nview = limiter.limit('5/minute')(view)\n",
        Status.OK,
    ),
    "only sign-ins": ('MIDDLEWARE = ["axes.middleware.AxesMiddleware"]\n', Status.PARTIAL),
    "a name in a list": ('LEFT_OUT = {"sessions", "axes"}\n', Status.NOT_CONFIGURED),
    "rest framework without": ('REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": []}\n', Status.NOT_CONFIGURED),
    "ninja without": ("from ninja import NinjaAPI\napi = NinjaAPI()\n", Status.NOT_CONFIGURED),
    "a limit of a query": ("items = query.limit(10)\n", Status.NOT_CONFIGURED),
    "commented out": ("# from slowapi import Limiter\n# @limiter.limit('5/minute')\n", Status.NOT_CONFIGURED),
}


@pytest.mark.parametrize(("code", "expected"), PYTHON.values(), ids=PYTHON)
def test_python_needs_a_limiter_that_is_put_to_use(tmp_path: Path, code: str, expected: Status) -> None:
    (found,) = look(rate_limiting, tmp_path, {"app.py": FASTAPI + DJANGO + code})

    assert (found.criterion, found.status) == ("sec.rate-limit-code", expected)
    if expected != Status.NOT_CONFIGURED:
        assert "app.py:" in found.detail


def test_a_word_that_others_use_too_counts_only_beside_its_library(tmp_path: Path) -> None:
    files = {"app.py": FASTAPI, "a.py": "from limits import strategies\n", "b.py": "import x\ncache.hit(x)\n"}

    assert statuses(look(rate_limiting, tmp_path, files)) == [Status.PARTIAL]


JAVASCRIPT = {
    "express": ("import rateLimit from 'express-rate-limit'\napp.use(rateLimit({ max: 9 }))\n", Status.OK),
    "flexible": ("require('rate-limiter-flexible')\nlimiter.consume(req.ip)\n", Status.OK),
    "nest": (
        "import { ThrottlerGuard } from '@nestjs/throttler'\n({ useClass: ThrottlerGuard })\n",
        Status.OK,
    ),
    "fastify": ("await app.register(import('@fastify/rate-limit'), { max: 9 })\n", Status.OK),
    "upstash": ("import { Ratelimit } from '@upstash/ratelimit'\nawait ratelimit.limit(ip)\n", Status.OK),
    "nest without a guard": (
        "import { ThrottlerModule, ThrottlerGuard } from '@nestjs/throttler'\nThrottlerModule.forRoot([])\n",
        Status.PARTIAL,
    ),
    "express unused": ("import rateLimit from 'express-rate-limit'\n", Status.PARTIAL),
    "upstash and a query": (
        "import { Ratelimit } from '@upstash/ratelimit'\ndb.find().limit(3)\n",
        Status.PARTIAL,
    ),
    "none": ("app.get('/', (q, s) => s.send('x'))\n", Status.NOT_CONFIGURED),
}


@pytest.mark.parametrize(("code", "expected"), JAVASCRIPT.values(), ids=JAVASCRIPT)
def test_javascript_needs_a_limiter_that_is_put_to_use(tmp_path: Path, code: str, expected: Status) -> None:
    assert statuses(look(rate_limiting, tmp_path, {"src/app.ts": code, **EXPRESS})) == [expected]


@pytest.mark.parametrize(
    "files",
    [
        {"nginx/site.conf": "location / {\n  limit_req zone=one burst=5;\n}\n"},
        {"k8s/ingress.yaml": 'nginx.ingress.kubernetes.io/limit-rps: "5"\n'},
        {"compose.yml": "- traefik.http.middlewares.slow.ratelimit.average=100\n"},
        {"Caddyfile": "example.org {\n  rate_limit {\n"},
        {"infra/waf.tf": "rate_based_statement {\n"},
        {"config/initializers/rack_attack.rb": "Rack::Attack.throttle('ip', limit: 5)\n"},
        {"routes/api.php": "Route::middleware('throttle:60,1')\n"},
    ],
)
def test_what_stands_in_front_limits_for_all(tmp_path: Path, files: dict[str, str]) -> None:
    assert statuses(look(rate_limiting, tmp_path, {"app.py": FASTAPI, **files})) == [Status.OK]


def test_a_zone_that_no_place_uses_limits_nothing(tmp_path: Path) -> None:
    files = {
        "app.py": FASTAPI,
        "nginx.conf": "limit_req_zone $x zone=one:10m rate=1r/s;\n# limit_req zone=one;\n",
    }

    assert statuses(look(rate_limiting, tmp_path, files)) == [Status.NOT_CONFIGURED]


def test_each_language_that_answers_requests_is_judged(tmp_path: Path) -> None:
    go = (
        'import (\n"net/http"\n"github.com/go-chi/httprate"\n)\n'
        "func main() { r.Use(httprate.LimitByIP(9, m)) }\n"
    )
    files = {"api/app.py": FASTAPI, "edge/main.go": go}

    assert statuses(look(rate_limiting, tmp_path, files)) == [Status.NOT_CONFIGURED, Status.OK]


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": "slowapi"},
        {"tool.py": "import sys\n"},
        {"src/App.tsx": "x\n", "package.json": '{"dependencies": {"react": "19"}}'},
        # A tool wrote the only script: what it was made from is not here.
        {"server.js": "x;" * 3000, "package.json": '{"dependencies": {"express": "4"}}'},
        {"Main.java": "class Main {}\n"},
    ],
)
def test_what_answers_no_requests_here_is_not_judged(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotSupported):
        look(rate_limiting, tmp_path, files)

"""Imports and declarations: only what is imported for certain, and declared nowhere, is told."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.repository.imports_declared import imports_declared
from tests.readiness.probes.repositories import look
from tickets.findings import Finding
from tickets.scoring import Status


def found(folder: Path, files: Mapping[str, str]) -> Finding:
    (finding,) = look(imports_declared, folder, files)
    assert finding.criterion == "dep.declared"
    return finding


def python(code: str, *names: str, **more: str) -> dict[str, str]:
    """A small project that declares some names."""
    return {"requirements.txt": "\n".join(["some-tool", *names]), "app/main.py": code, **more}


def javascript(code: str, path: str = "src/a.ts", **package: Any) -> dict[str, str]:
    return {"package.json": json.dumps({"dependencies": {"react": "^18"}, **package}), path: code}


DECLARED: Mapping[str, dict[str, str]] = {
    "the same name": python("import flask\n", "Flask"),
    "dashes": python("from flask_login import x\n", "flask-login"),
    "a part of the name": python("import yaml, jwt, dateutil\n", "PyYAML", "pyjwt[x]", "python-dateutil"),
    "another name": python("import cv2, PIL, sklearn\n", "opencv-python-headless", "pillow", "scikit-learn"),
    "numpy with opencv": python("import cv2, numpy\n", "opencv-python-headless"),
    "tokens": python("import oauth2_provider\n", "django-oauth-toolkit"),
    "words left out": python("import aliyunsdkalimt\n", "aliyun-python-sdk-alimt"),
    "two letters": python("import rq\n", "rq"),
    "what comes with it": python("from starlette.x import y\nimport pydantic\n", "fastapi"),
    "ninja's models": python("import pydantic\n", "django-ninja"),
    "filters": python("import django_filters\n", "django-filter"),
    "sign-in elsewhere": python("import social_django, social_core\n", "social-auth-app-django"),
    "a hook of the build": python("", **{"hatch_build.py": "import hatchling\n"}),
    "a namespace": python("from google.cloud import storage\n"),
    "standard library": python("import os, tomllib\nfrom xml.etree import x\n"),
    "own package": python("from app import x\nimport helper\n", **{"helper.py": ""}),
    "own package below src": python("import shop.models\n", **{"src/shop/models.py": ""}),
    "own file beside": python("import config\n", **{"app/__init__.py": "", "app/config.py": ""}),
    "submodule of nothing": python("from . import x\nfrom .y import z\n"),
    "generated": python("import shop_pb2\nimport _version\n"),
    "windows and python 2": python("import win32api\nimport pywintypes\nimport urllib2\n"),
    "optional": python("try:\n    import orjson\nexcept ImportError:\n    orjson = None\n"),
    "for types": python("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\n"),
    "on one platform": python("import sys\nif sys.platform == 'win32':\n    import winsound2\n"),
    "late": python("def f():\n    import numpy\n"),
    "tests": python("", **{"tests/test_a.py": "import pytest\n", "app/conftest.py": "import pytest\n"}),
    "tools": python("", **{"scripts/x.py": "import numpy\n", "noxfile.py": "import nox\n"}),
    "does not parse": python("import (\n"),
    "lists in a folder": {"app/a.py": "import flask\n", "requirements/base.txt": "flask==3.0.0\n"},
    "an address": python("import mylib\n", "git+https://example.com/team/mylib.git@v1"),
    "an egg": python("import mylib\n", "-e git+ssh://x/y#egg=mylib"),
    "pyproject": {
        "pyproject.toml": (
            '[project]\ndependencies = ["flask"]\noptional-dependencies = {x = ["redis"]}\n'
            '[dependency-groups]\nrun = ["gunicorn", {include-group = "x"}]\n'
            '[tool.poetry.group.main.dependencies]\nhttpx = {version = "1", extras = ["http2"]}\n'
        ),
        "a.py": "import flask, redis, gunicorn, httpx\n",
    },
    "setup": {
        "Dockerfile": "FROM python\n",
        "setup.py": "setup(install_requires=['flask>=2'])\n",
        "setup.cfg": "[options]\ninstall_requires =\n  redis\n[options.extras_require]\nx =\n  httpx\n",
        "a.py": "import flask, redis, httpx\n",
    },
    "pipenv": {"Pipfile": '[packages]\nflask = "*"\n', "a.py": "import flask\n"},
    "conda": {"environment.yml": "dependencies: [x::flask=3, {pip: [redis]}]\n", "a.py": "import redis\n"},
    "image": python("import gunicorn\n", **{"Dockerfile": "RUN pip install -q \\\n  'gunicorn>=20'\n"}),
    "async with its extra": python("import sqlalchemy.ext.asyncio\n", "sqlalchemy[asyncio]"),
    "async with greenlet": python("from sqlalchemy.ext.asyncio import x\n", "sqlalchemy", "greenlet"),
    "npm": javascript('import React from "react"\nimport x from "react/jsx"\nexport * from "react"\n'),
    "built in": javascript('import fs from "fs"\nimport path from "node:path"\nimport "./a"\n'),
    "aliases": javascript('import a from "@/x"\nimport b from "~/y"\nimport c from "#z"\nimport "$lib/x"\n'),
    "types alone": javascript('import type { A } from "estree"\nimport { type B } from "geojson"\n'),
    "types declared": javascript('import { A } from "express"\n', peerDependencies={"@types/express": ""}),
    "commented": javascript('// import x from "lodash"\n/*\nimport y from "lodash"\n*/\n'),
    "lazy": javascript('const x = await import("lodash")\n{\n  const y = require("lodash")\n}\n'),
    "configuration": javascript("") | {"vite.config.ts": 'import x from "vite"\n'},
    "stories": javascript("") | {"src/a.stories.ts": 'import x from "storybook"\n'},
    "a path": javascript('import "shared/x"\n') | {"tsconfig.json": '{"paths": {"shared/*": ["x"]}}'},
    "a base url": javascript('import x from "components/x"\n') | {"src/components/x.ts": ""},
    "a member": javascript('import x from "@app/ui"\n') | {"ui/package.json": '{"name": "@app/ui"}'},
    "declared above": {
        "package.json": '{"devDependencies": {"lodash": "4"}}', "web/package.json": "{}",
        "web/src/a.js": 'const x = require("lodash")\n',
    },
    "deno": javascript('import x from "lodash"\n') | {"deno.json": "{}"},
}  # fmt: skip


@pytest.mark.parametrize("files", DECLARED.values(), ids=DECLARED)
def test_what_is_declared_or_not_certain_is_not_accused(tmp_path: Path, files: dict[str, str]) -> None:
    assert found(tmp_path, files).status == Status.OK


ABSENT: Mapping[str, tuple[dict[str, str], str]] = {
    "python": (python("import os\nimport numpy.linalg\n"), "app/main.py:2 needs numpy"),
    "from": (python("from numpy import array\n"), "app/main.py:1 needs numpy"),
    "other handler": (
        python("try:\n    import numpy\nexcept OSError:\n    pass\n"),
        "app/main.py:2 needs numpy",
    ),
    "named as itself": (
        python("", **{"shop/__init__.py": "", "shop/celery.py": "from celery import Celery\n"}),
        "shop/celery.py:1 needs celery",
    ),
    "declared elsewhere": (
        python("import flask\n", **{"other/requirements.txt": "flask\n"}),
        "app/main.py:1 needs flask",
    ),
    "typescript": (javascript('import {\n  a,\n  b\n} from "lodash"\n'), "src/a.ts:4 needs lodash"),
    "scoped": (javascript('import x from "@scope/thing/deep"\n'), "needs @scope/thing"),
    "for its effects": (javascript('import "core-js"\n'), "src/a.ts:1 needs core-js"),
    "vue": (
        javascript('<script>\nimport x from "lodash"\n</script>\n', "src/a.vue"),
        "src/a.vue:2 needs lodash",
    ),
    "needed at run time": (
        python("from sqlalchemy.ext.asyncio import create_async_engine\n", "sqlalchemy"),
        "needs greenlet for sqlalchemy.ext.asyncio",
    ),
    "email": (python("from pydantic import BaseModel, EmailStr\n", "pydantic"), "needs email-validator"),
    "uploads": (python("from fastapi import UploadFile\n", "fastapi"), "needs python-multipart"),
}


@pytest.mark.parametrize(("files", "words"), ABSENT.values(), ids=ABSENT)
def test_what_is_imported_and_not_declared_is_told_with_its_place(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    finding = found(tmp_path, files)

    assert finding.status == Status.PARTIAL
    assert words in finding.detail
    assert "not declared" in finding.detail


ASYNC = "import sqlalchemy.ext.asyncio\n"
LOCK = '[[package]]\nname = "{}"\nversion = "1.0"\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (python("import numpy\n", **{"uv.lock": LOCK.format("numpy")}), Status.PARTIAL),
        (python("import numpy\n", **{"uv.lock": LOCK.format("x")}), Status.MISSING),
        (python(ASYNC, "sqlalchemy", **{"uv.lock": LOCK.format("greenlet")}), Status.OK),
        (python(ASYNC, "sqlalchemy", **{"uv.lock": LOCK.format("x")}), Status.MISSING),
        (javascript('import "core-js"\n') | {"yarn.lock": 'core-js@1:\n  version "1"\n'}, Status.PARTIAL),
        (javascript('import "core-js"\n') | {"yarn.lock": 'b@1:\n  version "1"\n'}, Status.MISSING),
    ],
)  # fmt: skip
def test_what_a_complete_lock_lacks_too_will_not_start(
    tmp_path: Path, files: dict[str, str], expected: Status
) -> None:
    assert found(tmp_path, files).status == expected


COMPUTED = '[project]\ndynamic = ["dependencies"]\n[dependency-groups]\nx = ["a"]\n'


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": "import flask\n"},
        {"package.json": "{}"},
        {"pyproject.toml": COMPUTED, "a.py": "import b\n"},
        {"setup.py": "setup(install_requires=['a'])\n", "lib/x.py": "import b\n"},
        python("import b\n") | {"pyproject.toml": "[build-system]\nrequires = ['hatchling']\n"},
    ],
    ids=["no manifest", "no code", "computed when built", "a library by setup.py", "a library"],
)  # fmt: skip
def test_where_there_is_nothing_to_compare_nothing_is_claimed(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(imports_declared, tmp_path, files)


def test_other_languages_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="Python and JavaScript"):
        look(imports_declared, tmp_path, {"main.go": "package main\n"})


def test_a_broken_manifest_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(CannotTell):
        look(imports_declared, tmp_path, {"package.json": "{", "src/a.js": "x"})

"""Owns the small git repositories that the tests of probes read."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from readiness.outside.failures import CannotTell
from readiness.probes.checkout import Checkout, Reader
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import Probe, RepositoryLook
from tickets.findings import Finding
from tickets.scoring import Status

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_NAME": "Alice" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "alice@example.org" for who in ("AUTHOR", "COMMITTER")},
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a folder and return what it prints."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=ENVIRONMENT, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def repository(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Make a repository of one commit with these files, without a work tree, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    add_commit(folder, files)
    return folder


def add_commit(folder: Path, files: Mapping[str, str | bytes], modes: Mapping[str, str] | None = None) -> str:
    """Commit files by their objects alone, so that any name and any mode is possible. Returns the commit."""
    stream = bytearray(
        b"commit refs/heads/main\ncommitter Alice <alice@example.org> 1769644800 +0000\ndata 1\nx\n"
    )
    for path, content in files.items():
        blob = content.encode() if isinstance(content, str) else content
        mode = (modes or {}).get(path, "100644")
        quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        stream += f'M {mode} inline "{quoted}"\ndata {len(blob)}\n'.encode() + blob + b"\n"
    git(folder, "fast-import", "--quiet", "--force", stdin=bytes(stream))
    return git(folder, "rev-parse", "main")


@contextmanager
def checkout(folder: Path, files: Mapping[str, str | bytes]) -> Iterator[Checkout]:
    """Yield a checkout of a new repository with these files."""
    with Checkout.open(repository(folder / "repository.git", files)) as opened:
        yield opened


class Shelf(Reader):
    """Reads from memory what a repository would hold. How git is read is tested where checkouts are."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}

    def blob(self, sha: str, limit: int) -> bytes | None:
        """Return the first bytes of a file."""
        return self._files[sha][:limit]

    def size(self, sha: str) -> int | None:
        """Return how many bytes a file has."""
        return len(self._files[sha])


def look(
    probe: Callable[[Checkout], list[Finding]], folder: Path, files: Mapping[str, str | bytes]
) -> list[Finding]:
    """Return what a probe finds in a commit with these files; nothing is written, not even to the folder."""
    return probe(in_memory(files))


def statuses(findings: list[Finding]) -> list[Status]:
    """Return the statuses in order."""
    return [finding.status for finding in findings]


def in_memory(files: Mapping[str, str | bytes]) -> Checkout:
    """Return a checkout that nothing is written for; like git, it names a content by what is in it."""
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    blobs = {path: hashlib.sha1(content).hexdigest() for path, content in contents.items()}
    shelf = Shelf({blobs[path]: content for path, content in contents.items()})
    return Checkout("memory", "0" * 40, blobs, tree="1" * 40, reader=shelf)


def said(probe: Probe, there: Checkout) -> str:
    """Return what a repository probe says of files, or why it says nothing, for a comparison."""
    try:
        return repr(cast(RepositoryLook, probe.look)(there))
    except (NotApplicable, NotSupported, CannotTell) as reason:
        return repr(reason)


# A service about which every repository probe has something to say.
SERVICE: dict[str, str] = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["django==5.2", "sentry-sdk"]\n',
    "requirements.txt": "django==5.2.1\nsentry-sdk==2.1\n",
    "package.json": '{"name": "front", "dependencies": {"express": "4.19.2", "pino": "9.0.0"}}',
    "package-lock.json": '{"lockfileVersion": 3, "packages": {"": {"dependencies": {"express": "4.19.2"}}}}',
    "manage.py": "import os\nimport django\nos.environ['DJANGO_SETTINGS_MODULE']\n",
    "shop/settings.py": (
        "import os\nimport dj_database_url\nSECRET_KEY = os.environ.get('SECRET_KEY', 'let-everybody-in')\n"
        "DEBUG = True\nALLOWED_HOSTS = ['*']\nCORS_ALLOWED_ORIGINS = ['http://localhost:3000']\n"
        "INSTALLED_APPS = ['shop']\nDATABASES = {'default': {'ENGINE': 'sqlite', 'CONN_MAX_AGE': 60}}\n"
        "LOGGING = {'formatters': {'json': {'()': 'pythonjsonlogger.JsonFormatter'}}}\n"
    ),
    "shop/settings_prod.py": "from shop.settings import *\nDEBUG = False\n",
    "shop/models.py": "from django.db import models\n\n\nclass Basket(models.Model):\n    pass\n",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_first.py": (
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        "    dependencies = []\n"
        "    operations = [migrations.CreateModel(name='Basket', fields=[])]\n"
    ),
    "shop/migrations/0002_second.py": (
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        "    dependencies = [('shop', '0001_first')]\n    operations = []\n"
    ),
    "shop/tracking.py": "import logging\nimport sentry_sdk\n\nsentry_sdk.init(dsn='')\n",
    "shop/limits.py": "from django_ratelimit.decorators import ratelimit\n\n\n@ratelimit(key='ip')\n",
    "shop/views.py": "import httpx\nfrom django.http import HttpResponse\n",
    "tests/test_views.py": "def test_it(client):\n    assert client.get('/')\n",
    "server/index.js": "const pino = require('pino')()\nprocess.env.JWT_SECRET || 'weak'\napp.use(cors())\n",
    "server/routes.js": "import lodash from 'lodash'\nconst pool = new Pool(process.env.DATABASE_URL)\n",
    "cmd/main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":80", nil) }\n',
    "cmd/go.mod": "module shop\n\ngo 1.22\n",
    "static/page.html": '<script src="https://unpkg.com/vue"></script>\n',
    "static/app.js": "console.log(1)\n",
    "Dockerfile": "FROM python:3.11\nENV DEBUG=1\nCMD python manage.py runserver\n",
    "compose.yml": "services:\n  web:\n    environment:\n      SECRET_KEY: ${SECRET_KEY}\n",
    ".env.example": "SECRET_KEY=\n",
    ".env": "SECRET_KEY=hunter2hunter2\n",
    ".github/workflows/ci.yml": "on: [push]\njobs:\n  test:\n    steps:\n      - run: pytest\n",
    "README.md": "# Shop\n\nA shop.\n\n## Deployment\n\n" + "Copy it over. " * 80 + "\n",
    "docs/runbook.md": "# Troubleshooting\n\n" + "Look at the log. " * 60,
    "docs/notes.txt": "JWT_SECRET is secret.\n",
    "LICENSE": "Permission is hereby granted, free of charge. " * 10,
    "SECURITY.md": "Write to security@example.org about weaknesses, in confidence and in time.\n" * 3,
    "setup.cfg": "[coverage:report]\nfail_under = 80\n",
}

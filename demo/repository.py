"""Owns the demo's repository: a little git history to read, whose newest commit has the faults not cured."""

import subprocess
from pathlib import Path
from shutil import rmtree

GUIDES = Path(__file__).resolve().parent / "guides"
README = """# Harbour Books

A web shop that exists only to have its readiness looked at: nobody has ever bought a book here. It has a
page, an API and a health check, like the service that runs beside this repository. What an audit found wrong
with it can be cured, one fault at a time, with `script/demo fix`. Each cure is a commit, and whoever reads
the newest commit sees it.

Run the tests with `.ci/run`. The settings that it needs are in `.env.example`.
"""
ALWAYS = {
    "README.md": README,
    "LICENSE": "All rights reserved. It is an example: do with it what you like, and blame nobody.\n",
    "SECURITY.md": "# Security\n\nReport a weakness to security@demo.example. We answer in two days.\n",
    ".github/dependabot.yml": "version: 2\nupdates:\n- {package-ecosystem: pip, directory: /}\n",
    ".ci/run": "#!/bin/sh\nset -e\npython -m pytest\n",
    ".env.example": "SESSION_SECRET=\nDATABASE_URL=\nALLOWED_ORIGINS=https://shop.demo.example\nERRORS_DSN=\n",
    "shop/__init__.py": "",
    "shop/logs.py": (
        "import logging\nimport sys\n\nfrom pythonjsonlogger.json import JsonFormatter\n\n"
        "handler = logging.StreamHandler(sys.stdout)\nhandler.setFormatter(JsonFormatter())\n"
        "logging.getLogger().addHandler(handler)\n"
    ),
    "shop/limits.py": (
        "from flask_limiter import Limiter\nfrom flask_limiter.util import get_remote_address\n\n"
        'limiter = Limiter(get_remote_address, default_limits=["100/minute"])\n'
    ),
}
LOCK = (
    "blinker==1.9.0\nflask==3.1.2\nflask-limiter==4.0.0\npython-json-logger==4.0.0\nsentry-sdk==2.42.0\n"
    "sqlalchemy==2.0.44\n"
)
TESTS = {
    "tests/test_prices.py": "def test_a_price_is_rounded_up():\n    assert -(-199 // 100) == 2\n",
    "tests/integration/test_orders.py": (
        "from shop.app import app\n\n\ndef test_an_order_is_kept():\n"
        '    assert app.test_client().post("/api/orders").status_code == 201\n'
    ),
    "tests/e2e/test_checkout.py": (
        "from playwright.sync_api import Page\n\n\ndef test_a_book_is_bought(page: Page):\n"
        '    page.goto("https://app.demo.example")\n    page.get_by_text("Buy").click()\n'
    ),
}
OF_THE_SERVICE = frozenset({"health", "headers"})
"""Faults that only the running service has."""


def files(cured: frozenset[str]) -> dict[str, str]:
    """Return the whole repository, as file to text, with these faults cured."""
    found = {**ALWAYS, "pyproject.toml": project(cured), "shop/settings.py": settings(cured)}
    found["shop/app.py"] = app(cured)
    if "lock" in cured:
        found["requirements.txt"] = LOCK
    if "tests" in cured:
        found |= TESTS
    if "guides" in cured:
        found |= {f"docs/{path.name}": path.read_text() for path in sorted(GUIDES.glob("*.md"))}
    return found


def project(cured: frozenset[str]) -> str:
    """Return the manifest."""
    names = ["flask>=3", "flask-limiter>=3", "python-json-logger>=3", "sqlalchemy>=2"]
    names += ["sentry-sdk>=2"] if "errors" in cured else []
    listed = ", ".join(f'"{name}"' for name in names)
    return (
        f'[project]\nname = "harbour-books"\nversion = "1.4.0"\ndependencies = [{listed}]\n\n'
        "[tool.coverage.report]\nfail_under = 80\n"
    )


def settings(cured: frozenset[str]) -> str:
    """Return the settings: from the environment where that is cured, else as a developer left them."""
    session = (
        'os.environ["SESSION_SECRET"]\nif len(SESSION_SECRET) < 32:\n'
        '    raise RuntimeError("SESSION_SECRET is shorter than 32 letters.")'
    )
    if "secret" not in cured:
        session = 'os.environ.get("SESSION_SECRET", "harbour-books-secret")'
    database = 'os.environ["DATABASE_URL"]' if "database" in cured else '"sqlite:///shop.db"'
    options = ", pool_size=10, pool_pre_ping=True" if "database" in cured else ""
    origins = 'os.environ["ALLOWED_ORIGINS"].split(",")'
    if "cors" not in cured:
        origins = '["http://localhost:3000", "http://127.0.0.1:3000"]'
    return (
        "import os\n\nfrom sqlalchemy import create_engine\n\n"
        f"SESSION_SECRET = {session}\nDATABASE_URL = {database}\nALLOWED_ORIGINS = {origins}\n"
        f"ENGINE = create_engine(DATABASE_URL{options})\n"
    )


def app(cured: frozenset[str]) -> str:
    """Return the application."""
    tracker = (
        'import os\n\nimport sentry_sdk\n\nsentry_sdk.init(dsn=os.environ["ERRORS_DSN"])\n'
        if "errors" in cured
        else ""
    )
    return f"{tracker}from flask import Flask\n\napp = Flask(__name__)\n"


def show(cured: frozenset[str], folder: Path) -> None:
    """Make the repository's newest commit what the cured faults say; a commit only when something changes."""
    if not (folder / ".git").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch", "main")
    write(folder, files(cured))
    git(folder, "add", "--all")
    if git(folder, "status", "--porcelain"):
        named = ", ".join(sorted(cured - OF_THE_SERVICE)) or "nothing"
        git(folder, "commit", "--quiet", "--message", f"The shop, cured of {named}")


def write(folder: Path, wanted: dict[str, str]) -> None:
    """Make a folder hold these files and no others, its history apart."""
    for there in folder.iterdir():
        if there.is_dir() and there.name != ".git":
            rmtree(there)
        elif there.is_file():
            there.unlink()
    for name, text in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder: Path, *arguments: str) -> str:
    """Run git in the folder as nobody in particular, without the machine's own configuration."""
    identity = ["-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout

"""Owns the settings of a test run: the product's own, with an environment made for one run.

TEST_DATABASE chooses the leg: `sqlite` (the default) with Celery's filesystem broker, or `postgres` with
Redis, whose addresses `script/with-services` puts into TEST_POSTGRES_URL and TEST_REDIS_URL. Whatever `.env`
or the shell says about a real installation is overruled, so a test never meets somebody's data.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KNOWN = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)


def own_folder() -> Path:
    """Make the folder that this run keeps its files in, and remove it when the run ends.

    The workers of pytest-xdist inherit the first process's folder, and leave the removing to it.
    """
    if folder := os.environ.get("TEST_VAR_DIR"):
        return Path(folder)
    runs = ROOT / "var" / "test"
    runs.mkdir(parents=True, exist_ok=True)
    folder = os.environ["TEST_VAR_DIR"] = tempfile.mkdtemp(prefix="run-", dir=runs)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def services(leg: str, folder: Path, worker: int) -> dict[str, str]:
    """Return the addresses of the database and the broker for a leg; SystemExit when it has none.

    Each worker of pytest-xdist has a broker of its own; pytest-django gives it a database of its own.
    """
    if leg == "sqlite":
        return {"DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "BROKER_URL": "filesystem://"}
    if leg != "postgres":
        raise SystemExit(f"TEST_DATABASE is {leg!r}. Use sqlite or postgres.")
    try:
        return {
            "DATABASE_URL": os.environ["TEST_POSTGRES_URL"],
            "BROKER_URL": f"{os.environ['TEST_REDIS_URL']}/{worker}",
        }
    except KeyError as missing:
        raise SystemExit(
            f"TEST_DATABASE=postgres needs {missing.args[0]}. Run script/test, "
            "or script/with-services in front of your command."
        ) from None


WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
FOLDER = own_folder() / str(WORKER)
# WhiteNoise warns, and a warning fails a test, when the folder of the static files is not there.
(FOLDER / "static").mkdir(parents=True, exist_ok=True)
for name in KNOWN:
    os.environ.pop(name, None)
os.environ |= {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "the-key-of-the-test-run-which-guards-nothing-at-all",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "SITE_URL": "http://127.0.0.1",
    "EGRESS_ALLOW": "127.0.0.0/8",
    "VAR_DIR": str(FOLDER),
    "LOG_LEVEL": "WARNING",
    "RDAP_SERVERS": "",  # no test asks the internet
    **services(os.environ.get("TEST_DATABASE", "sqlite"), FOLDER, WORKER),
}

import readiness.settings as product  # noqa: E402 - the environment above has to come first
from readiness.settings import *  # noqa: E402, F403 - all of it is wanted here

STORAGES = {
    **product.STORAGES,
    # The product's own asks for collected files; the tests that start a web server collect them.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["tests.passwords.QuickArgon2PasswordHasher"]

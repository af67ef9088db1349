"""Owns the settings: everything that differs between two installations comes from the environment.

Nothing here has a default that would be unsafe in production: without SECRET_KEY, ALLOWED_HOSTS, SITE_URL,
DATABASE_URL and BROKER_URL the program does not start. `script/server` writes a `.env` for one machine.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from readiness.files import storage_of

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

SECRET_KEY = env.str("SECRET_KEY")
if len(SECRET_KEY) < 40:
    raise ImproperlyConfigured("SECRET_KEY is shorter than 40 characters. Use a long random one.")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SITE_URL = env.str("SITE_URL").rstrip("/")
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))


def is_loopback(host: str) -> bool:
    """Tell whether a host name is this machine, for which plain HTTP is acceptable."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SITE = urlsplit(SITE_URL)
SECURE = SITE.scheme == "https"
if not SECURE and not (SITE.scheme == "http" and is_loopback(SITE.hostname or "")):
    raise ImproperlyConfigured(
        f"SITE_URL is {SITE_URL!r}. Use an https:// address; http:// is accepted for this machine only."
    )

INSTALLED_APPS = [
    "tickets",
    "readiness",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "django_structlog",
    "template_partials",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tickets.middleware.RequestLog",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tickets.middleware.ContentPolicy",
    "django_htmx.middleware.HtmxMiddleware",
    "tickets.middleware.RefuseNul",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "readiness.urls"
WSGI_APPLICATION = "readiness.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django.templatetags.static", "template_partials.templatetags.partials"],
        },
    }
]

SQLITE_OPTIONS: dict[str, Any] = {
    # Writers queue for the lock at BEGIN; a deferred transaction that turns into a write fails at once.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;",
}
DATABASES = {"default": env.db("DATABASE_URL")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    # Tests that use threads need a file: an in-memory database is one connection's own.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tickets.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "tickets.views.people.locked_out"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "files"
try:
    FILES = storage_of(
        env.str("FILES_STORAGE", default=""),
        MEDIA_ROOT,
        access_key=env.str("FILES_ACCESS_KEY", default=""),
        secret_key=env.str("FILES_SECRET_KEY", default=""),
    )
except ValueError as wrong:
    raise ImproperlyConfigured(str(wrong)) from None
STORAGES = {
    "default": FILES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024

BROKER_URL = env.str("BROKER_URL")
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TASK_DEFAULT_QUEUE = "intake"
CELERY_TASK_ROUTES = {
    "readiness.tasks.run_probes": {"queue": "probes"},
    "readiness.tasks.read_repository": {"queue": "repository"},
    "readiness.tasks.try_probes": {"queue": "probes"},
    "readiness.tasks.apply_push": {"queue": "intake"},
    "readiness.tasks.look_at_deployments": {"queue": "scheduled"},
    "readiness.tasks.look_at_repository": {"queue": "repository"},
    "readiness.tasks.apply_delivery": {"queue": "intake"},
    "readiness.tasks.post_status": {"queue": "intake"},
    "readiness.tasks.render_report": {"queue": "reports"},
    "readiness.tasks.tick": {"queue": "tick"},
    "readiness.tasks.tidy": {"queue": "tick"},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat")
CELERY_BEAT_SCHEDULE = {
    # An undelivered tick is worth nothing once the next one is due.
    "tick": {"task": "readiness.tasks.tick", "schedule": 5.0, "options": {"expires": 5.0}},
    "tidy": {"task": "readiness.tasks.tidy", "schedule": 60.0, "options": {"expires": 60.0}},
}
if BROKER_URL.startswith("filesystem:"):
    BROKER_DIR = VAR_DIR / "broker"
    for folder in ("queue", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        # While as many tasks run as may, the folder is looked at again after so many seconds; by default 1.
        "polling_interval": 0.1,
    }
else:
    # A killed worker's messages come back after the visibility timeout; the row's lease rings sooner.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 1000,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }

EGRESS_ALLOW = env.list("EGRESS_ALLOW", default=[])
EGRESS_ALLOW_PORTS = env.list("EGRESS_ALLOW_PORTS", cast=int, default=[])
DNS_SERVERS = env.list("DNS_SERVERS", default=[])
REPOSITORY_ROOTS = env.list("REPOSITORY_ROOTS", default=[])
RDAP_SERVERS = env.str("RDAP_SERVERS", default="https://data.iana.org/rdap/dns.json")
OSV_DUMP = env.str("OSV_DUMP", default="")
PROBE_CONFIRM_SECONDS = env.float("PROBE_CONFIRM_SECONDS", default=1.0)
VANTAGE = env.str("VANTAGE", default="")
BATCHES_AT_ONCE = {
    "runtime": env.int("SCHEDULED_AT_ONCE", default=1),
    "repository": env.int("REPOSITORIES_AT_ONCE", default=1),
}
PAYLOAD_MAX_BYTES = env.int("PAYLOAD_MAX_BYTES", default=25 * 1024 * 1024)
RUN_MAX_BYTES = env.int("RUN_MAX_BYTES", default=250 * 1024 * 1024)
PAYLOAD_DAYS = env.int("PAYLOAD_DAYS", default=90)
API_READS_PER_MINUTE = env.int("API_READS_PER_MINUTE", default=600)
API_WRITES_PER_MINUTE = env.int("API_WRITES_PER_MINUTE", default=120)
DOORS_PER_MINUTE = env.int("DOORS_PER_MINUTE", default=6000)
LEASE_SECONDS = env.int("LEASE_SECONDS", default=120)
RING_AGAIN_SECONDS = env.int("RING_AGAIN_SECONDS", default=20)
DEMO_URL = env.str("DEMO_URL", default="")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": [
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
            ],
        }
    },
    "filters": {"addresses": {"()": "tickets.middleware.AddressFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"django.request": {"filters": ["addresses"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

"""The program, or what stands in front of it, limits how often one client may ask."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from readiness.probes import javascript, services
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import Fact, fact
from readiness.probes.outcomes import NotSupported
from readiness.probes.registry import probe
from readiness.probes.services import Signs
from readiness.probes.variables import without_comments
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "sec.rate-limit-code"


@dataclass(frozen=True, slots=True)
class Library:
    """A library that limits: how it is brought in, and what shows that it is put to use.

    A `general` one is a framework with limits among other things; the use of a `plain` one is known by a
    word that others use too, so it counts only in a file that brings the library in.
    """

    name: str
    brought: re.Pattern[str]
    used: re.Pattern[str]
    general: bool = False
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """What answers requests in one language: how it is read, and for which signs."""

    language: str
    libraries: tuple[Library, ...]
    read: Callable[[Checkout, Fact], list[tuple[str, Signs]]]
    brought: Fact
    used: Fact


def _library(name: str, brought: str, used: str, *, general: bool = False, plain: bool = False) -> Library:
    return Library(name, re.compile(brought), re.compile(used), general, plain)


def _imports(module: str) -> str:
    return rf"(?m)^\s*(?:from|import) {module}\b"


DECORATED = r"@\w+\.(?:shared_)?limit\(|\blimiter\.(?:shared_)?limit\(|(?:default|application)_limits\s*="
PYTHON = (
    _library("slowapi", _imports("slowapi"), DECORATED),
    _library("Flask-Limiter", _imports("flask_limiter"), DECORATED),
    _library("django-ratelimit", _imports("(?:django_)?ratelimit"), r"@\w*ratelimit\(|ratelimit\(\s*key\s*="),
    _library(
        "REST framework",
        r"rest_framework|REST_FRAMEWORK",
        r"DEFAULT_THROTTLE_CLASSES[\"']\s*:\s*[\[(]\s*[\"'\w]|throttle_classes\s*=\s*[\[(]\s*\w"
        r"|@throttle_classes\(\s*[\[(]\s*\w",
        general=True,
    ),
    _library("Ninja", _imports("ninja"), r"\bthrottle\s*=\s*\[?\s*\w+", general=True, plain=True),
    _library("fastapi-limiter", _imports("fastapi_limiter"), r"\bRateLimiter\(", plain=True),
    _library("Litestar", r"litestar\.middleware\.rate_limit", r"\bRateLimitConfig\("),
    _library("quart-rate-limiter", _imports("quart_rate_limiter"), r"@rate_limit\(|default_limits\s*="),
    _library("limits", _imports("limits"), r"\.hit\(", plain=True),
)
JAVASCRIPT = (
    _library(
        "express-rate-limit",
        r"[\"']express-rate-limit[\"']",
        r"\b(?:rateLimit|RateLimit|expressRateLimit|rateLimiter)\s*\(\s*[{\w]",
    ),
    _library("express-slow-down", r"[\"']express-slow-down[\"']", r"\bslowDown\s*\("),
    _library(
        "rate-limiter-flexible",
        r"[\"']rate-limiter-flexible[\"']",
        r"\b\w*[lL]imit\w*\.consume\s*\(",
    ),
    _library(
        "Nest's throttler",
        r"[\"']@nestjs/throttler[\"']",
        r"useClass:\s*\w*Throttler\w*Guard|@UseGuards\([^)]*Throttler\w*Guard"
        r"|new \w*ThrottlerGuard\(|extends ThrottlerGuard",
    ),
    _library(
        "@fastify/rate-limit",
        r"[\"'](?:@fastify/rate-limit|fastify-rate-limit)[\"']",
        r"\.register\s*\(",
        plain=True,
    ),
    _library(
        "koa-ratelimit",
        r"[\"']koa2?-ratelimit[\"']",
        r"(?i)\bratelimit\w*(?:\.middleware)?\s*\(\s*\{",
    ),
    _library("hono-rate-limiter", r"[\"']hono-rate-limiter[\"']", r"\brateLimiter\s*\("),
    _library("@upstash/ratelimit", r"[\"']@upstash/ratelimit[\"']", r"(?i)\b\w*rate_?limit\w*\.limit\s*\("),
    _library("@adonisjs/limiter", r"[\"']@adonisjs/limiter", r"\blimiter\.(?:define|use)\s*\("),
)
GO = (
    _library("httprate", r"go-chi/httprate", r"httprate\.Limit"),
    _library("tollbooth", r"didip/tollbooth", r"tollbooth\.(?:Limit|NewLimiter)"),
    _library(
        "limiter",
        r"ulule/limiter|fiber/v\d/middleware/limiter|gin-contrib/\w*limit",
        r"limiter\.New|NewMiddleware",
    ),
    _library("echo", r"labstack/echo", r"middleware\.RateLimiter", general=True),
)
# Languages in which the absence cannot be told: what is found counts.
OTHERS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    (
        "Rack::Attack",
        ("*.rb",),
        re.compile(r"Rack::Attack\.throttle|(?m:^\s*throttle\()|(?m:^\s*rate_limit to:)"),
    ),
    (
        "Laravel's throttle",
        ("*.php",),
        re.compile(r"[\"']throttle:[\w,]+|RateLimiter::for\(|ThrottleRequests::class"),
    ),
    (
        "a rate limiter",
        ("*.java", "*.kt"),
        re.compile(r"@RateLimiter\(|Bucket(?:4j)?\.builder\(|RequestRateLimiter|RateLimiter\.create\("),
    ),
    ("ASP.NET's rate limiter", ("*.cs",), re.compile(r"\.UseRateLimiter\(")),
)
EDGE: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    ("nginx", ("*.conf", "*.conf.template", "*.conf.j2", "nginx*"), re.compile(r"(?m)^\s*limit_req\s+zone=")),
    (
        "the ingress",
        ("*.yml", "*.yaml", "*.toml"),
        re.compile(
            r"ingress\.kubernetes\.io/limit-(?:rps|rpm|connections)|ratelimit\.average|(?m:^\s*rateLimit:\s*$)"
            r"|name:\s*rate-limiting|local_ratelimit|http\.middlewares\.[\w-]+\.ratelimit"
        ),
    ),
    ("Caddy", ("Caddyfile*",), re.compile(r"(?m)^\s*rate_limit\b")),
    ("HAProxy", ("*.cfg",), re.compile(r"http_req_rate\(")),
    (
        "the provider's edge",
        ("*.tf", "*.tf.json"),
        re.compile(
            r"rate_based_statement|throttling_rate_limit|cloudflare_rate_limit|rate_limit_options|http_ratelimit"
        ),
    ),
)
SIGN_IN = re.compile(r"[\"'](?:axes\.(?:backends|middleware)|defender\.middleware)\.|[\"']express-brute[\"']")
# What answers 429 itself limits something, in a way that is not known here.
OWN = re.compile(
    r"(?im)^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:class|def|function|func|const)\s+\w*(?:rate_?limit|throttl)\w*|rate\.NewLimiter\("
    r"|\bstatus(?:_code|Code)?\s*(?:=(?!=)|:|\()\s*429\b|\bProblem\(\s*429\b|\bHTTPException\(\s*429\b"
    r"|\bHTTP_429\w*|\bStatusTooManyRequests\b|\bTooManyRequests\(|\.sendStatus\(\s*429\b"
)


@probe(
    "rate-limiting",
    title="Rate limits in code",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="One client with a loop can try every password, or take the service away from everybody else.",
    fix="Limit requests for each client, at the sign-in and the costly paths first, and answer 429 beyond.",
)
def rate_limiting(checkout: Checkout) -> list[Finding]:
    """Look for a library that limits and for its use, and for limits of what stands in front.

    Whether a limit holds, only the running deployment can show.
    """
    edge = [*elsewhere(checkout, EDGE), *elsewhere(checkout, OTHERS)]
    if edge:
        detail = f"Requests are limited by {edge[0][0]} ({edge[0][1]})."
        return [Finding(CLAIM, Status.OK, detail, {"at": [where for _, where in edge[:10]]})]
    parts = [
        Part("Python", PYTHON, services.in_python, brought_by_python, used_by_python),
        Part("JavaScript", JAVASCRIPT, services.in_javascript, brought_by_javascript, used_by_javascript),
        Part("Go", GO, services.in_go, brought_by_go, used_by_go),
    ]
    signs = [(part, files) for part in parts if (files := part.read(checkout, part.brought))]
    if not signs:
        raise NotSupported("No service was found in a language whose rate limits are known here.")
    judged = [finding for part, files in signs if (finding := of_language(checkout, part, files))]
    if not judged:
        at = next(at for _, files in signs if (at := services.first_sign(files, "own")))
        raise NotSupported(
            f"Something that may limit requests is at {at}; which of them it limits cannot be seen in code."
        )
    return judged


def elsewhere(
    checkout: Checkout, signs: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]
) -> Iterator[tuple[str, str]]:
    """Yield the name and the place of what limits by configuration, or in a language of the second table."""
    for name, patterns, _ in signs:
        if at := services.first_sign(checkout.own_told(limits_elsewhere, *patterns), name):
            yield name, at


@fact
def limits_elsewhere(_path: str, content: bytes) -> dict[str, int]:
    """Return where a file of configuration, or one in another language, limits requests."""
    signs = {name: sign for name, _, sign in (*EDGE, *OTHERS)}
    return services.signs_in(without_comments(text_of(content)), signs)


@fact
def brought_by_python(_path: str, content: bytes) -> dict[str, int]:
    """Return which libraries that limit a module of Python brings in, and where it limits by itself."""
    return brought(without_comments(text_of(content)), PYTHON)


@fact
def used_by_python(_path: str, content: bytes) -> dict[str, int]:
    """Return which libraries that limit a module of Python puts to use."""
    return used(without_comments(text_of(content)), PYTHON)


@fact
def brought_by_javascript(_path: str, content: bytes) -> dict[str, int]:
    """Return which libraries that limit a file of JavaScript brings in, and where it limits by itself."""
    return brought(javascript.code_in(content) or "", JAVASCRIPT)


@fact
def used_by_javascript(_path: str, content: bytes) -> dict[str, int]:
    """Return which libraries that limit a file of JavaScript puts to use."""
    return used(javascript.code_in(content) or "", JAVASCRIPT)


@fact
def brought_by_go(_path: str, content: bytes) -> dict[str, int]:
    """Return which libraries that limit a file of Go brings in, and where it limits by itself."""
    return brought(javascript.code_of(text_of(content)), GO)


@fact
def used_by_go(_path: str, content: bytes) -> dict[str, int]:
    """Return which libraries that limit a file of Go puts to use."""
    return used(javascript.code_of(text_of(content)), GO)


def brought(code: str, libraries: tuple[Library, ...]) -> dict[str, int]:
    """Return where libraries are brought in, where something of its own limits, and where sign-ins are."""
    patterns = {library.name: library.brought for library in libraries}
    return services.signs_in(code, {**patterns, "own": OWN, "sign-in": SIGN_IN})


def used(code: str, libraries: tuple[Library, ...]) -> dict[str, int]:
    """Return where libraries are put to use."""
    return services.signs_in(code, {library.name: library.used for library in libraries})


def of_language(checkout: Checkout, part: Part, files: list[tuple[str, Signs]]) -> Finding | None:
    """Return what limits the requests that one language answers; None when something unknown might."""
    places = {library.name: services.first_sign(files, library.name) for library in part.libraries}
    bringing = [(library, at) for library in part.libraries if (at := places[library.name])]
    uses = part.read(checkout, part.used) if bringing else []
    for library, at in bringing:
        if where := use(library, files, uses):
            detail = f"{library.name} limits requests ({where})."
            return Finding(CLAIM, Status.OK, detail, {"library": library.name, "at": where, "brought": at})
    for library, at in bringing:
        if not library.general:
            detail = f"{library.name} is brought in ({at}), and nothing uses it to limit."
            return Finding(CLAIM, Status.PARTIAL, detail, {"library": library.name, "at": at})
    if services.first_sign(files, "own"):
        return None
    if at := services.first_sign(files, "sign-in"):
        detail = f"Failed sign-ins are limited ({at}), and nothing limits other requests."
        return Finding(CLAIM, Status.PARTIAL, detail, {"at": at})
    nothing = f"Nothing in the repository limits the requests that {part.language} answers."
    detail = f"{nothing} If the edge does, say where."
    return Finding(CLAIM, Status.NOT_CONFIGURED, detail, {"language": part.language})


def use(library: Library, files: list[tuple[str, Signs]], uses: list[tuple[str, Signs]]) -> str:
    """Return a place that puts a library to use, or ""."""
    bringing = {path for path, signs in files if library.name in signs}
    able = [(path, signs) for path, signs in uses if path in bringing or not library.plain]
    return services.first_sign(able, library.name)

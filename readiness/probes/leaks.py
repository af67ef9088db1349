"""Owns the marks by which an answer gives away what happens inside: traces, debug pages, addresses."""

import re

# Each pattern is specific to a framework's own page or trace; a word like "error" is no mark.
TRACES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Django's debug page", re.compile(r"seeing this error because you have <code>DEBUG = True</code>")),
    ("Django's debug page", re.compile(r"Using the URLconf defined in <code>")),
    ("the Werkzeug debugger", re.compile(r"Werkzeug Debugger|__debugger__=yes|EVALEX\s*=\s*true")),
    ("a Python traceback", re.compile(r"Traceback \(most recent call last\):")),
    (
        "a Node.js stack",
        re.compile(r"\n?\s*(?:&nbsp;)*\s*at \S[^\n(<]{0,100}\((?:file://)?(?:/|[A-Z]:\\)[^)\n]+:\d+:\d+\)"),
    ),
    ("a Java stack", re.compile(r"(?:\b|\\t)at [\w.$]+\([\w$]+\.(?:java|kt|scala):\d+\)")),
    (
        "a .NET stack",
        re.compile(r"\bat [\w.`<>]+\([^)\n]*\) in [A-Z/][^\n]+:line \d+|Server Error in '/' Application"),
    ),
    (
        "Laravel's error page",
        re.compile(r"Illuminate\\(?:\\)?\w+|vendor/laravel/framework|\"flareQuery\"|ignition"),
    ),
    ("Symfony's error page", re.compile(r"Symfony Exception|sf-dump|/_profiler/[0-9a-f]{6}")),
    ("a PHP error", re.compile(r"<b>(?:Fatal error|Warning|Notice|Parse error)</b>:.{1,300}? in <b>/")),
    ("Rails' error page", re.compile(r"Action Controller: Exception caught|<code>Rails\.root: ")),
    ("a Ruby stack", re.compile(r"/gems/[\w.-]+/lib/\S+\.rb:\d+:in ")),
    ("a Go panic", re.compile(r"goroutine \d+ \[running\]:")),
    ("Phoenix's debug page", re.compile(r"Phoenix\.Router\.NoRouteError|Plug\.Debugger")),
    (
        "a database error",
        re.compile(r"SQLSTATE\[\w+\]|psycopg2?\.errors\.|sqlalchemy\.exc\.|sqlite3\.\w+Error|ORA-\d{5}"),
    ),
    ("a database error", re.compile(r"You have an error in your SQL syntax|PG::\w+Error|MongoServerError")),
)
SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "an address with its password",
        re.compile(r"\b[a-z][a-z0-9+]{2,20}://[^\s:/@\"']{0,80}:[^\s/@\"']{1,200}@"),
    ),
    (
        "a password",
        re.compile(
            r"(?i)\"?(?:password|passwd|secret|api[_-]?key)\"?\s*[:=]\s*\"?"
            # Whether one is set is everybody's business; what it is, is not.
            r"(?!\*|\[|(?:ok|set|unset|configured|present|loaded|true|false|null|none|valid|healthy|up|down"
            r"|missing|redacted|masked|hidden|available|connected)\b)[^\s\"',}]{4,}"
        ),
    ),
)
INSIDE: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a private address",
        re.compile(r"\b(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}\b"),
    ),
    (
        "an internal host name",
        re.compile(
            r"\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|svc\.cluster\.local|rds\.amazonaws\.com|cache\.amazonaws\.com)\b"
        ),
    ),
    (
        "an address of a service",
        re.compile(r"\b(?:postgres(?:ql)?|mysql|redis|rediss|amqps?|mongodb(?:\+srv)?)://\S+"),
    ),
)


def first(text: str, marks: tuple[tuple[str, re.Pattern[str]], ...]) -> str:
    """Return what the first mark in a text is ("a Python traceback"), or ""."""
    return next((what for what, pattern in marks if pattern.search(text)), "")

"""Owns the reading of environment files: names and whether they have a value, never the values themselves."""

import re

from readiness.probes.checkout import Checkout

EXAMPLES = re.compile(r"(?i)example|sample|template|dist|default|schema|\.enc$|\.age$|vault")
LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*$")
COMMENTED = re.compile(r"^\s*#\s?(?:export\s+)?([A-Z_][A-Z0-9_]*)\s*=")
SECRET_NAME = re.compile(
    r"(?i)secret|passw|token|api_?key|private_?key|credential|dsn|_url$|_uri$|access_?key|_key$"
)
PLACEHOLDER = re.compile(
    r"(?i)change.?me|example|placeholder|your[-_ ]|xxx|<[^>]*>|\$\{|\.\.\.|^(true|false|\d+)$"
)


def names(text: str, *, commented: bool = False) -> dict[str, str]:
    """Return the variables of an environment file and their values; with `commented`, the hidden ones too."""
    found = {}
    for line in text.splitlines():
        if match := LINE.match(line):
            value = match[2]
            found[match[1]] = (
                value[1:-1] if value[:1] in "\"'" and value[-1:] == value[:1] else value.split(" #")[0]
            )
        elif commented and (hidden := COMMENTED.match(line)):
            found.setdefault(hidden[1], "")
    return found


def committed(checkout: Checkout) -> list[str]:
    """Return the environment files that are no examples, in folders that are the project's own."""
    return [path for path in checkout.own_files(".env", ".env.*", "*.env") if not is_example(path)]


def examples(checkout: Checkout) -> list[str]:
    """Return the example environment files."""
    files = checkout.files(".env*", "*.env*", "env.example", "env.sample", "example.env")
    return [path for path in files if is_example(path)]


def is_example(path: str) -> bool:
    """Tell by its name whether an environment file is only an example."""
    return bool(EXAMPLES.search(path.rpartition("/")[2]))

"""Owns reading the design tokens: the hex values behind the names, for what cannot read CSS variables."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from django.contrib.staticfiles import finders

TOKEN = re.compile(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})\b")


def read_tokens(sheet: str) -> dict[str, str]:
    """Return name to `#rrggbb` for every colour token in a style sheet's text."""
    return dict(TOKEN.findall(sheet))


@cache
def light() -> Mapping[str, str]:
    """Return the light theme's colours, which are also the PDF's."""
    found = finders.find("css/tokens.css")
    if not isinstance(found, str):
        raise FileNotFoundError("static/css/tokens.css is not among the static files.")
    return MappingProxyType(read_tokens(Path(found).read_text(encoding="utf-8")))


def dark() -> Mapping[str, str]:
    """Return the dark theme's colours, over the light ones it does not change."""
    found = finders.find("css/tokens-dark.css")
    if not isinstance(found, str):
        raise FileNotFoundError("static/css/tokens-dark.css is not among the static files.")
    return MappingProxyType({**light(), **read_tokens(Path(found).read_text(encoding="utf-8"))})

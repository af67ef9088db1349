"""Every pair of colours that stand on one another can be told apart, in both themes (WCAG 2.2 AA)."""

import gzip
from itertools import product
from pathlib import Path

import django_htmx
import pytest

from tickets import palette

STATIC = Path(__file__).resolve().parent.parent / "static"
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
TONES = ("pass", "warn", "fail", "unk", "info", "mute")
TEXT, GRAPHIC = 4.5, 3.0
PAIRS = [
    *[("ink", ground, TEXT) for ground in ("bg", "surface", "accent-tint")],
    *[("ink-2", ground, TEXT) for ground in ("surface", "surface-2", "surface-3", "fail-b", "bg")],
    *[("ink-3", ground, TEXT) for ground in ("surface", "bg", "surface-2", "accent-tint")],
    *[("accent", ground, TEXT) for ground in ("surface", "bg", "surface-2", "accent-tint")],
    *[("line-strong", ground, GRAPHIC) for ground in ("surface", "bg")],
    *[(f"{tone}-t", f"{tone}-b", TEXT) for tone in TONES],
    *[(f"{tone}-t", "surface", TEXT) for tone in TONES],
    *[(f"{tone}-s", "surface", GRAPHIC) for tone in TONES],
    *[("ink", f"{tone}-b", TEXT) for tone in TONES],
    ("on-accent", "accent", TEXT),
    ("focus", "surface", GRAPHIC),
    ("on-bar", "bar", TEXT),
    ("on-bar-2", "bar", TEXT),
    ("on-bar-2", "bar-2", TEXT),
    ("bg", "ink", TEXT),
    ("bg", "ink-2", TEXT),
    ("on-solid", "pass-s", TEXT),
    ("on-solid", "fail-s", TEXT),
    ("pass-t", "surface-2", TEXT),
]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2, 1.4.3)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_greatest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(("pair", "theme"), list(product(PAIRS, ["light", "dark"])))
def test_colours_that_meet_can_be_told_apart(pair: tuple[str, str, float], theme: str) -> None:
    front, ground, needed = pair
    colours = palette.light() if theme == "light" else palette.dark()

    assert contrast(colours[front], colours[ground]) >= needed


def test_the_dark_theme_answers_for_every_colour_of_the_light_one() -> None:
    dark = palette.read_tokens((STATIC / "css" / "tokens-dark.css").read_text())

    assert set(dark) == set(palette.light())


def test_all_styles_and_scripts_of_a_page_weigh_less_than_80_kb_packed() -> None:
    files = [*(STATIC / "css").glob("*.css"), *(STATIC / "js").glob("*.js"), HTMX]
    packed = sum(len(gzip.compress(file.read_bytes())) for file in files)

    assert packed < 80 * 1024

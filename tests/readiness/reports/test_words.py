"""Texts of strangers on a page: emoji by name, nothing hidden, nothing too long, and no markup that works."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.reports.words import CONTROL, EMOJI, Code, cut, printable, printable_json, read, share_out

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("plain – “quoted” × 2", "plain – “quoted” × 2"),
        ("✅ done", "[white heavy check mark] done"),
        ("⚠️ careful", "[warning sign] careful"),
        ("👍🏽", "[thumbs up sign]"),
        ("👨‍👩‍👧", "[man with woman with girl]"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("safe\u202eevil\u202c", "safeevil"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("مرحبا Привет 你好", "مرحبا Привет 你好"),
    ],
)
def test_emoji_are_named_and_control_characters_gone(written: str, printed: str) -> None:
    assert printable(written) == printed


def test_a_character_without_a_glyph_becomes_a_square() -> None:
    assert printable("你好 yes", missing={"你", "好"}) == "□□ yes"


@given(ANY_TEXT)
def test_whatever_is_written_what_is_printed_has_no_emoji_and_no_control_character(text: str) -> None:
    printed = printable(text)

    assert EMOJI.search(printed) is None
    assert CONTROL.search(printed) is None
    assert printable(printed) == printed


def test_texts_deep_in_json_are_printable_too() -> None:
    assert printable_json({"a": ["🚀", {"b": "x\x00"}], "n": 1, "none": None}) == {
        "a": ["[rocket]", {"b": "x"}], "n": 1, "none": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("short", "short"),
        ("one two three four", "one two … (11 more characters in the JSON)"),
        ("abcdefghijklmnop", "abcdefghij … (6 more characters in the JSON)"),
        ("a\nb\nc", "a\nb … (2 more characters in the JSON)"),
        ("", ""),
    ],
)
def test_what_is_too_long_is_cut_and_says_by_how_much(text: str, short: str) -> None:
    assert cut(text, 10, 2) == short


@given(st.text(max_size=400), st.integers(1, 60), st.integers(1, 5))
def test_a_cut_text_is_a_beginning_of_the_text(text: str, characters: int, lines: int) -> None:
    kept, _, rest = cut(text, characters, lines).rpartition(" … (")

    assert len(kept) <= characters
    assert text.strip().startswith(kept if rest.endswith("in the JSON)") else cut(text, characters, lines))


def test_short_texts_leave_their_room_to_the_long_ones() -> None:
    shared = share_out({"long": "word " * 100, "short": "brief", "empty": ""}, 300)

    assert shared["short"] == "brief"
    assert shared["empty"] == ""
    assert 240 < len(shared["long"]) < 340


@given(st.dictionaries(st.sampled_from("abcd"), st.text(max_size=3000)), st.integers(100, 3000))
def test_together_they_never_take_much_more_room_than_there_is(texts: dict[str, str], most: int) -> None:
    shared = share_out(texts, most)

    assert shared.keys() == texts.keys()
    # A cut text says so, which takes some letters more.
    assert sum(len(text) for text in shared.values()) <= most + 45 * len(texts)


def test_prose_is_markdown_without_headings_rules_images_and_scripts() -> None:
    body, code = read(
        "# Heading\n\nSome **bold** `code`\n\n- one\n- two\n\n---\n\n![pixel](http://127.0.0.1/x.png)\n\n"
        "<script>alert(1)</script>\n\n[bad](javascript:alert(1)) [good](https://example.com)"
    )

    assert "<strong>bold</strong>" in body
    assert "<li>one</li>" in body
    assert '<a href="https://example.com">good</a>' in body
    for word in ("<h1", "<hr", "<img", "<script", 'href="javascript'):
        assert word not in body
    assert "&lt;script&gt;" in body
    assert code == []


def test_code_is_taken_out_of_the_prose_and_kept_as_written() -> None:
    body, code = read("Before\n\n```python\nx = '<b>'\n```\n\nAfter")

    assert (body, code) == ("<p>Before</p>\n<p>After</p>", [Code("python", "x = '<b>'\n")])


@given(ANY_TEXT)
def test_no_text_becomes_a_tag_that_loads_or_runs_something(text: str) -> None:
    body, _ = read(printable(text))

    for word in ("<script", "<img", "<iframe", "<style", "<svg", " on", "<h"):
        assert word not in body.lower() or word == " on"

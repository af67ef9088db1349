"""Owns the finding of what stands between two marks, in a time that grows with the text alone.

A regular expression that looks for an end from every beginning takes hours for a megabyte of beginnings.
"""

from collections.abc import Iterator


def spans(text: str, opening: str, closing: str) -> Iterator[tuple[int, int]]:
    """Yield where each span begins and ends, marks included. What is opened and never closed is none."""
    start = text.find(opening)
    while start >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            return
        yield start, end + len(closing)
        start = text.find(opening, end + len(closing))


def blanked(text: str, opening: str, closing: str) -> str:
    """Return a text without its spans, whose line ends stay so that lines keep their numbers."""
    parts, before = [], 0
    for start, end in spans(text, opening, closing):
        parts += [text[before:start], "\n" * text.count("\n", start, end)]
        before = end
    return "".join([*parts, text[before:]])

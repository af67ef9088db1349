"""Owns two promises about any audit, however spoiled: no line is lost, and what is written reads the same."""

import re
from html import unescape

from hypothesis import given, settings

from readiness.audits.document import AuditDocument
from readiness.audits.parse import read_text
from readiness.audits.write import write
from tests.readiness.audits.mutations import EXAMPLE, spoiled, told

SHOP = EXAMPLE.read_text()
WORD = re.compile(r"[^\W_]+")


def unaccounted(text: str, document: AuditDocument) -> list[tuple[int, str]]:
    said = told(document)
    left = {note.line for note in document.unmapped}
    return [
        (number, word)
        for number, line in enumerate(text.split("\n"), start=1)
        for word in WORD.findall(unescape(line.replace("<br>", " ")))
        if word not in said and number not in left
    ]


def test_every_word_of_the_example_is_in_a_field_or_unmapped() -> None:
    assert unaccounted(SHOP, read_text(SHOP)) == []


@settings(max_examples=80, deadline=None)
@given(spoiled(SHOP))
def test_every_word_of_a_spoiled_audit_is_in_a_field_or_unmapped(text: str) -> None:
    assert unaccounted(text, read_text(text)) == []


@settings(max_examples=80, deadline=None)
@given(spoiled(SHOP))
def test_a_spoiled_audit_that_is_written_reads_back_the_same(text: str) -> None:
    document = read_text(text)

    again = read_text(write(document.sections))

    assert again == document
    assert [note.text for note in again.unmapped] == [note.text for note in document.unmapped]

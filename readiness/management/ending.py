"""Owns how commands end when they cannot do what was asked: one plain sentence and the promised code."""

from typing import NoReturn

from django.core.management.base import BaseCommand

WRONG_INPUT = 2


def end(command: BaseCommand, sentence: str, code: int = WRONG_INPUT) -> NoReturn:
    """Write the sentence to standard error and leave with the code."""
    command.stderr.write(sentence)
    raise SystemExit(code)

"""Stops the clock for tests of the record at the factories' now."""

from collections.abc import Iterator

import pytest
import time_machine

from tests import factories as make


@pytest.fixture
def at_now() -> Iterator[None]:
    """Let it be the factories' now for the whole test."""
    with time_machine.travel(make.NOW, tick=False):
        yield

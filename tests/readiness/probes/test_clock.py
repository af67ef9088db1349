"""The clock of a server, held against ours."""

import time
from email.utils import formatdate
from types import SimpleNamespace

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.runtime.clock import clock
from tests.readiness.probes.servers import Answer, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status


def found(ahead: float) -> Finding:
    """What is said of a server whose clock is ahead of ours by so many seconds."""
    with serve(
        lambda request: Answer(200, "", {"Date": formatdate(time.time() + ahead, usegmt=True)})
    ) as server:
        (finding,) = look(clock, server.url)
    assert finding.criterion == "inf.clock"
    return finding


@pytest.mark.parametrize("ahead", [0, 50, -50])
def test_less_than_a_minute_passes(ahead: float) -> None:
    assert found(ahead).status == Status.OK


@pytest.mark.parametrize(
    ("ahead", "words"), [(90, "ahead of"), (-90, "behind"), (-7200, "120 min behind"), (86400 * 400, "ahead")]
)
def test_more_than_a_minute_is_a_warning_and_accuses_no_side(ahead: float, words: str) -> None:
    finding = found(ahead)

    assert finding.status == Status.RISKY
    assert words in finding.detail
    assert "One of them is wrong" in finding.detail


@pytest.mark.parametrize(
    "headers", [{}, {"Date": "yesterday"}, {"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "Age": "30"}]
)
def test_an_answer_that_does_not_say_when_it_was_made_tells_nothing(headers: dict[str, str]) -> None:
    with serve(lambda request: Answer(200, "", headers)) as server, pytest.raises(CannotTell):
        look(clock, server.url)


def test_a_slow_answer_leaves_the_last_seconds_open(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    ticks = iter([now, now + 6])
    sent = Answer(200, "", {"Date": formatdate(now + 3 + 61, usegmt=True)})
    with serve(lambda request: sent) as server:
        monkeypatch.setattr("readiness.probes.runtime.clock.time", SimpleNamespace(time=ticks.__next__))
        with pytest.raises(CannotTell, match="too long"):
            look(clock, server.url)

"""Metrics: who reads them, from where, and whether anybody decided that."""

from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.runtime.metrics_exposure import metrics_exposure
from tests.readiness.probes.servers import Answer, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

PLAIN = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
PYTHON = """# HELP orders_total Orders.
# TYPE orders_total counter
orders_total{shop="north"} 1027.0
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.76e+09
"""
OPENMETRICS = "# TYPE orders counter\norders_total 5\n# EOF\n"
SPRING = 'jvm_memory_used_bytes{area="heap",id="G1 Eden Space",} 1.2E7\n'
LONG = "".join(f'go_gc_duration_seconds{{quantile="{n}"}} 0.{n}\n' for n in range(5000))
EXPOSITIONS = {"python": PYTHON, "openmetrics": OPENMETRICS, "spring": SPRING, "longer than is read": LONG}
SHELL = Answer(200, "<html><div id=root></div></html>", {"Content-Type": "text/html"})


def found(answer: Answer, **declared: Any) -> Finding:
    with serve(lambda request: answer) as server:
        (finding,) = look(metrics_exposure, server.url, **declared)
    assert finding.criterion == "sec.metrics"
    return finding


@pytest.mark.parametrize("body", EXPOSITIONS.values(), ids=EXPOSITIONS)
def test_open_metrics_are_judged_by_what_was_declared(body: str) -> None:
    answer = Answer(200, body, PLAIN)

    assert found(answer, metrics="private").status == Status.FAILING
    assert found(answer, metrics="public").status == Status.OK
    undecided = found(answer)
    assert undecided.status == Status.PARTIAL
    assert "nobody declared" in undecided.detail


@pytest.mark.parametrize("policy", ["private", "public", ""])
def test_from_inside_readable_metrics_are_as_they_should_be(policy: str) -> None:
    assert found(Answer(200, PYTHON, PLAIN), metrics=policy, vantage="eu-inside").status == Status.OK


@pytest.mark.parametrize("answer", [Answer(401), Answer(403), Answer(404), SHELL])
def test_private_metrics_that_are_not_shown_to_everybody_pass(answer: Answer) -> None:
    assert found(answer, metrics="private", metrics_path="/metrics").status == Status.OK


def test_declared_metrics_that_are_not_there_are_missing() -> None:
    for declared in ({"vantage": "inside", "metrics": "private"}, {"metrics": "public"}):
        assert found(Answer(404), metrics_path="/metrics", **declared).status == Status.MISSING


@pytest.mark.parametrize(
    ("answer", "declared"),
    [
        (Answer(404), {}),
        (Answer(404), {"metrics": "public"}),
        (Answer(401), {}),
        (Answer(403), {"vantage": "inside", "metrics_path": "/metrics"}),
        (SHELL, {}),
        (Answer(503), {"metrics": "private"}),
        (Answer(429), {"metrics": "private"}),
        (Answer(200, "ok", PLAIN), {"metrics": "private"}),
        (Answer(200, "", PLAIN), {"metrics": "private"}),
        (
            Answer(200, '{"names": ["jvm.memory.used"]}', {"Content-Type": "application/json"}),
            {"metrics": "private"},
        ),
        (Answer(302, "", {"Location": "https://127.0.0.1:9/metrics"}), {"metrics": "private"}),
    ],
)
def test_what_decides_nothing_is_not_told(answer: Answer, declared: dict[str, str]) -> None:
    with pytest.raises(CannotTell):
        found(answer, **declared)


def test_the_numbers_are_not_kept() -> None:
    finding = found(Answer(200, PYTHON, PLAIN))

    assert finding.evidence["families"] == ["orders", "process_start_time_seconds"]
    assert "1027" not in str(finding)

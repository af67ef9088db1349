"""The runner: confirmation, deadlines, limits, cancelling, and what a broken probe does to its batch."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked
from readiness.probes.checkout import Checkout
from readiness.probes.looking import Job, Result, claims_in, claims_of
from readiness.probes.outcomes import NotApplicable, NotSupported, Outcome
from readiness.probes.registry import Probe
from readiness.probes.runner import Limits, run
from readiness.probes.target import Target
from tests.readiness.probes.repositories import checkout
from tests.readiness.probes.servers import Answer, Request, serve
from tests.readiness.probes.targets import LOOPBACK
from tickets.findings import Finding
from tickets.scoring import Status

QUICK = Limits(pause=0.01, poll=0.02)
Look = Callable[[Target], Awaitable[list[Finding]]]


def probe(
    look: Any, *, name: str = "made-up", confirmations: int = 1, seconds: float = 5, kind: Any = "runtime"
) -> Probe:
    return Probe(
        name=name,
        title="Made up",
        claim="It is so.",
        why="Because.",
        fix="Do it.",
        effort="S",
        every=timedelta(hours=1),
        criteria=("a.b", "c.d"),
        kind=kind,
        intrusive=False,
        confirmations=confirmations,
        seconds=seconds,
        look=look,
    )


def saying(*statuses: Status) -> Look:
    """A probe that says one status after the other, and then the last one again and again."""
    left = list(statuses)

    async def look(target: Target) -> list[Finding]:
        status = left.pop(0) if len(left) > 1 else left[0]
        return [Finding("a.b", status, f"It is {status}.")]

    return look


def raising(error: Exception) -> Look:
    async def look(target: Target) -> list[Finding]:
        raise error

    return look


async def sleeping(target: Target) -> list[Finding]:
    await asyncio.sleep(30)
    return []


TARGET = Target(base_url="http://127.0.0.1:8000")


def result_of(
    made: Probe, previous: dict[str, str] | None = None, target: Target = TARGET, **kept: Any
) -> Result:
    (result,) = run([Job(made, target, previous)], LOOPBACK, **({"limits": QUICK} | kept))
    return result


def test_findings_become_an_outcome_with_a_sentence() -> None:
    result = result_of(probe(saying(Status.FAILING)))

    assert (result.outcome, result.detail, result.confirmed) == (Outcome.FAIL, "It is failing.", True)
    assert result.claims == {"a.b": "failing"}


@pytest.mark.parametrize(
    ("error", "outcome", "words"),
    [
        (NotApplicable("There is none."), Outcome.NOT_APPLICABLE, "There is none."),
        (NotSupported("Not this kind."), Outcome.NOT_SUPPORTED, "Not this kind."),
        (CannotTell("Nobody knows."), Outcome.ERROR, "Nobody knows."),
        (Blocked("Not allowed."), Outcome.ERROR, "Not allowed."),
        (TimeoutError(), Outcome.ERROR, "did not finish"),
        (ZeroDivisionError("secret text"), Outcome.ERROR, "fault of ours"),
        (AssertionError(), Outcome.ERROR, "fault of ours"),
    ],
)
def test_what_a_probe_raises_is_never_a_finding(
    error: Exception, outcome: Outcome, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    result = result_of(probe(raising(error)))

    assert result.outcome == outcome
    assert words in result.detail
    assert "secret text" not in result.detail
    assert (result.findings, result.confirmed) == ((), False)


def test_a_probe_that_returns_nothing_is_an_error_and_no_pass(caplog: pytest.LogCaptureFixture) -> None:
    async def nothing(target: Target) -> list[Finding]:
        return []

    caplog.set_level(logging.CRITICAL)
    assert result_of(probe(nothing)).outcome == Outcome.ERROR


def test_a_change_is_confirmed_by_a_second_look() -> None:
    result = result_of(probe(saying(Status.FAILING), confirmations=2), {"a.b": "ok"})

    assert (result.outcome, result.confirmed, result.looks) == (Outcome.FAIL, True, 2)


def test_what_was_confirmed_before_needs_no_second_look() -> None:
    result = result_of(probe(saying(Status.FAILING), confirmations=2), {"a.b": "failing"})

    assert (result.confirmed, result.looks) == (True, 1)


def test_one_bad_look_is_not_a_fact() -> None:
    result = result_of(probe(saying(Status.FAILING, Status.OK), confirmations=2), {"a.b": "ok"})

    assert (result.confirmed, result.looks) == (False, 2)
    assert "did not agree" in result.detail


def test_nor_is_one_good_look() -> None:
    result = result_of(probe(saying(Status.OK, Status.FAILING), confirmations=2), {"a.b": "failing"})

    assert not result.confirmed


def test_the_very_first_answer_is_confirmed_as_well() -> None:
    assert result_of(probe(saying(Status.OK), confirmations=2)).looks == 2


def test_an_answer_that_did_not_come_in_time_is_asked_for_three_times() -> None:
    async def late(target: Target) -> list[Finding]:
        return [Finding("a.b", Status.FAILING, "Too late.", {"timed_out": True})]

    result = result_of(probe(late, confirmations=2), {"a.b": "ok"})

    assert (result.confirmed, result.looks) == (True, 3)


def test_a_second_look_that_could_not_look_confirms_nothing() -> None:
    looks = []

    async def once(target: Target) -> list[Finding]:
        looks.append(1)
        if len(looks) > 1:
            raise CannotTell("Now nobody knows.")
        return [Finding("a.b", Status.FAILING, "It is failing.")]

    result = result_of(probe(once, confirmations=2), {"a.b": "ok"})

    assert (result.outcome, result.confirmed) == (Outcome.ERROR, False)


def test_a_probe_that_does_not_finish_is_an_error_at_its_deadline() -> None:
    started = time.monotonic()
    result = result_of(probe(sleeping, seconds=0.1))

    assert result.outcome == Outcome.ERROR
    assert time.monotonic() - started < 15


def test_what_a_database_refuses_is_not_in_the_evidence() -> None:
    async def odd(target: Target) -> list[Finding]:
        return [Finding("a.b", Status.OK, "A \0 byte.", {"name": "half \ud800 of a pair", "more": ["\0"]})]

    result = result_of(probe(odd))

    text = json.dumps([result.evidence, result.detail, result.findings[0].evidence], ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode("utf-8")


def test_checkouts_have_a_time_of_their_own(tmp_path: Path) -> None:
    def slow(opened: Checkout) -> list[Finding]:
        time.sleep(0.4)
        return [Finding("a.b", Status.OK, "Fine.")]

    with checkout(tmp_path, {"a": "1"}) as opened:
        jobs = [
            Job(probe(slow, kind="repository"), opened),
            Job(probe(sleeping, name="slow", seconds=60), TARGET),
        ]
        limits = replace(QUICK, batch_seconds=0.1)
        outcomes = {one.probe.kind: one.outcome for one in run(jobs, LOOPBACK, limits=limits)}

    assert outcomes == {"repository": Outcome.PASS, "runtime": Outcome.ERROR}


def test_at_the_deadline_of_the_batch_what_is_left_is_an_error_and_the_rest_is_kept() -> None:
    jobs = [Job(probe(saying(Status.OK)), TARGET), Job(probe(sleeping, name="slow", seconds=60), TARGET)]
    results = {one.probe.name: one for one in run(jobs, LOOPBACK, limits=replace(QUICK, batch_seconds=0.3))}

    assert results["made-up"].outcome == Outcome.PASS
    assert results["slow"].outcome == Outcome.ERROR
    assert "ran out of time" in results["slow"].detail


def test_a_cancelled_batch_ends_soon_and_says_so() -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(threading.current_thread())
        return len(asked) > 3

    started = time.monotonic()
    (result,) = run([Job(probe(sleeping, seconds=60), TARGET)], LOOPBACK, limits=QUICK, cancelled=cancelled)

    assert "cancelled" in result.detail
    assert time.monotonic() - started < 15
    assert set(asked) == {threading.current_thread()}


def test_progress_is_told_by_name_in_the_callers_thread() -> None:
    told = []

    def started(job: Job) -> None:
        told.append((job.probe.name, threading.current_thread()))

    list(
        run([Job(probe(saying(Status.OK), confirmations=2), TARGET)], LOOPBACK, limits=QUICK, started=started)
    )

    assert told == [("made-up", threading.current_thread())]


def test_a_broken_probe_does_not_take_the_batch_along(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    jobs = [
        Job(probe(raising(RuntimeError())), TARGET, key="broken"),
        Job(probe(saying(Status.OK)), TARGET, key="good"),
    ]

    outcomes = {result.job.key: result.outcome for result in run(jobs, LOOPBACK, limits=QUICK)}

    assert outcomes == {"broken": Outcome.ERROR, "good": Outcome.PASS}


def test_no_more_than_four_look_at_one_host_and_a_hundred_in_all() -> None:
    here: dict[str, int] = {}
    most: dict[str, int] = {}

    async def counting(target: Target) -> list[Finding]:
        for name in (target.host, "all"):
            here[name] = here.get(name, 0) + 1
            most[name] = max(most.get(name, 0), here[name])
        await asyncio.sleep(0.05)
        for name in (target.host, "all"):
            here[name] -= 1
        return [Finding("a.b", Status.OK, "Fine.")]

    jobs = [
        Job(probe(counting), Target(base_url=f"http://127.0.0.{1 + number % 30}:8000"))
        for number in range(400)
    ]
    results = list(run(jobs, LOOPBACK, limits=QUICK))

    assert len(results) == 400
    assert most.pop("all") == 100
    assert max(most.values()) == 4


def test_ten_thousand_jobs_each_come_out_once() -> None:
    hosts = [Target(base_url=f"http://127.0.{number // 250}.{number % 250}:8000") for number in range(2500)]
    jobs = [Job(probe(saying(Status.OK)), hosts[number % 2500], key=number) for number in range(10_000)]

    keys = [result.job.key for result in run(jobs, LOOPBACK, limits=QUICK)]

    assert len(keys) == 10_000
    assert set(keys) == set(range(10_000))


def test_the_exchanges_are_kept_without_secrets_and_without_what_always_differs() -> None:
    answers = iter(range(100))

    def app(request: Request) -> Answer:
        number = next(answers)
        headers = {
            "Set-Cookie": f"session=secret{number}; HttpOnly; Path=/",
            "Date": f"Mon, 0{number} Feb 2026",
            "X-Request-Id": str(number),
            "X-Kept": "yes",
        }
        body = {"uptime": number + 0.5, "at": f"2026-01-29T10:00:0{number}Z", "password": "hunter22"}
        return Answer(200, json.dumps(body), headers)

    async def asking(target: Target) -> list[Finding]:
        await target.request("GET", "/", {"Authorization": "Bearer abcdefghijklmnopqrstuvwx"})
        return [Finding("a.b", Status.OK, "Fine.", {"note": "postgres://bob:hunter22@db/x"})]

    with serve(app) as server:
        target = Target(base_url=server.url)
        first, second = (result_of(probe(asking), target=target) for _ in range(2))

    text = str(first.evidence)
    assert "secret" not in text
    assert "hunter22" not in text
    assert "abcdefghijklmnop" not in text
    assert ["set-cookie", "session=[masked]; HttpOnly; Path=/"] in first.evidence["exchanges"][0]["headers"]
    assert ["x-kept", "yes"] in first.evidence["exchanges"][0]["headers"]
    assert first.evidence == second.evidence


def test_another_answer_is_another_evidence() -> None:
    ok, failing = result_of(probe(saying(Status.OK))), result_of(probe(saying(Status.FAILING)))

    assert ok.evidence != failing.evidence


def test_stored_evidence_gives_back_the_claims() -> None:
    result = result_of(probe(saying(Status.FAILING)))

    assert claims_in(result.evidence) == result.claims == {"a.b": "failing"}


def test_of_two_findings_on_one_criterion_the_worse_is_the_claim() -> None:
    findings = [Finding("a.b", status, "") for status in (Status.OK, Status.FAILING, Status.RISKY)]

    assert claims_of(findings) == {"a.b": "failing"}


def test_the_record_gets_one_finding_for_a_criterion_and_it_is_the_worst() -> None:
    async def several(target: Target) -> list[Finding]:
        return [
            Finding("a.b", Status.FAILING, "One is failing.", {"path": "/one"}),
            Finding("a.b", Status.OK, "Two is well.", {"path": "/two"}),
            Finding("c.d", Status.OK, "So is this."),
        ]

    result = result_of(probe(several))

    assert [(one.criterion, one.status) for one in result.findings] == [("a.b", "failing"), ("c.d", "ok")]
    assert result.detail == result.findings[0].detail == "One is failing."
    assert [one["path"] for one in result.findings[0].evidence["each"]] == ["/one", "/two"]


def test_a_finding_in_a_checkout_belongs_to_its_commit(tmp_path: Path) -> None:
    def look(opened: Checkout) -> list[Finding]:
        return [Finding("a.b", Status.OK, "Fine.")]

    with checkout(tmp_path, {"a": "1"}) as opened:
        (result,) = run([Job(probe(look, kind="repository"), opened)], LOOPBACK, limits=QUICK)

    assert result.findings[0].commit == opened.commit


def test_a_checkout_is_looked_at_beside_the_loop(tmp_path: Path) -> None:
    def look(opened: Checkout) -> list[Finding]:
        return [
            Finding("a.b", Status.OK, f"{len(opened.files())} file in {threading.current_thread().name}.")
        ]

    with checkout(tmp_path, {"a": "1"}) as opened:
        (result,) = run([Job(probe(look, kind="repository"), opened)], LOOPBACK, limits=QUICK)

    assert result.outcome == Outcome.PASS
    assert "MainThread" not in result.detail


def test_leaving_the_results_early_stops_the_batch() -> None:
    jobs = [Job(probe(saying(Status.OK)), TARGET), Job(probe(sleeping, seconds=60), TARGET)]
    results = run(jobs, LOOPBACK, limits=QUICK)
    started = time.monotonic()

    next(results)
    results.close()  # type: ignore[attr-defined]  # a generator, promised as an iterator

    assert time.monotonic() - started < 15

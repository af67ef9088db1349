"""Runs with many files: opened, filled, sealed, applied as one; and nothing of one that nobody sealed."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from readiness.intake.models import ApiToken, Delivery, EvidenceRun, Part, Source
from readiness.tasks import tick
from tests import factories
from tickets.models import Deployment, Observation, Problem

pytestmark = pytest.mark.django_db

SECRET = "whsec_YW4gZXhhbXBsZSBzZWNyZXQgZm9yIGEgdGVzdCBydW4="


def junit(*failing: str, passing: int = 10) -> bytes:
    cases = [f'<testcase classname="c" name="{name}"><failure/></testcase>' for name in failing]
    cases += [f'<testcase classname="c" name="t{n}"/>' for n in range(passing)]
    return f"<testsuite>{''.join(cases)}</testsuite>".encode()


class Pipeline:
    """A pipeline with a token of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        _, token = ApiToken.issue(deployment, name="ci", actions=["evidence"], by=factories.SYSTEM)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.base = f"/api/v1/deployments/{deployment.slug}/evidence/runs"

    def open(self, query: str = "format=junit&category=unit&run_id=7") -> Any:
        return Client().generic("POST", f"{self.base}?{query}", headers=self.headers)

    def put(self, run: str, name: str, body: bytes) -> Any:
        return Client().put(f"{self.base}/{run}/parts/{name}", body, headers=self.headers)

    def seal(self, run: str, query: str = "") -> Any:
        return Client().generic("POST", f"{self.base}/{run}/seal{query}", headers=self.headers)

    def look(self, run: str) -> Any:
        return Client().get(f"{self.base}/{run}", headers=self.headers).json()

    def whole(self, *bodies: bytes, run_id: str = "7") -> Delivery:
        """Open, fill and seal a run and let a worker apply it."""
        run = self.open(f"format=junit&category=unit&run_id={run_id}").json()["id"]
        for number, body in enumerate(bodies):
            assert self.put(run, f"junit-{number}.xml", body).status_code == 201
        self.seal(run)
        delivery = Delivery.objects.get(run__public_id=run)
        Delivery.objects.work(delivery.pk)
        delivery.refresh_from_db()
        return delivery


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline(factories.ticket(factories.deployment("shop")).deployment)


def test_the_parts_are_applied_as_one_report_once_they_are_sealed(pipeline: Pipeline) -> None:
    run = pipeline.open().json()
    pipeline.put(run["id"], "a.xml", junit("one", passing=9))
    pipeline.put(run["id"], "b.xml", junit("two", passing=19))
    assert (Delivery.objects.count(), run["state"]) == (0, "open")

    sealed = pipeline.seal(run["id"], "?parts=2")
    delivery = Delivery.objects.get()
    Delivery.objects.work(delivery.pk)

    delivery.refresh_from_db()
    assert (sealed.status_code, sealed.json()["id"], delivery.status) == (202, delivery.public_id, "applied")
    assert delivery.context["size"] == 30
    assert sorted(Problem.objects.values_list("title", flat=True)) == ["c.one", "c.two"]
    assert pipeline.look(run["id"])["delivery"].endswith(delivery.public_id)


def test_a_problem_closes_only_when_no_part_reports_it(pipeline: Pipeline) -> None:
    pipeline.whole(junit("one"), junit("two"), run_id="1")

    pipeline.whole(junit(), junit("two"), run_id="2")

    states = dict(Problem.objects.values_list("title", "state"))
    assert states == {"c.one": "closed", "c.two": "open"}


def test_jobs_side_by_side_open_the_same_run(pipeline: Pipeline) -> None:
    first, second = pipeline.open(), pipeline.open()
    other = pipeline.open("format=junit&run_id=8")

    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 201)
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]


def test_sealing_twice_is_sealing_once(pipeline: Pipeline) -> None:
    run = pipeline.open().json()["id"]
    pipeline.put(run, "a.xml", junit())

    first, second = pipeline.seal(run), pipeline.seal(run)

    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Delivery.objects.count() == 1


def test_a_part_is_replaced_by_its_name_and_its_old_file_goes(
    pipeline: Pipeline, django_capture_on_commit_callbacks: Any
) -> None:
    run = pipeline.open().json()["id"]
    pipeline.put(run, "a.xml", junit("one"))
    old = str(Part.objects.get().payload.name)

    again = pipeline.put(run, "a.xml", junit("one"))
    with django_capture_on_commit_callbacks(execute=True):
        other = pipeline.put(run, "a.xml", junit("two"))

    part = Part.objects.get()
    assert (again.status_code, other.status_code) == (200, 200)
    assert (default_storage.exists(old), default_storage.exists(str(part.payload.name))) == (False, True)


@pytest.mark.parametrize(
    ("query", "parts", "words"),
    [("", 0, "has 0 parts"), ("?parts=3", 1, "has 1 parts, and 3 should be there")],
)
def test_a_run_that_lacks_parts_is_not_sealed(pipeline: Pipeline, query: str, parts: int, words: str) -> None:
    run = pipeline.open().json()["id"]
    for number in range(parts):
        pipeline.put(run, f"{number}.xml", junit())

    answer = pipeline.seal(run, query)

    assert (answer.status_code, words in answer.json()["detail"]) == (409, True)
    assert Delivery.objects.count() == 0


def test_a_sealed_run_takes_no_more_parts(pipeline: Pipeline) -> None:
    run = pipeline.open().json()["id"]
    pipeline.put(run, "a.xml", junit())
    pipeline.seal(run)

    answer = pipeline.put(run, "b.xml", junit())

    assert (answer.status_code, answer.json()["detail"].startswith("This run is sealed")) == (409, True)


def test_a_run_that_nobody_sealed_never_scores_and_ends_after_two_hours(
    pipeline: Pipeline, django_capture_on_commit_callbacks: Any
) -> None:
    run = EvidenceRun.objects.get(public_id=pipeline.open().json()["id"])
    pipeline.put(run.public_id, "a.xml", junit())
    file = str(Part.objects.get().payload.name)
    assert EvidenceRun.objects.expire(timezone.now() + timedelta(minutes=119)) == 0

    EvidenceRun.objects.filter(pk=run.pk).update(expires_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        tick()

    assert pipeline.look(run.public_id)["state"] == "expired"
    assert (Part.objects.count(), default_storage.exists(file), Observation.objects.count()) == (0, False, 0)
    assert pipeline.seal(run.public_id).status_code == 409
    assert pipeline.open().json()["id"] != run.public_id


@pytest.mark.parametrize(
    ("bodies", "place"),
    [
        ((junit(), b"<testsuite>\n<testcase>\n</testsuite>"), "junit-1.xml, line 3"),
        ((junit(), b"?"), "junit-1.xml"),
    ],
)
def test_one_broken_part_rejects_the_run_with_its_name_and_line(
    pipeline: Pipeline, bodies: tuple[bytes, ...], place: str
) -> None:
    delivery = pipeline.whole(*bodies)

    assert (delivery.status, delivery.place.startswith(place)) == ("rejected", True)
    assert Observation.objects.count() == 0


def test_parts_of_two_formats_are_refused(pipeline: Pipeline) -> None:
    run = pipeline.open("run_id=7").json()["id"]
    pipeline.put(run, "a.xml", junit())
    pipeline.put(run, "b.sarif", json.dumps({"version": "2.1.0", "runs": []}).encode())
    pipeline.seal(run)
    delivery = Delivery.objects.get()

    Delivery.objects.work(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.status, "one run for each format" in delivery.reason) == ("rejected", True)


def test_a_run_is_filled_by_whoever_may_post_there_and_by_nobody_else(pipeline: Pipeline) -> None:
    run = pipeline.open().json()["id"]
    other = Pipeline(factories.deployment("other"))
    other.base = pipeline.base

    assert other.put(run, "a.xml", junit()).status_code == 404
    assert Pipeline(Deployment.objects.get(slug="other")).put(run, "a.xml", junit()).status_code == 404
    assert Client().put(f"{pipeline.base}/{run}/parts/a.xml", junit()).status_code == 401


def test_a_part_with_a_name_that_is_a_path_is_refused(pipeline: Pipeline) -> None:
    run = pipeline.open().json()["id"]

    assert pipeline.put(run, "..", junit()).status_code in (404, 409)
    assert pipeline.put(run, "-rf", junit()).status_code == 409


def test_the_parts_together_have_a_limit(pipeline: Pipeline, settings: Any) -> None:
    settings.RUN_MAX_BYTES = 2 * len(junit()) + 1
    run = pipeline.open().json()["id"]

    answers = [pipeline.put(run, f"{number}.xml", junit()).status_code for number in range(3)]

    assert answers == [201, 201, 409]


def test_a_source_opens_fills_and_seals_with_signatures() -> None:
    deployment = factories.ticket().deployment
    Source.objects.create(deployment=deployment, name="ci", secret=SECRET)
    base = f"/api/v1/deployments/{deployment.slug}/evidence/runs"

    def signed(method: str, address: str, body: bytes, id: str) -> Any:
        at = timezone.now()
        signature = Webhook(SECRET).sign(id, at, body.decode())
        stamp = str(int(at.timestamp()))
        headers = {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}
        return Client().generic(method, address, body, headers=headers)

    run = signed("POST", f"{base}?format=junit", b"", "m1").json()["id"]
    signed("PUT", f"{base}/{run}/parts/a.xml", junit(), "m2")
    sealed = signed("POST", f"{base}/{run}/seal", b"", "m3")

    assert (sealed.status_code, Delivery.objects.get().sender) == (202, "source ci")


def test_a_page_shows_the_parts_of_a_run(client: Client, pipeline: Pipeline) -> None:
    delivery = pipeline.whole(junit(), junit("one"))
    client.force_login(factories.bob())

    page = client.get(delivery.get_absolute_url()).content.decode()

    assert "junit-1.xml" in page
    assert "0 open before, 1 after: 1 new" in page

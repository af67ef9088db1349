"""The same contents are read once by the same program; what could not be read is read again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from readiness.outside.failures import CannotTell
from readiness.probes import remembering
from readiness.probes.checkout import Checkout, Reader
from readiness.probes.looking import Job, Result
from readiness.probes.models import ProbeRun
from readiness.probes.outcomes import Outcome
from readiness.probes.questions import Questions
from readiness.probes.registry import PROBES, Probe
from readiness.probes.remembering import KEPT, QUESTIONS_KEPT, Remembered, RememberedFacts
from readiness.probes.target import Target
from tests import factories as make
from tests.readiness.probes.repositories import SERVICE, add_commit, git, repository
from tickets.findings import Finding
from tickets.models import Deployment
from tickets.scoring import Status

FILES = {"requirements.txt": "django==5.2.1\n", "LICENSE": "word " * 20}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "app.git", FILES)


@pytest.fixture
def opened(folder: Path) -> Iterator[Checkout]:
    with Checkout.open(folder) as checkout:
        yield checkout


def result(checkout: Checkout, outcome: Outcome = Outcome.PASS, *, confirmed: bool = True) -> Result:
    finding = Finding("dep.lock", Status.OK, "It is locked.", {"lock": "x"}, commit=checkout.commit)
    job = Job(PROBES["lock-present"], checkout)
    return Result(job, outcome, "It is locked.", (finding,), {"findings": []}, confirmed=confirmed)


@pytest.mark.django_db
def test_what_was_said_of_the_same_files_is_said_of_another_commit_as_of_now(folder: Path) -> None:
    with Checkout.open(folder) as first:
        Remembered.objects.keep([result(first)])
    git(folder, "update-ref", "refs/heads/main", git(folder, "commit-tree", "main^{tree}", "-m", "again"))
    before = timezone.now()

    with Checkout.open(folder) as second:
        (known,), left = Remembered.objects.recall([Job(PROBES["lock-present"], second)])

    assert second.commit != first.commit
    assert left == []
    assert (known.outcome, known.confirmed, known.detail) == (Outcome.PASS, True, "It is locked.")
    assert known.findings == (replace(result(second).findings[0]),)
    assert known.started_at >= before


@pytest.mark.django_db
def test_other_files_another_repository_or_a_running_deployment_are_looked_at(
    folder: Path, tmp_path: Path
) -> None:
    with Checkout.open(folder) as first:
        Remembered.objects.keep([result(first)])
    elsewhere = repository(tmp_path / "other.git", FILES)
    add_commit(folder, FILES | {"a": "b"})

    with Checkout.open(folder) as changed, Checkout.open(elsewhere) as other:
        jobs = [Job(PROBES["lock-present"], one) for one in (changed, other, Target(base_url="http://x"))]
        assert other.tree == first.tree
        assert Remembered.objects.recall(jobs) == ([], jobs)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("outcome", "confirmed", "kept"),
    [
        (Outcome.FAIL, True, True),
        (Outcome.NOT_APPLICABLE, False, True),
        (Outcome.NOT_SUPPORTED, False, True),
        (Outcome.FAIL, False, False),
        (Outcome.ERROR, False, False),
        (Outcome.ERROR, True, False),
    ],
)
def test_only_what_was_seen_is_remembered(
    opened: Checkout, outcome: Outcome, confirmed: bool, kept: bool
) -> None:
    Remembered.objects.keep([result(opened, outcome, confirmed=confirmed)])

    known, _ = Remembered.objects.recall([Job(PROBES["lock-present"], opened)])
    assert [(one.outcome, one.confirmed) for one in known] == [(outcome, confirmed)] * kept


def test_the_key_is_that_of_the_probe_its_program_and_all_that_the_answer_depends_on(
    opened: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(probe: Probe = PROBES["lock-present"]) -> str:
        return remembering.key_of(Job(probe, opened))

    first = key()
    assert first == key()
    assert key(replace(PROBES["lock-present"], depends=lambda: "another day")) != first
    assert key(PROBES["lock-fresh"]) != first
    monkeypatch.setattr(remembering, "program", lambda: "a newer version")
    assert key() != first


@pytest.mark.django_db
def test_what_came_while_a_probe_looked_is_looked_at_again(opened: Checkout) -> None:
    day = ["Monday"]
    probe = replace(PROBES["lock-present"], depends=lambda: day[0])
    before = Job(probe, opened)
    day[0] = "Tuesday"
    Remembered.objects.keep([replace(result(opened), job=before)])

    assert Remembered.objects.recall([Job(probe, opened)])[0] == []


def test_a_change_of_any_source_is_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "ROOT", tmp_path)
    monkeypatch.setattr(remembering, "PROGRAM", ("probes",))
    source = tmp_path / "probes" / "repository" / "one.py"
    source.parent.mkdir(parents=True)
    sums = []
    for text in ("a = 1", "a = 2", "a = 1"):
        source.write_text(text)
        sums.append(remembering.program.__wrapped__())

    assert sums[0] == sums[2] != sums[1]


@pytest.mark.django_db
def test_what_nobody_asked_for_in_a_month_is_forgotten(opened: Checkout) -> None:
    Remembered.objects.keep([result(opened)])
    assert not Remembered.objects.long_unused()

    Remembered.objects.update(used_at=timezone.now() - 2 * KEPT)
    assert Remembered.objects.long_unused().count() == 1

    Remembered.objects.recall([Job(PROBES["lock-present"], opened)])
    assert not Remembered.objects.long_unused()


@pytest.fixture
def deployment(folder: Path, settings: Any) -> Deployment:
    settings.REPOSITORY_ROOTS = [str(folder.parent)]
    return make.deployment(repository_url=str(folder))


@pytest.mark.django_db
def test_the_second_run_on_the_same_files_reads_nothing_and_records_the_same(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make.ticket(deployment)
    row = make.criterion(ticket, "Lock file", Status.UNTESTED, claim="dep.lock")

    def run() -> ProbeRun:
        asked = ProbeRun.ask(deployment, probes=["licence", "lock-present"], by=make.acting(make.alice()))
        ProbeRun.objects.work(asked.pk)
        asked.refresh_from_db()
        return asked

    def never(*_: object) -> None:
        raise AssertionError("The repository was read again.")

    first = run()
    monkeypatch.setattr(Checkout, "read", never)
    second = run()

    said = [list(one.results.order_by("probe").values_list("probe", "outcome")) for one in (first, second)]
    assert said == [[("licence", "pass"), ("lock-present", "pass")]] * 2
    assert (second.state, second.finished) == ("done", 2)
    assert ticket.evaluate().criteria[row.pk].status == Status.OK


@pytest.fixture
def service(tmp_path: Path, settings: Any) -> Deployment:
    """A deployment of a service about which every repository probe has something to say."""
    settings.REPOSITORY_ROOTS = [str(tmp_path)]
    return make.deployment(repository_url=str(repository(tmp_path / "service.git", SERVICE)))


@pytest.fixture
def contents_read(monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """The contents that git was asked for."""
    read: list[bytes | None] = []
    ask = Reader.blob

    def noted(reader: Reader, sha: str, limit: int) -> bytes | None:
        read.append(ask(reader, sha, limit))
        return read[-1]

    monkeypatch.setattr(Reader, "blob", noted)
    return read


def looked(deployment: Deployment) -> dict[str, tuple[str, str, Any]]:
    """Let every repository probe look, and return what each said."""
    names = [probe.name for probe in PROBES.of_kind("repository")]
    asked = ProbeRun.ask(deployment, probes=names, by=make.acting(make.alice()))
    ProbeRun.objects.work(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.finished) == ("done", len(names)), asked.error
    rows = asked.results.select_related("evidence")
    return {row.probe: (row.outcome, row.detail, row.evidence and row.evidence.content) for row in rows}


def commit(deployment: Deployment, changed: Mapping[str, str | bytes]) -> None:
    """Commit the service with some files changed."""
    add_commit(Path(deployment.repository_url), {**SERVICE, **changed})


def forget() -> None:
    Remembered.objects.all().delete()
    RememberedFacts.objects.all().delete()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed",
    [
        {"LICENSE": "Do as you like, word for word. " * 20},
        {"README.md": "# Shop\n\nAnother shop.\n"},
        {"shop/views.py": "import requests\n"},
        {"shop/settings.py": "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nDEBUG = False\n"},
        {"server/index.js": "process.env.NEW_SECRET\n"},
        {"shop/migrations/0003_third.py": "class Migration(migrations.Migration):\n    dependencies = []\n"},
        {"static/new.js": "import('https://cdn.jsdelivr.net/npm/vue/dist/vue.js')\n"},
        {"package.json": "{"},
        {"Dockerfile": "FROM scratch\n"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_after_a_commit_all_is_said_that_would_be_said_of_a_new_repository(
    service: Deployment, changed: dict[str, str]
) -> None:
    looked(service)
    commit(service, changed)
    after = looked(service)
    forget()

    assert after == looked(service)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["LICENSE", "shop/models.py", "tests/test_views.py", "cmd/main.go"])
def test_of_the_source_of_a_new_commit_only_what_changed_is_read(
    service: Deployment, path: str, contents_read: list[bytes | None]
) -> None:
    looked(service)
    everything = set(contents_read)
    changed = f"{SERVICE[path]}\n\n".encode()
    commit(service, {path: changed})
    contents_read.clear()
    looked(service)

    # Manifests, pipelines, images, documents and settings are read by whoever compares them with the rest.
    source = {SERVICE[one].encode() for one in SERVICE if one.endswith((".py", ".go", ".js", ".html"))}
    assert source < everything
    assert changed in contents_read
    assert source & set(contents_read) <= {SERVICE["shop/settings.py"].encode()} | {
        SERVICE[one].encode() for one in SERVICE if one.startswith("server/")
    }


@pytest.mark.django_db
def test_of_a_commit_that_changes_a_licence_the_licence_alone_is_read(
    service: Deployment, contents_read: list[bytes | None]
) -> None:
    looked(service)
    commit(service, {"LICENSE": "Do as you like. " * 40})
    contents_read.clear()
    looked(service)

    assert set(contents_read) == {b"Do as you like. " * 40}


@pytest.mark.django_db
def test_back_at_an_earlier_commit_nothing_is_read(
    service: Deployment, contents_read: list[bytes | None]
) -> None:
    folder = Path(service.repository_url)
    looked(service)
    first = git(folder, "rev-parse", "main")
    commit(service, {"shop/views.py": "import requests\n"})
    looked(service)
    git(folder, "update-ref", "refs/heads/main", first)
    contents_read.clear()
    looked(service)

    assert contents_read == []


@pytest.mark.django_db
def test_another_program_knows_no_facts(service: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    looked(service)
    assert RememberedFacts.objects.of(service.repository_url).known

    monkeypatch.setattr(remembering, "program", lambda: "a newer version")
    assert not RememberedFacts.objects.of(service.repository_url).known


@pytest.mark.django_db
def test_facts_are_those_of_one_repository(service: Deployment) -> None:
    looked(service)
    assert not RememberedFacts.objects.of(f"{service.repository_url}/").known


@pytest.mark.django_db
def test_where_a_file_could_not_be_read_nothing_is_remembered(opened: Checkout) -> None:
    asked = Questions(contents={"LICENSE"}, unanswered={"LICENSE"})
    Remembered.objects.keep([replace(result(opened), asked=asked)])

    assert not Remembered.objects.exists()


def lacking(path: Path, blob: str) -> None:
    """Take an object out of a repository, as a partial copy lacks it."""
    for pack in (path / "objects" / "pack").glob("*.pack"):
        moved = path / pack.name
        pack.rename(moved)
        with moved.open("rb") as stream:
            git(path, "unpack-objects", "-q", stdin=stream.read())
    (path / "objects" / blob[:2] / blob[2:]).unlink()


def test_what_a_partial_copy_lacks_is_noted_as_unanswered(folder: Path) -> None:
    lacking(folder, git(folder, "rev-parse", "main:LICENSE"))
    with Checkout.open(folder) as partial:
        seen, texts, sized = partial.watched(), partial.watched(), partial.watched()
        with pytest.raises(CannotTell):
            seen.text("LICENSE")
        assert list(texts.own_texts("LICENSE")) == []
        assert sized.size("LICENSE") is None

    assert [one.asked.unanswered for one in (seen, texts, sized)] == [{"LICENSE"}] * 3


@pytest.mark.django_db
def test_what_was_asked_is_kept_of_the_last_looks_and_answers_while_they_are_of_use(folder: Path) -> None:
    asked = Questions(contents={"a"})
    for number in range(QUESTIONS_KEPT + 2):
        add_commit(folder, {"a": str(number)})
        with Checkout.open(folder) as there:
            Remembered.objects.keep([replace(result(there), asked=asked)])

    assert Remembered.objects.count() == QUESTIONS_KEPT + 2
    assert Remembered.objects.exclude(asked=b"").count() == QUESTIONS_KEPT
    for number in range(QUESTIONS_KEPT + 2):
        add_commit(folder, {"a": str(number), "b": "new"})
        with Checkout.open(folder) as there:
            known, _ = Remembered.objects.recall([Job(PROBES["lock-present"], there)])
        assert len(known) == (number >= 2), number


@pytest.mark.django_db
def test_more_questions_than_may_be_kept_leave_the_tree_alone(
    opened: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "QUESTIONS_BYTES", 10)
    Remembered.objects.keep([replace(result(opened), asked=Questions(contents={"LICENSE"}))])

    row = Remembered.objects.get()
    assert (bytes(row.asked), row.answered) == (b"", "")


@pytest.mark.django_db
def test_more_facts_than_may_be_kept_are_not(service: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "FACTS_BYTES", 10)
    looked(service)

    assert not RememberedFacts.objects.exists()


@pytest.mark.django_db
def test_facts_that_nobody_asked_for_in_a_month_are_forgotten(service: Deployment) -> None:
    looked(service)
    RememberedFacts.objects.update(used_at=timezone.now() - 2 * KEPT)
    assert RememberedFacts.objects.long_unused().count() == 1

    looked(service)
    assert not RememberedFacts.objects.long_unused()


@pytest.mark.django_db
def test_recalling_takes_as_many_queries_for_many_probes_as_for_one(
    service: Deployment, django_assert_num_queries: Any
) -> None:
    looked(service)
    commit(service, {"NEWS": "1"})
    with Checkout.open(Path(service.repository_url)) as there:
        jobs = [Job(probe, there) for probe in PROBES.of_kind("repository")]
        for some in ([job for job in jobs if job.probe.name == "licence"], jobs):
            with django_assert_num_queries(3):
                Remembered.objects.recall(some)

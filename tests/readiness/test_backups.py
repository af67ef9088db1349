"""Backup and restore: what comes out is what went in, to the microsecond, and wrong files change nothing."""

import json
import zipfile
from dataclasses import asdict
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from readiness import backups
from readiness.intake.models import ApiToken, Delivery
from tests import factories
from tests.factories import PASSWORD, SYSTEM, acting, alice, bob
from tests.readiness.gate.gates import SHA, ready_ticket
from tickets.models import Deployment, Event, Observation, Ticket, User

pytestmark = pytest.mark.django_db(transaction=True)


def a_lived_in_installation() -> Ticket:
    """Make rows of every kind that a restore could get wrong: links both ways, times, files, hashes."""
    user = alice()
    user.set_password(PASSWORD)
    user.save()
    ticket = ready_ticket(factories.deployment("shop"))
    now = timezone.now()
    row = factories.criterion(ticket, "Naïve “quotes” – and £", at=now)
    blocker = factories.blocker(ticket, criteria=[row], at=now, assignee=bob(), due=now.date())
    factories.waive(
        blocker,
        by=acting(alice()),
        approver=bob(),
        reason_code="accepted",
        text="Known.",
        control="A proxy.",
        ends_at=now + timedelta(days=30),
    )
    ticket.comment("Seen.", by=acting(bob()), blocker=blocker)
    ApiToken.issue(ticket.deployment, name="CI", actions=["gate"], by=acting(alice()))
    delivery = Delivery(
        public_id="dlv_1",
        deployment=ticket.deployment,
        idempotency_key="k",
        sender="token CI",
        payload_sha256="0" * 64,
        payload_bytes=7,
        content=b"\x1f\x8b\x00\xff",
        context={"commit": SHA},
        observed_at=now,
    )
    delivery.payload.save("dlv_1", ContentFile(b"payload"))
    return ticket


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every kept row as the database has it."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in backups.kept_models()
    }


def run(command: str, *arguments: object) -> tuple[int, str]:
    """Run a command and return its exit code and what it said on either stream."""
    said = StringIO()
    try:
        call_command(command, *(str(one) for one in arguments), stdout=said, stderr=said)
    except SystemExit as left:
        return int(left.code or 0), said.getvalue()
    return 0, said.getvalue()


def test_a_restore_gives_back_every_row_file_and_hash(tmp_path: Path) -> None:
    ticket = a_lived_in_installation()
    before, file = everything(), tmp_path / "readiness.zip"
    links = list(ticket.blockers.get().criteria.values_list("pk", flat=True))
    name = Delivery.objects.get().payload.name

    assert run("backup", file)[0] == 0
    User.objects.filter(username="alice").update(first_name="Changed since")
    Observation.objects.all().delete()
    default_storage.delete(str(name))
    code, said = run("restore", file, "--force")

    assert (code, everything() == before) == (0, True), said
    assert list(Ticket.objects.get().blockers.get().criteria.values_list("pk", flat=True)) == links
    assert Path(default_storage.path(str(name))).read_bytes() == b"payload"
    assert run("verify_log") == (
        0,
        f"All {Event.objects.count()} events in 2 logs are as they were written.\n",
    )
    assert run("rescore", "--verify")[0] == 0
    assert User.objects.get(username="alice").check_password(PASSWORD)


def test_after_a_restore_new_rows_get_new_numbers(tmp_path: Path) -> None:
    a_lived_in_installation()
    run("backup", tmp_path / "b.zip")
    run("restore", tmp_path / "b.zip", "--force")

    ticket = Ticket.objects.get()
    factories.blocker(ticket, "Another", at=timezone.now())
    factories.criterion(ticket, "Another", at=timezone.now())
    Deployment.objects.get().admit(factories.charlie(), by=SYSTEM)

    assert run("verify_log")[0] == 0


def test_a_database_in_use_is_not_replaced_without_force(tmp_path: Path) -> None:
    a_lived_in_installation()
    run("backup", tmp_path / "b.zip")
    before = everything()

    code, said = run("restore", tmp_path / "b.zip")

    assert code == 2
    assert said == "This database is not empty. Use another, or --force to replace what is in it.\n"
    assert everything() == before


def test_an_empty_database_is_filled_without_force(tmp_path: Path) -> None:
    a_lived_in_installation()
    before, file = everything(), tmp_path / "b.zip"
    run("backup", file)
    call_command("flush", interactive=False, verbosity=0)

    assert run("restore", file)[0] == 0
    assert everything() == before


def test_a_backup_is_for_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    assert run("backup", file)[0] == 0
    first = file.read_bytes()

    code, said = run("backup", file)

    assert (code, said) == (2, f"{file} exists already. Choose another name.\n")
    assert file.read_bytes() == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    code, said = run("backup", tmp_path / "nowhere" / "b.zip")

    assert code == 2
    assert said.endswith("cannot be written: No such file or directory.\n")


def test_a_file_that_is_gone_from_storage_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    a_lived_in_installation()
    name = Delivery.objects.get().payload.name
    default_storage.delete(str(name))

    code, said = run("backup", tmp_path / "b.zip")

    assert code == 0
    assert f"The file {name} is in no storage any more" in said
    assert run("restore", tmp_path / "b.zip", "--force")[0] == 0


def spoiled(file: Path, member: str, content: bytes | None) -> Path:
    """Return a copy of a backup with one member replaced, or left out."""
    copy = file.with_name("spoiled.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            if name != member:
                new.writestr(name, old.read(name))
        if content is not None:
            new.writestr(member, content)
    return copy


def manifest_with(file: Path, **fields: object) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return json.dumps(json.loads(archive.read("manifest.json")) | fields).encode()


def test_wrong_files_are_refused_in_one_sentence_and_change_nothing(tmp_path: Path) -> None:
    a_lived_in_installation()
    file = tmp_path / "b.zip"
    run("backup", file)
    before = everything()
    text, torn = tmp_path / "notes.txt", tmp_path / "torn.zip"
    text.write_text("Not a backup.")
    torn.write_bytes(file.read_bytes()[:-200])
    flipped = tmp_path / "flipped.zip"
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0xFF
    flipped.write_bytes(content)
    rows = {"rows.jsonl": b'{"model": "tickets.nothing", "pk": 1, "fields": {}}\n'}

    hostile = {
        "There is no file": tmp_path / "nowhere.zip",
        "is not a backup": text,
        "or is damaged": torn,
        "damaged": flipped,
        "have different migrations": spoiled(
            file, "manifest.json", manifest_with(file, migrations=["x.0001"])
        ),
    }
    for sentence, path in hostile.items():
        code, said = run("restore", path, "--force")
        assert (code, sentence in said, len(said.splitlines())) == (2, True, 1), said
    for member, new, sentence in (
        ("manifest.json", b"[]", "is not a backup"),
        ("manifest.json", b"{", "is not a backup"),
        ("manifest.json", None, "is not a backup"),
        ("manifest.json", manifest_with(file, format=99), "has format 99"),
        ("manifest.json", manifest_with(file, rows={"tickets.Ticket": 5}), "The backup promises"),
        ("rows.jsonl", rows["rows.jsonl"], "cannot be read"),
        ("rows.jsonl", b"\xff\xfe", "cannot be read"),
        ("rows.jsonl", b"", "The backup promises"),
    ):
        code, said = run("restore", spoiled(file, member, new), "--force")
        assert (code, sentence in said) == (2, True), (member, new, said)
    assert everything() == before


def test_whatever_byte_is_damaged_a_restore_refuses_or_gives_back_the_same(tmp_path: Path) -> None:
    a_lived_in_installation()
    file, damaged = tmp_path / "b.zip", tmp_path / "damaged.zip"
    run("backup", file)
    whole, manifest = file.read_bytes(), backups.read_manifest(file)

    refused = 0
    for place in range(0, len(whole), len(whole) // 150):
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert backups.read_manifest(damaged) == manifest
        except backups.BadBackup:
            refused += 1
    for length in range(0, len(whole), len(whole) // 50):
        damaged.write_bytes(whole[:length])
        with pytest.raises(backups.BadBackup):
            backups.read_manifest(damaged)

    assert refused > 100


def test_a_row_cannot_make_a_restore_write_outside_the_storage(tmp_path: Path) -> None:
    a_lived_in_installation()
    Delivery.objects.update(payload="../../escaped")
    file = tmp_path / "b.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("files/../../escaped", "evil")
        with archive.open("rows.jsonl", "w") as raw:
            for label in backups.kept_models():
                for row in label._base_manager.order_by("pk"):
                    raw.write(serializers.serialize("jsonl", [row], cls=backups.Exact).encode())
        counts = {model._meta.label: model._base_manager.count() for model in backups.kept_models()}
        manifest = backups.Manifest("2026-01-01T00:00:00+00:00", backups.applied_migrations(), counts, 1)
        archive.writestr("manifest.json", json.dumps(asdict(manifest)))

    code, said = run("restore", file, "--force")

    assert (code, "outside the storage" in said) == (2, True), said
    assert not (Path(default_storage.path("x")).parent.parent.parent / "escaped").exists()


def test_a_backup_sees_one_moment_while_others_write(tmp_path: Path) -> None:
    a_lived_in_installation()

    with backups.one_moment():
        before = Event.objects.count()
        _write_elsewhere()
        assert Event.objects.count() == before
    assert Event.objects.count() == before + 1


def _write_elsewhere() -> None:
    """Write an event over a second connection, as a web process would meanwhile."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            columns = [str(row.column) for row in Event._meta.concrete_fields if not row.primary_key]
            names = ", ".join(columns)
            values = ", ".join("sequence + 1000" if name == "sequence" else name for name in columns)
            rows = f"SELECT {values} FROM tickets_event WHERE ticket_id IS NULL LIMIT 1"
            cursor.execute(f"INSERT INTO tickets_event ({names}) {rows}")
    finally:
        other.close()

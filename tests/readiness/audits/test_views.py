"""Owns the pages of an import: a preview that shows every line, then a ticket; strangers see nothing."""

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests import factories as make
from tickets.models import Deployment, Ticket, User

pytestmark = pytest.mark.django_db
SHOP = (settings.BASE_DIR / "docs/examples/shop-audit.md").read_text()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def look(client: Client, text: str = SHOP) -> str:
    answer = client.post(reverse("audit-import"), {"text": text})
    assert answer.status_code == 200
    return answer.content.decode()


def keep(client: Client, **fields: str) -> tuple[int, str]:
    sections = {f"section-{place}": "" for place in range(12)}
    answer = client.post(
        reverse("audit-import"), {"text": SHOP, "deployment": "shop", "key": "", **sections, **fields}
    )
    return answer.status_code, answer.headers.get("Location", "") or answer.content.decode()


def test_nobody_imports_without_signing_in() -> None:
    for fields in ({"text": SHOP}, {"text": SHOP, "deployment": "new", "name": "Shop"}):
        assert Client().post(reverse("audit-import"), fields).status_code == 302
    assert not Ticket.objects.exists()


def test_a_preview_shows_counts_and_every_line_that_becomes_nothing_and_stores_nothing() -> None:
    page = look(signed_in(make.alice()))

    for said in ("41 findings", "5 blockers", "17 checklist items", "Lines that become nothing"):
        assert said in page
    assert '<td class="num">37</td><td class="t mono">- `shop/pyproject.toml` - Runtime' in page
    assert not Ticket.objects.exists()


def test_a_file_is_read_like_a_pasted_text() -> None:
    file = SimpleUploadedFile("audit.md", SHOP.encode("utf-16"))

    page = signed_in(make.alice()).post(reverse("audit-import"), {"file": file}).content.decode()

    assert "41 findings" in page
    assert "it was read as UTF-16" in page


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"", "Choose a Markdown file"), (b"\0\1\2", "not Markdown"), (b"# x\n" * 1_000_000, "2 MB at most")],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    answer = signed_in(make.alice()).post(
        reverse("audit-import"), {"file": SimpleUploadedFile("audit.md", data or b" ")} if data else {}
    )

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_what_is_in_a_report_is_shown_as_text_and_never_as_markup() -> None:
    page = look(signed_in(make.alice()), SHOP.replace("Answers 200", "<script>alert(1)</script>"))

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_secret_is_masked_before_the_preview_carries_it() -> None:
    secret = "ghp_" + "a1B2" * 9
    page = look(signed_in(make.alice()), SHOP.replace("Answers 200", secret))

    assert secret not in page
    assert "A secret was masked here (GitHub token)" in page


def test_an_audit_is_kept_for_a_deployment_that_the_person_sees() -> None:
    make.deployment("shop")

    status, where = keep(signed_in(make.bob()))

    assert (status, where) == (302, "/t/TCK-20260105-001/")
    assert Ticket.objects.get().deployment.slug == "shop"


def test_a_stranger_cannot_choose_the_deployment() -> None:
    make.deployment("shop")

    status, page = keep(signed_in(make.charlie()))

    assert status == 422
    assert "Select a valid choice" in page
    assert not Ticket.objects.exists()


def test_an_import_may_make_the_first_deployment() -> None:
    status, _ = keep(signed_in(make.charlie()), deployment="new", name="Harbour Books")

    assert status == 302
    assert Deployment.objects.get().owner == make.charlie()
    assert Deployment.objects.get().slug == "harbour-books"


def test_a_new_deployment_needs_a_name() -> None:
    status, page = keep(signed_in(make.alice()), deployment="new")

    assert status == 422
    assert "Give the new deployment a name" in page


def test_the_category_of_a_section_can_be_chosen() -> None:
    make.deployment("shop")

    keep(signed_in(make.alice()), **{"section-0": "Configuration"})

    ticket = Ticket.objects.get()
    sections = {section.title: str(section.category) for section in ticket.sections.all()}
    assert (sections["Dependencies"], sections["Database"]) == ("Configuration", "None")


def test_a_taken_key_is_said_beside_the_key_and_nothing_is_lost() -> None:
    make.deployment("shop")
    client = signed_in(make.alice())
    keep(client)

    preview = look(client)
    status, page = keep(client)
    again, _ = keep(client, key="TCK-20260105-004")

    assert "The key TCK-20260105-001 is taken by another ticket." in preview
    assert status == 409
    assert "Choose another, such as TCK-" in page
    assert "41 findings" in page
    assert again == 302


def test_a_form_sent_twice_makes_one_ticket() -> None:
    make.deployment("shop")
    client = signed_in(make.alice())

    first, second = keep(client), keep(client)

    assert (first[0], second[0]) == (302, 409)
    assert Ticket.objects.count() == 1


def test_the_markdown_of_a_ticket_is_for_those_who_see_it() -> None:
    make.deployment("shop")
    keep(signed_in(make.alice()), **{f"section-{place}": name for place, name in enumerate(MAPPING)})
    address = reverse("ticket-markdown", args=["TCK-20260105-001"])

    answer = signed_in(make.bob()).get(address)

    assert answer.content.decode() == SHOP
    assert answer["Content-Disposition"] == 'attachment; filename="TCK-20260105-001.md"'
    assert signed_in(make.charlie()).get(address).status_code == 404


MAPPING = (
    "Dependencies", "Backend Stability", "Backend Stability", "Configuration", "Frontend Stability",
    "Frontend Stability", "Frontend Stability", "Configuration", "Backend Stability", "Backend Stability",
    "Testing", "Documentation",
)  # fmt: skip

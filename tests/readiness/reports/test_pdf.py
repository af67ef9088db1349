"""The example audit on paper: tagged, with its own faces, complete, and with page numbers that are true."""

import io
import re
from typing import Any

import pikepdf
import pytest

from readiness.reports import paper
from readiness.reports.edition import Edition, Imprint
from readiness.reports.paper import Unprintable
from readiness.reports.printing import page, print_report
from readiness.reports.words import EMOJI
from tests.readiness.reports.reading import Read, squeezed

# The example is frozen from a database, which is made only for tests that ask for one.
pytestmark = pytest.mark.django_db


def test_it_opens_and_has_the_pages_of_a_report_of_this_size(shop_pdf: Read) -> None:
    assert 10 <= len(shop_pdf.file.pages) <= 15
    assert {tuple(round(float(side)) for side in one.MediaBox) for one in shop_pdf.file.pages} == {
        (0, 0, 595, 842)
    }


def test_it_is_tagged_says_its_language_and_shows_its_title(shop_pdf: Read) -> None:
    root = shop_pdf.root

    assert bool(root.MarkInfo.Marked)
    assert {
        "/H1",
        "/H2",
        "/H3",
        "/Table",
        "/TH",
        "/TD",
        "/L",
        "/LI",
        "/P",
        "/Link",
        "/Figure",
    } <= shop_pdf.kinds()
    assert str(root.Lang) == "en"
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert "TCK-20260105-001" in str(shop_pdf.file.docinfo.Title)
    assert b"pdfuaid" in root.Metadata.read_bytes()


def test_every_figure_says_in_words_what_it_shows(shop_pdf: Read) -> None:
    figures = [
        one for one in shop_pdf.file.objects if getattr(one, "get", None) and one.get("/S") == "/Figure"
    ]

    assert figures
    assert all(str(one.get("/Alt", "")).strip() for one in figures)


def test_all_faces_are_embedded_and_are_ours(shop_pdf: Read) -> None:
    names = set()
    for font in shop_pdf.fonts():
        descendant = font.DescendantFonts[0]
        assert "/FontFile2" in descendant.FontDescriptor or "/FontFile3" in descendant.FontDescriptor
        names.add(str(font.BaseFont).partition("+")[2])

    assert names == {"Inter", "Inter-Medium", "Inter-Semi-Bold", "Inter-Bold", "IBM-Plex-Mono"}


def test_no_picture_is_a_bitmap_and_no_letter_an_emoji(shop_pdf: Read) -> None:
    images = [
        one for one in shop_pdf.file.objects if getattr(one, "get", None) and one.get("/Subtype") == "/Image"
    ]

    assert images == []
    assert EMOJI.search(shop_pdf.text()) is None


def test_the_contents_name_the_pages_on_which_things_stand(shop_pdf: Read) -> None:
    stated = re.findall(r"([A-Z][^.]+?)(?:\s*\.){5,}\s*(\d+)", shop_pdf.texts[1].removeprefix("Contents "))
    destinations = shop_pdf.destinations()
    linked = list(dict.fromkeys(shop_pdf.links(2)))

    assert len(stated) == len(linked) == 20
    for (title, number), name in zip(stated, linked, strict=True):
        assert destinations[name] == int(number)
        heading = re.sub(r"^[\dA]\s+", "", title.strip())
        assert squeezed(heading) in squeezed(shop_pdf.texts[int(number) - 1])


def test_the_executive_summary_is_one_page(shop_pdf: Read) -> None:
    destinations = shop_pdf.destinations()

    assert destinations["summary"] == 3
    assert destinations["gate"] == 4
    assert "Executive summary" in shop_pdf.texts[2]
    assert "Blockers at a glance" in shop_pdf.texts[2]


def test_every_blocker_and_every_finding_is_printed_also_the_passed_ones(
    shop_pdf: Read, shop_content: dict[str, Any]
) -> None:
    letters = shop_pdf.letters()
    findings = [row for section in shop_content["sections"] for row in section["findings"]]
    texts = [row[name] for row in findings for name in ("subject", "notes", "fix")]
    texts += [
        row[name]
        for row in shop_content["blockers"]
        for name in ("title", "location", "issue", "risk", "fix")
    ]
    texts += [row["text"] for phase in shop_content["checklist"] for row in phase["rows"]]

    assert len(findings) == 41
    assert any(row["status"] == "ok" for row in findings)
    assert [text for text in texts if squeezed(text) not in letters] == []


def test_every_page_but_the_cover_names_ticket_verdict_report_and_place(shop_pdf: Read) -> None:
    count = len(shop_pdf.texts)

    for number, text in enumerate(shop_pdf.texts[1:], start=2):
        assert "TCK-20260105-001 · Harbour Books" in text
        assert "Not ready · 3.9 / 10" in text
        assert "Readiness report 3, generated 5 Feb 2026, 14:32 UTC" in text
        assert f"Page {number} of {count}" in text


def test_the_cover_says_how_to_verify_the_report(shop_pdf: Read, imprint: Imprint) -> None:
    assert imprint.checksum in squeezed(shop_pdf.texts[0])
    assert imprint.verify in squeezed(shop_pdf.texts[0])


def test_the_appendix_has_probes_deliveries_evidence_and_code(shop_pdf: Read) -> None:
    text = shop_pdf.text()

    for words in (
        "cors-production",
        "Never reported",
        "84 tests, 67 passed, 17 failures",
        "The signature is wrong.",
    ):
        assert words in text
    assert "response.status:403" in shop_pdf.letters()
    assert squeezed("# Addresses of development machines only") in shop_pdf.letters()


def test_the_outline_has_the_chapters_and_their_sections(shop_pdf: Read) -> None:
    assert shop_pdf.outline() == [
        "Executive summary", "1 Gate and score", "2 Assessment", "3 Deployment blockers", "4 Recommendations",
        "5 Deployment checklist", "6 Conclusion and next steps", "A Appendix: evidence",
    ]  # fmt: skip


def test_the_same_content_gives_the_same_bytes(
    shop_bytes: bytes, shop_content: dict[str, Any], imprint: Imprint
) -> None:
    assert print_report(shop_content, imprint).pdf == shop_bytes


def test_headings_stay_with_what_they_head(shop_pdf: Read, shop_content: dict[str, Any]) -> None:
    destinations = shop_pdf.destinations()

    for place, section in enumerate(shop_content["sections"], start=1):
        first = section["findings"][0]["subject"]
        assert squeezed(first) in squeezed(shop_pdf.texts[destinations[f"section-{place}"] - 1])


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x.png", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_nothing_is_fetched_and_asking_is_an_error_that_a_job_keeps(address: str) -> None:
    with pytest.raises(Unprintable, match=re.escape(address)):
        paper.lay_out(f'<html lang="en"><body><img src="{address}" alt=""></body></html>')


def test_the_page_asks_for_nothing_from_outside(shop_content: dict[str, Any], imprint: Imprint) -> None:
    html = page(Edition(shop_content, imprint))

    assert re.findall(r"(?:src|<link|<script|style)=", html) == []
    assert "url(http" not in paper.style_sheet()


def test_the_file_is_whole_for_a_strict_reader(shop_bytes: bytes) -> None:
    with pikepdf.open(io.BytesIO(shop_bytes)) as file:
        assert file.check_pdf_syntax() == []

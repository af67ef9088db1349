"""Owns what audits of other people are read as: other columns, other headings, other orders, other words."""

import pytest

from readiness.audits.chapters import default_category
from readiness.audits.document import AuditDocument
from readiness.audits.parse import read_text
from tickets.scoring import Status

SIX = (
    "Backend Stability", "Frontend Stability", "Dependencies", "Configuration", "Documentation", "Testing",
)  # fmt: skip


def read(text: str) -> AuditDocument:
    return read_text(text.strip("\n") + "\n")


def said(document: AuditDocument) -> list[tuple[str, str, str | None, str | None, str | None]]:
    return [(row.subject, row.status.value, row.severity, row.notes, row.fix) for row in document.findings]


def warnings(document: AuditDocument) -> list[tuple[int, str]]:
    return [(note.line, note.text) for note in document.warnings if note.line]


def test_issue_is_the_subject_in_one_table_and_the_notes_in_another() -> None:
    first = read(
        "## 1. X\n| Issue | Severity | Evidence | Fix Required |\n|--|--|--|--|\n| a | HIGH | b | c |"
    )
    second = read("## 1. X\n| Endpoint | Status | Issue |\n|--|--|--|\n| /a | ✅ OK | b |")

    assert said(first) == [("a", "failing", "HIGH", "b", "c")]
    assert said(second) == [("/a", "ok", None, "b", None)]


def test_a_severity_column_may_hold_statuses_row_by_row() -> None:
    document = read("## 1. X\n| Issue | Severity |\n|--|--|\n| a | ⚠️ RISKY |\n| b | LOW |\n| c | hoch |")

    assert said(document)[:2] == [("a", "risky", None, None, None), ("b", "failing", "LOW", None, None)]
    assert said(document)[2] == ("c", "failing", "hoch", None, None)
    assert [line for line, text in warnings(document) if "hoch" in text] == [6]


def test_columns_in_another_order_with_other_names_are_mapped_by_meaning() -> None:
    document = read(
        "## Review\n| # | State | Component | Remediation | Comments | Owner |\n|--|--|--|--|--|--|\n"
        "| 1 | Failed | Queue | restart | stuck | Bob |"
    )

    assert said(document) == [("Queue", "failing", None, "stuck\nOwner: Bob\n#: 1", "restart")]
    assert "“Owner” is none that we know" in warnings(document)[0][1]


def test_a_status_column_without_a_known_name_is_known_by_what_stands_in_it() -> None:
    document = read("## X\n| Was | Zustand |\n|--|--|\n| a | ✅ OK |\n| b | FAIL |")

    assert [row[:2] for row in said(document)] == [("a", "ok"), ("b", "failing")]


def test_words_of_another_language_are_not_guessed() -> None:
    document = read("## X\n| Bereich | Status |\n|--|--|\n| Anmeldung | ✅ Läuft |")

    assert said(document) == [("Anmeldung", "unknown", None, None, None)]
    assert document.findings[0].word == "Läuft"
    assert warnings(document) == [(4, "“Läuft” is no status that we know: it counts as unknown.")]


def test_a_table_that_judges_nothing_is_left_line_by_line() -> None:
    document = read("## X\n\n| Method | Path |\n|--|--|\n| GET | /a |")

    assert document.findings == ()
    assert [(note.line, note.text) for note in document.unmapped] == [
        (1, "X"),
        (3, "| Method | Path |"),
        (5, "| GET | /a |"),
    ]


def test_missing_and_extra_cells_are_warned_about_and_kept() -> None:
    document = read("## X\n| Item | Status | Notes |\n|--|--|--|\n| a |\n| b | OK | c | d |")

    assert [row[:2] for row in said(document)] == [("a", "unknown"), ("b", "ok")]
    assert [line for line, _ in warnings(document)] == [4, 4, 5]
    assert [(note.line, note.text) for note in document.unmapped] == [(5, "d")]


def test_a_mark_that_disagrees_with_its_word_is_warned_about_and_the_word_counts() -> None:
    document = read("## X\n| Item | Status |\n|--|--|\n| a | ❌ OK |\n| b | ✅ FAILING |")

    assert [row[:2] for row in said(document)] == [("a", "ok"), ("b", "failing")]
    assert [line for line, _ in warnings(document)] == [4, 5]


def test_points_of_lists_are_findings_where_they_state_something() -> None:
    document = read(
        "## 1. Backend\n- ✅ **Migrations**: applied\n- **Pool**: ❌ UNKNOWN - nobody looked\n"
        "- Known issues: none\n- [HIGH] No lock file - see the repository\n- HIGH: No backups"
    )

    assert said(document) == [
        ("Migrations", "ok", None, "applied", None),
        ("Pool", "unknown", None, "nobody looked", None),
        ("No lock file", "failing", "HIGH", "see the repository", None),
        ("No backups", "failing", "HIGH", None, None),
    ]
    assert [note.text for note in document.unmapped] == ["- Known issues: none"]


def test_a_problem_told_in_prose_is_a_finding_with_its_code_as_evidence_and_no_weight() -> None:
    document = read(
        "## 3.1 CORS\n```python\nORIGINS = []\n```\n**Problem**: Nobody is allowed.\n**Fix**: Allow us"
    )

    (finding,) = document.findings
    assert (finding.subject, finding.status, finding.word, finding.weight) == (
        "CORS",
        Status.FAILING,
        "Problem",
        0,
    )
    assert (finding.notes, finding.evidence, finding.fix) == (
        "Nobody is allowed.",
        "ORIGINS = []",
        "Allow us",
    )
    assert finding.to_json()["notes"] == "Nobody is allowed.\n\nORIGINS = []"


def test_blockers_of_four_shapes() -> None:
    document = read("""
## Deployment Blockers

### Blocker 7: Secrets (P0)
**Fix**: Move them
**Location**: `a.py`

### P1 issues

- **No alerts** - nobody wakes up
- No dashboards (P2)

## P0 blockers

| # | Blocker | Risk | Fix |
|--|--|--|--|
| 3 | No TLS | eavesdropping | a certificate |
""")

    assert [(row.number, row.priority, row.title) for row in document.blockers] == [
        (7, "P0", "Secrets"),
        (None, "P1", "No alerts"),
        (None, "P2", "No dashboards"),
        (3, "P0", "No TLS"),
    ]
    assert document.blockers[0].location == "a.py"
    assert document.blockers[0].issue is None
    assert document.blockers[1].issue == "nobody wakes up"
    assert (document.blockers[3].risk, document.blockers[3].fix) == ("eavesdropping", "a certificate")


def test_two_blockers_with_one_number_are_warned_about_at_the_second() -> None:
    document = read(
        "## Blockers\n### Blocker 1: A (P0)\n**Issue**: a\n"
        "### Blocker 1: B (P0)\n**Issue**: b\n### Blocker 2: C\n"
    )

    assert [line for line, text in warnings(document) if "have the number 1" in text] == [4]
    assert [line for line, text in warnings(document) if "no priority" in text] == [6]


def test_a_state_in_a_report_is_left_and_warned_about() -> None:
    document = read("## Blockers\n### Blocker 1: A (P0)\n**Issue**: a\n**Status**: Verified")

    assert document.blockers[0].state == "Verified"
    assert warnings(document)[0][0] == 4
    assert document.unmapped[0].line == 4


def test_checklists_by_phase_with_boxes_of_any_kind() -> None:
    document = read(
        "## Release Checklist\n### Before\n- [x] a\n- [ ] b\n  - detail\n* ☑ c\n* ☐ d\n### After\n- plain\n\n"
        "| Item | Done |\n|--|--|\n| e | ✅ |\n| f | later |"
    )

    assert [(row.phase, row.text, row.done) for row in document.checklist] == [
        ("Before", "a", True),
        ("Before", "b\n- detail", False),
        ("Before", "c", True),
        ("Before", "d", False),
        ("After", "plain", False),
        ("After", "e", True),
        ("After", "f (later)", False),
    ]


def test_recommendations_by_horizon_from_headings_labels_lists_and_tables() -> None:
    document = read(
        "## Recommendations\n### Now (today)\n1. **A** - x\n1. B\n\n**Later**:\n- C\n\n### Then\n"
        "| # | Recommendation | Effort |\n|--|--|--|\n| 1 | D | 2 days |"
    )

    assert [(row.horizon, row.text) for row in document.recommendations] == [
        ("Now", "A - x"),
        ("Now", "B"),
        ("Later", "C"),
        ("Then", "D\nEffort: 2 days"),
    ]


def test_an_audit_without_a_single_hash_is_read() -> None:
    document = read("""
Deployment Audit of Orders
Date: 1 March 2026
Auditor: Jane
Ticket: OPS-17

EXECUTIVE SUMMARY

- Backend: 6/10 (PARTIAL)
- Docs: 30% - MISSING
- Overall: 4.5/10 NOT READY

1. Backend Assessment

1.1 Database

| Aspect | Status |
|---|---|
| Pooling | UNKNOWN |

CONCLUSION

Not yet.
""")

    assert (document.title, document.date, document.auditor) == (
        "Deployment Audit of Orders",
        "2026-03-01",
        "Jane",
    )
    assert document.ticket == "OPS-17"
    assert [(row.name, row.score, row.max) for row in document.categories] == [
        ("Backend", "6", "10"),
        ("Docs", "30", "100"),
    ]
    assert (document.overall.score, document.overall.status) == ("4.5", "NOT READY")
    assert [(row.section, row.category) for row in document.findings] == [("1.1 Database", "Backend")]
    assert document.conclusion == "Not yet."
    assert document.unmapped == ()


def test_front_matter_is_the_header() -> None:
    document = read('---\ntitle: "An audit"\ndate: 2026-01-05\nticket: TCK-20260105-001\n---\n\n## 1. API\n')

    assert (document.title, document.date, document.ticket) == ("An audit", "2026-01-05", "TCK-20260105-001")


def test_header_fields_with_dashes_right_below_are_no_heading() -> None:
    document = read("# A\n\n**Auditor**: Jane\n**Scope**: All\n---\n\n## X\n")

    assert (document.auditor, document.scope) == ("Jane", "All")


def test_a_score_out_of_range_is_a_warning_and_no_score() -> None:
    document = read("## Summary\n| Category | Score |\n|--|--|\n| API | 12/10 |\n| UI | 6/10 |")

    assert [(row.name, row.score) for row in document.categories] == [("API", None), ("UI", "6")]
    assert warnings(document)[0][0] == 4


def test_a_stated_mean_that_is_none_is_warned_about() -> None:
    document = read(
        "## Summary\n| Category | Score |\n|--|--|\n| A | 4/10 |\n| B | 5/10 |\n| OVERALL | 9/10 |"
    )

    assert "not the mean of the categories, which is 4.5" in warnings(document)[0][1]


def test_a_secret_is_masked_and_reported_with_its_line() -> None:
    secret = "ghp_" + "a1B2" * 9
    document = read(f"# A\n\n## X\n| Item | Status | Notes |\n|--|--|--|\n| a | OK | {secret} |")

    assert secret not in str(document)
    assert secret not in document.text
    assert "A secret was masked here" in warnings(document)[0][1]
    assert warnings(document)[0][0] == 6


def test_prose_that_nothing_tracks_is_left_with_its_line() -> None:
    document = read(
        "# A\n\n## 1. API\n\n| Item | Status |\n|--|--|\n| a | OK |\nAnd yet it fails.\n\n> quoted"
    )

    assert [(note.line, note.text) for note in document.unmapped] == [
        (8, "And yet it fails."),
        (10, "> quoted"),
    ]


@pytest.mark.parametrize(
    ("titles", "category"),
    [
        (("Dependencies", "Backend Assessment"), "Dependencies"),
        (("Database", "Backend Assessment"), "Backend Stability"),
        (("API Endpoints", "Backend Assessment"), "Backend Stability"),
        (("Environment Configuration", "Backend Assessment"), "Configuration"),
        (("Build Configuration", "Frontend Assessment"), "Frontend Stability"),
        (("Runtime Dependencies", "Frontend Assessment"), "Frontend Stability"),
        (("Asset Management", "Frontend Assessment"), "Frontend Stability"),
        (("CORS Configuration", "Integration Issues"), "Configuration"),
        (("Authentication", "Integration Issues"), "Backend Stability"),
        (("File Uploads", "Integration Issues"), "Backend Stability"),
        (("Testing Gaps",), "Testing"),
        (("Documentation Gaps",), "Documentation"),
        (("API Documentation", "Backend"), "Documentation"),
        (("Sonstiges",), None),
    ],
)
def test_the_default_category_of_a_section(titles: tuple[str, ...], category: str | None) -> None:
    assert default_category(titles, SIX) == category


def test_a_section_feeds_only_categories_that_the_audit_has() -> None:
    assert default_category(("Authentication", "Integration"), ("Security", "Backend")) == "Security"
    assert default_category(("Authentication", "Integration"), ("Testing",)) is None


def test_a_section_without_a_category_is_warned_about_and_can_be_mapped() -> None:
    scores = "## Summary\n| Category | Score |\n|--|--|\n| API | 5/10 |\n"
    text = f"{scores}## Odd\n| Item | Status |\n|--|--|\n| a | OK |\n"

    assert "The section “Odd” feeds no category: choose one." in [note.text for note in read(text).warnings]
    mapped = read_text(text, {"Odd": "API"})
    assert [row.category for row in mapped.findings] == ["API"]
    assert mapped.warnings == ()

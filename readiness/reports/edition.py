"""Owns an edition of a frozen report: what the pages show, in which tone and with which drawings.

One edition for paper and one for the screen, from the same frozen content and through the same templates.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from operator import itemgetter
from typing import Any

from readiness.reports import appendix, chapters, summary
from readiness.reports.plain import as_moment
from readiness.reports.words import Code, printable_json, read
from tickets import charts, palette, tones
from tickets.svg import Palette
from tickets.templatetags.readiness import day

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imprint:
    """What stands on a report beside its content: its number, who made it and when, and how to verify it.

    `number` None: made for a person who asked for a copy, and kept nowhere.
    """

    made_at: datetime
    made_by: str
    checksum: str
    number: int | None = None
    verify: str = ""


class Edition:
    """A frozen report, ready for the templates. `paper` False: for the screen.

    `missing` are characters that this machine has no glyph for; `tight`: how often the summary was too long.
    """

    def __init__(
        self,
        content: Mapping[str, Any],
        imprint: Imprint,
        *,
        paper: bool = True,
        missing: Collection[str] = (),
        tight: int = 0,
    ) -> None:
        self.content: dict[str, Any] = printable_json(content, missing) if paper else dict(content)
        self.imprint, self.paper, self.missing, self.tight = imprint, paper, len(missing), tight

    @cached_property
    def palette(self) -> Palette | None:
        return palette.light() if self.paper else None

    # What the report is about, and its answer.

    @property
    def ticket(self) -> Row:
        return dict(self.content["ticket"])

    @property
    def name(self) -> str:
        return str(self.ticket["deployment"]["name"])

    @property
    def title(self) -> str:
        return f"{self.ticket['title']}, {self.ticket['key']}"

    @property
    def as_of(self) -> datetime | None:
        return as_moment(self.content["as_of"])

    @property
    def tone(self) -> tones.Tone:
        """Return the verdict's tone; where nothing is known it is not shown as a judgement."""
        assessed = self.content["score"]["assessed"]
        return tones.of_verdict(self.content["verdict"]["word"]) if assessed else "mute"

    @property
    def sentence(self) -> str:
        """Return the answer in a sentence; an override never hides what was computed."""
        decided = self.content["verdict"]
        if not self.content["score"]["assessed"]:
            return "Not assessed yet. Not ready."
        said = tones.VERDICT_SENTENCES.get(decided["word"], decided["word"])
        return (
            f"{said} Computed: {decided['computed'].lower()}."
            if decided["word"] != decided["computed"]
            else said
        )

    @property
    def overall(self) -> Decimal | None:
        return as_decimal(self.content["score"]["overall"])

    @property
    def gate(self) -> Decimal:
        return Decimal(self.content["policy"]["overall_floor"])

    @property
    def running_head(self) -> str:
        """Return the verdict as it stands on every page, with what qualifies it."""
        decided = self.content["verdict"]
        parts = [decided["word"].capitalize()]
        if decided["word"] != decided["computed"]:
            by = "overridden" if decided["override"] and decided["override"]["applies"] else "lowered"
            parts[0] += f" ({by}; computed {decided['computed'].lower()})"
        parts.append("no score" if self.overall is None else f"{self.overall} / 10")
        waived = len(self.content["waivers"])
        if waived:
            parts.append("1 waiver" if waived == 1 else f"{waived} waivers")
        return " · ".join(parts)

    @cached_property
    def notes(self) -> list[str]:
        """Return what has to be read with the verdict, as whole sentences: nothing here may be left out."""
        return chapters.notes(self.content)

    @property
    def ring(self) -> str:
        return charts.score_ring(self.overall, gate=self.gate, tone=self.tone, palette=self.palette)

    @cached_property
    def counts(self) -> Row:
        """Return how many blockers, conditions and findings there are, by what became of them."""
        rows = self.content["blockers"]
        conditions = self.content["conditions"]
        return {
            "p0": sum(row["open"] and row["priority"] == "P0" for row in rows),
            "p1": sum(row["open"] and row["priority"] == "P1" for row in rows),
            "open": sum(row["open"] for row in rows),
            "closed": sum(not row["open"] for row in rows),
            "met": sum(row["met"] for row in conditions),
            "conditions": len(conditions),
            "findings": sum(len(section["findings"]) for section in self.content["sections"]),
        }

    @cached_property
    def lead(self) -> str:
        """Return the auditor's recommendation, or what the gate says where there is none."""
        stated = str(self.content["stated"]["recommendation"]).strip()
        return stated or "; ".join(self.content["verdict"]["reasons"][:2])

    # The executive summary.

    @cached_property
    def summary(self) -> summary.Summary:
        rows = summary.Rows(
            lead=self.lead,
            notes=self.notes,
            categories=self.categories,
            conditions=[{**row, "text": row["title"]} for row in self.conditions],
            actions=self.actions,
            blockers=self.in_the_way,
        )
        return summary.arrange(rows, self.tight)

    @property
    def in_the_way(self) -> list[Row]:
        """Return the open blockers by priority, those of the deployment's other tickets among them."""
        own = [{**row, "anchor": row["ref"]} for row in self.content["blockers"] if row["open"]]
        others = [chapters.foreign(row) for row in self.content["elsewhere"]]
        return sorted([*own, *others], key=itemgetter("priority"))

    @cached_property
    def categories(self) -> list[Row]:
        return [self._category(row) for row in self.content["categories"]]

    def _category(self, row: Row) -> Row:
        score = as_decimal(row["score"])
        unknown = bool(row["criteria"]) and row["unknown"] == row["criteria"]
        tone = tones.of_score(score, stale=unknown)
        bar = charts.ten_blocks(score, tone=tone, label=row["name"], palette=self.palette)
        told = {"explained": explain(row), "covers": percent(row["coverage"])}
        word = tones.word_of("", row["word"])
        return {**row, "word": word[:1].upper() + word[1:], "score": score, "tone": tone, "bar": bar, **told}

    @property
    def verdict_word(self) -> str:
        return str(self.content["verdict"]["word"]).capitalize()

    @property
    def covers(self) -> str:
        return percent(self.content["score"]["coverage"])

    @property
    def overall_bar(self) -> str:
        tone = tones.of_score(self.overall)
        return charts.ten_blocks(self.overall, tone=tone, label="Overall", palette=self.palette)

    @cached_property
    def conditions(self) -> list[Row]:
        """Return the gate's conditions, what is in the way first, hard before soft."""
        rows = sorted(self.content["conditions"], key=lambda row: (row["met"], not row["hard"]))
        return [chapters.condition(row) for row in rows]

    @cached_property
    def overrides(self) -> chapters.Capped[Row]:
        rows = [chapters.override(row) for row in self.content.get("overrides", ())]
        return chapters.capped(rows, chapters.OVERRIDES)

    @cached_property
    def actions(self) -> list[Row]:
        titles = {row["key"]: row["title"] for row in self.content["conditions"]}
        priorities = {row["ref"]: row["priority"] for row in self.content["blockers"]}
        return [chapters.action(row, titles, priorities) for row in self.content["advice"]["actions"]]

    @property
    def remaining(self) -> list[str]:
        titles = {row["key"]: row["title"] for row in self.content["conditions"]}
        return [titles.get(key, key) for key in self.content["advice"]["remaining"]]

    # The chapters.

    @cached_property
    def sections(self) -> list[chapters.Section]:
        rows = self.content["sections"]
        cap = chapters.rows_per_section(len(rows)) if self.paper else chapters.ROWS_ON_SCREEN
        return [chapters.section(row, place, cap) for place, row in enumerate(rows, start=1)]

    @property
    def standing(self) -> list[tuple[str, tones.Tone, int]]:
        """Return how many findings there are of each tone, as (word, tone, count), worst first."""
        found = Counter(row.tone for section in self.sections for row in section.all)
        words: list[tuple[str, tones.Tone]] = [
            ("broken or missing", "fail"), ("in part or risky", "warn"), ("unknown or expired", "unk"),
            ("OK", "pass"), ("not applicable", "mute"),
        ]  # fmt: skip
        return [(word, tone, found[tone]) for word, tone in words if found[tone]]

    @cached_property
    def blockers(self) -> chapters.Capped[Row]:
        rows = [chapters.blocker(row) for row in self.content["blockers"]]
        return chapters.capped(rows, chapters.BLOCKERS)

    @property
    def burndown(self) -> str:
        return chapters.burndown_chart(self.content, self.palette)

    @cached_property
    def checklist(self) -> list[Row]:
        return [chapters.phase(row) for row in self.content["checklist"]]

    @property
    def abreast(self) -> bool:
        """Tell whether the phases of the checklist are short enough to stand side by side."""
        return 1 < len(self.checklist) <= 3 and all(
            len(phase["rows"]) <= chapters.ABREAST for phase in self.checklist
        )

    @cached_property
    def recommendations(self) -> list[Row]:
        return [chapters.horizon(group) for group in self.content["recommendations"]]

    @cached_property
    def probes(self) -> list[Row]:
        return [appendix.probe(row, self.palette) for row in self.content["probes"]]

    @cached_property
    def deliveries(self) -> list[Row]:
        return [appendix.delivery(row) for row in self.content["deliveries"]]

    @cached_property
    def evidence(self) -> chapters.Capped[Row]:
        return chapters.capped(appendix.evidence(self.content), appendix.EVIDENCE)

    @property
    def code(self) -> list[tuple[chapters.Section, tuple[Code, ...]]]:
        """Return the code blocks of the audit with the section that each stood in."""
        return [(section, section.code) for section in self.sections if section.code]

    @cached_property
    def conclusion(self) -> str:
        return read(str(self.content["conclusion"]))[0]

    @property
    def made(self) -> str:
        """Return the number and the time of the report, as its pages say it."""
        at = self.imprint.made_at
        told = f"generated {day(at)}, {at:%H:%M} UTC"
        return (
            f"Readiness report {self.imprint.number}, {told}"
            if self.imprint.number
            else f"Unnumbered copy, {told}"
        )


def as_decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def percent(share: str | None) -> str:
    """Return a share of one, written as a fraction, as whole per cent; cut, so that 99.9 % is not all."""
    return "–" if share is None else f"{int(Fraction(share) * 100)} %"


def explain(row: Row) -> str:
    """Return where a category's score comes from: "6.0 auditor + 1.3 evidence"."""
    if row["score"] is None:
        return "no score"
    if row["auditor"] is None:
        return "evidence only"
    evidence = Decimal(row["evidence"] or 0)
    sign = "−" if evidence < 0 else "+"
    return f"{Decimal(row['auditor']):.1f} auditor {sign} {abs(evidence):.1f} evidence"

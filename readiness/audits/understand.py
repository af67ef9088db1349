"""Owns the walk over the page of an audit: which reader takes which block, and what nobody takes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from readiness.audits import blockers, plans, points, rows, summary, told
from readiness.audits.chapters import default_category
from readiness.audits.document import AuditDocument, Note, Place
from readiness.audits.draft import Chapter, Draft, said
from readiness.audits.fields import CONCLUSION, meaning
from readiness.audits.headings import Part, heading_of, is_numbered_blocker, part_of
from readiness.audits.inline import plain
from readiness.audits.page import Block, Bullets, Field, Fields, Rule, Section, Table
from readiness.audits.tables import columns_of
from readiness.audits.write import field_text


def understand(
    sections: Sequence[Section],
    mapping: Mapping[str, str | None] | None = None,
    warnings: Sequence[Note] = (),
) -> AuditDocument:
    """What a page says. `mapping` names the category (None: none) of sections by label, over the defaults."""
    chapters = _chapters(sections)
    parents = frozenset(chapter.above[0] for chapter in chapters if chapter.above)
    draft = Draft(chapters, mapping or {}, parents, warnings=list(warnings))
    scores = summary.category_blocks(chapters)
    for section, block in scores:
        summary.read_categories(
            draft, chapters[section], sections[section].blocks[block], Place(section, block)
        )
    _map(draft)
    for chapter in chapters:
        _read(draft, chapter, scores)
    title = _title(draft)
    for chapter in chapters:
        if chapter.section.level and chapter.index not in draft.used:
            draft.leave(chapter.section.line, plain(chapter.section.text))
    _check(draft, title)
    return AuditDocument(
        sections=tuple(sections),
        title=title,
        ticket=draft.header.get("ticket") or summary.ticket_in(title),
        date=draft.header.get("date"),
        auditor=draft.header.get("auditor"),
        scope=draft.header.get("scope"),
        commit=draft.header.get("commit"),
        overall=draft.overall,
        categories=tuple(draft.categories),
        findings=tuple(draft.findings),
        blockers=tuple(draft.blockers),
        recommendations=tuple(draft.recommendations),
        checklist=tuple(draft.checklist),
        files=tuple(draft.files),
        conclusion=draft.conclusion or None,
        stated_eta=draft.stated_eta,
        next_steps=tuple(draft.next_steps),
        categories_of=draft.categories_of,
        unmapped=tuple(sorted(draft.unmapped, key=lambda note: note.line)),
        warnings=tuple(sorted(draft.warnings, key=lambda note: note.line)),
    )


def _chapters(sections: Sequence[Section]) -> list[Chapter]:
    chapters: list[Chapter] = []
    above: list[int] = []
    title = _title_index(sections)
    for index, section in enumerate(sections):
        while above and sections[above[-1]].level >= section.level:
            above.pop()
        if index == title or section.level == 0:
            part, opens = Part.HEADER, True
        else:
            part, opens = _part(section, chapters[above[-1]] if above else None)
        chapters.append(
            Chapter(index, section, heading_of(section.text), part, opens, tuple(reversed(above)))
        )
        if section.level and index != title:
            above.append(index)
    return chapters


def _part(section: Section, parent: Chapter | None) -> tuple[Part, bool]:
    """The part of a section, and whether its own heading opens it."""
    own = part_of(section.text)
    inherited = parent.part if parent else Part.ASSESSMENT
    if inherited is Part.BLOCKERS and own is not Part.NEXT_STEPS:
        return Part.BLOCKERS, False
    if is_numbered_blocker(section.text):
        return Part.BLOCKERS, False
    if own is None or (own is Part.SUMMARY and parent is not None):
        return inherited, False
    return own, True


def _title_index(sections: Sequence[Section]) -> int | None:
    """The heading that is the title: the first of level 1, unless others do and it opens a part."""
    first = [index for index, section in enumerate(sections) if section.level == 1]
    if first and (len(first) == 1 or part_of(sections[first[0]].text) is None):
        return first[0]
    named = next((index for index, section in enumerate(sections) if section.level), None)
    if not first and named is not None and sections[named].style == "bold":
        heading = heading_of(sections[named].text)
        return named if not heading.number and part_of(sections[named].text) is None else None
    return None


def _map(draft: Draft) -> None:
    """Choose the category of every section: what the person chose, else by meaning."""
    names = [row.name for row in draft.categories]
    for chapter in draft.chapters:
        if chapter.part not in (Part.ASSESSMENT, Part.SUMMARY, Part.HEADER):
            continue
        label = chapter.heading.label
        titles = [draft.chapters[index].heading.title for index in (chapter.index, *chapter.above)]
        default = default_category(titles, names) if chapter.part is Part.ASSESSMENT else None
        draft.categories_of[chapter.index] = draft.mapping.get(label, default)


def _read(draft: Draft, chapter: Chapter, scores: set[tuple[int, int]]) -> None:
    blocks = chapter.section.blocks
    if blockers.is_one(draft, chapter):
        draft.single.add(chapter.index)
        blockers.read_blocker(draft, chapter)
        return
    taken = {block for section, block in scores if section == chapter.index}
    if chapter.part is Part.ASSESSMENT and not any(map(_judges, blocks)):
        taken |= told.read_problems(draft, chapter)
    for index, block in enumerate(blocks):
        if index in taken or isinstance(block, Rule):
            continue
        place = Place(chapter.index, index)
        label = _label(blocks, index)
        if chapter.part is Part.CONCLUSION:
            _conclude(draft, chapter, block, label)
        elif isinstance(block, Fields):
            _fields(draft, chapter, block, place, has_label=_label(blocks, index + 1) is not None)
        elif not _take(draft, chapter, block, place, label):
            if label:
                draft.leave(label.line, field_text(label))
            draft.leave_block(block)


def _judges(block: Block) -> bool:
    return (isinstance(block, Table) and columns_of(block).judges) or (
        isinstance(block, Bullets) and points.states_something(block)
    )


def _label(blocks: Sequence[Block], index: int) -> Field | None:
    """The field without a value right above a block, which names it."""
    if not 0 < index < len(blocks) or isinstance(blocks[index], Fields | Rule):
        return None
    above = blocks[index - 1]
    last = above.fields[-1] if isinstance(above, Fields) else None
    return last if last and not last.value else None


def _fields(draft: Draft, chapter: Chapter, block: Fields, place: Place, has_label: bool) -> None:
    rest = replace(block, fields=block.fields[:-1]) if has_label else block
    if chapter.part in (Part.HEADER, Part.SUMMARY):
        summary.read_header_fields(draft, chapter, rest, place)
    else:
        draft.leave_block(rest)


def _take(draft: Draft, chapter: Chapter, block: Block, place: Place, label: Field | None) -> bool:
    """Give a block to the reader for its part; False when nobody takes it."""
    named = part_of(label.key) if label else None
    part = named or chapter.part
    name = (
        plain(label.key) if label and named is None else None if chapter.opens_part else chapter.heading.title
    )
    if isinstance(block, Bullets):
        return _take_list(draft, chapter, block, place, part, name)
    if isinstance(block, Table):
        return _take_table(draft, chapter, block, place, part, name)
    return False


def _take_list(
    draft: Draft, chapter: Chapter, block: Bullets, place: Place, part: Part, name: str | None
) -> bool:
    if plans.has_boxes(block) or part is Part.CHECKLIST:
        plans.read_checklist(draft, chapter, block, place, name)
    elif part is Part.RECOMMENDATIONS:
        plans.read_recommendations(draft, chapter, block, place, name)
    elif part is Part.BLOCKERS:
        blockers.read_list(draft, chapter, block, place)
    elif part is Part.NEXT_STEPS:
        plans.read_next_steps(draft, chapter, block)
    elif part is Part.FILES:
        # They become nothing that is tracked, so they are left as well.
        plans.read_files(draft, chapter, block)
        return False
    else:
        return part is not Part.SUMMARY and points.read_bullets(draft, chapter, block, place)
    return True


def _take_table(
    draft: Draft, chapter: Chapter, block: Table, place: Place, part: Part, name: str | None
) -> bool:
    if part is Part.CHECKLIST:
        return plans.read_checklist_table(draft, chapter, block, place, name)
    if part is Part.RECOMMENDATIONS:
        return plans.read_recommendation_table(draft, chapter, block, place, name)
    if part is Part.BLOCKERS:
        return blockers.read_table(draft, chapter, block, place)
    return rows.read_table(draft, chapter, block, place)


def _conclude(draft: Draft, chapter: Chapter, block: Block, label: Field | None) -> None:
    """Put a block of the conclusion where it belongs: estimate, next steps, or the conclusion's own text."""
    draft.use(chapter)
    if label and meaning(label.key, CONCLUSION) == "next steps" and isinstance(block, Bullets):
        plans.read_next_steps(draft, chapter, block)
        return
    if not isinstance(block, Fields):
        heading = "" if chapter.opens_part or draft.concluded == chapter.index else chapter.heading.label
        draft.conclude(heading, said(block), tight=block.tight or label is not None)
        draft.concluded = chapter.index
        return
    for one in block.fields:
        name = meaning(one.key, CONCLUSION)
        if name == "eta" and one.value and draft.stated_eta is None:
            draft.stated_eta = plain(one.value)
        elif name != "next steps" or one.value:
            draft.conclude(
                "", f"{plain(one.key)}: {plain(one.value)}".rstrip(), tight=one is not block.fields[0]
            )


def _title(draft: Draft) -> str | None:
    index = _title_index([chapter.section for chapter in draft.chapters])
    if index is None:
        return draft.header.get("title")
    draft.used.add(index)
    return plain(draft.chapters[index].section.text)


def _check(draft: Draft, title: str | None) -> None:
    summary.check_mean(draft)
    summary.check_ticket(draft, title, draft.chapters[0].section.line if draft.chapters else 0)
    blockers.check_numbers(draft)
    if draft.findings and not draft.categories:
        draft.warn(0, "There is no table of categories with scores, so no finding feeds a score.")
        return
    judged = {finding.place.section for finding in draft.findings if finding.category is None}
    for index in sorted(judged):
        chapter = draft.chapters[index]
        if chapter.heading.label not in draft.mapping:
            draft.warn(
                chapter.section.line, f"The section “{chapter.heading.label}” feeds no category: choose one."
            )

"""Measures the PDF of a report against bare WeasyPrint on the same HTML and style, in one run.

    script/bootstrap --dev && .venv/bin/python -m bench.pdf

Both make a tagged file. The two take turns, so that a busy machine slows both down; figures are medians of
processor seconds, which other programs do not change, beside seconds on the clock.
"""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.pages import prepare

GOALS = {"the example audit": 1.05, "1,000 findings": 0.9}
SECONDS = 3
MEGABYTES = 300
COLUMNS = {"processor s": 12, "clock s": 10, "x bare": 8, "goal": 7, "pages": 7, "KB": 7}
TURNS = {"the example audit": 7, "1,000 findings": 3}


def bare(html: str, style: str) -> bytes:
    """Return the PDF as a program that knows nothing of reports makes it."""
    from weasyprint import CSS, HTML

    made: bytes = HTML(string=html).write_pdf(stylesheets=[CSS(string=style)], pdf_variant="pdf/ua-1")
    return made


def contents() -> dict[str, Mapping[str, Any]]:
    """Return the frozen reports that are printed: the example audit, and one of a thousand findings."""
    from readiness.reports import freeze
    from tests.factories import NOW
    from tests.readiness.reports import examples
    from tickets.models import Section

    crowd = examples.large(1000)
    category = crowd.categories.get(name="Testing")
    rows = list(crowd.criteria.all())
    for number in range(1, 13):
        part = Section.objects.create(
            ticket=crowd, number=str(number), title=f"Part {number}", category=category
        )
        crowd.criteria.filter(pk__in=[row.pk for row in rows[number::12]]).update(section=part)
    return {
        "the example audit": freeze.freeze(examples.shop(), NOW),
        "1,000 findings": freeze.freeze(crowd, NOW),
    }


def timed(make: Callable[[], object]) -> tuple[float, float]:
    """Return (processor seconds, seconds on the clock) of one call."""
    clock, processor = time.perf_counter(), time.process_time()
    make()
    return time.process_time() - processor, time.perf_counter() - clock


def peak(make: Callable[[], object]) -> int:
    """Return the megabytes that a new process takes at most for one call."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def child() -> None:
        make()
        answers.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)

    process = context.Process(target=child)
    process.start()
    megabytes: int = answers.get()
    process.join()
    return megabytes


def main() -> None:
    """Print a line for each report and each way: median seconds, the ratio to the bare way, and the goal."""
    prepare()
    from readiness.reports import paper
    from readiness.reports.edition import Edition, Imprint
    from readiness.reports.printing import page, print_report
    from tests.factories import NOW

    imprint = Imprint(made_at=NOW, made_by="a benchmark", checksum="0" * 64, number=1)
    found = contents()
    memory = peak(lambda: print_report(found["1,000 findings"], imprint))
    print(f"1,000 findings in a process of their own: {memory} MB at most (goal: {MEGABYTES})\n")
    heads = "".join(f"{head:>{width}}" for head, width in COLUMNS.items())
    print(f"{'report':<20}{'way':<10}{heads}")
    for name, content in found.items():
        html, style = page(Edition(content, imprint)), paper.style_sheet()
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda html=html, style=style: bare(html, style),  # type: ignore[misc]
            "ours": lambda content=content: print_report(content, imprint),  # type: ignore[misc]
        }
        cold = timed(ways["ours"])[1]
        taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(TURNS[name]):
            for way, make in ways.items():
                taken[way].append(timed(make))
        printed = print_report(content, imprint)
        base = statistics.median(processor for processor, _ in taken["bare"])
        for way, figures in taken.items():
            processor, clock = (statistics.median(column) for column in zip(*figures, strict=True))
            goal = GOALS[name] if way == "ours" else ""
            size = f"{printed.pages:>7}{len(printed.pdf) / 1000:>7.0f}"
            print(
                f"{name:<20}{way:<10}{processor:>12.2f}{clock:>10.2f}{processor / base:>8.2f}{goal:>7}{size}"
            )
        if name == "the example audit":
            print(f"{'':<20}{'first':<10}{'':>12}{cold:>10.2f}{'':>8}{f'< {SECONDS} s':>7}")


if __name__ == "__main__":
    main()

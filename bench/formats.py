"""Measures how long a JUnit and a SARIF file of 100 MB take to read, against a bare pass of their parsers.

    .venv/bin/python -m bench.formats

Figures are the best of five in seconds of processor time; memory is what reading adds to the process, in MB.
"""

import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from pyexpat import ParserCreate

import ijson

from readiness.intake.formats import read_report

GOALS = {"junit": 1.5, "sarif": 1.3}
CHUNK = 256 * 1024
TIMES = 5


def junit_file(path: Path) -> None:
    """Write 200,000 test cases, every tenth of which fails."""
    failure = f"<failure message='boom'>{'E   assert 1 == 2 ' * 15}</failure>"
    output = f"<system-out><![CDATA[{'a line of output of this test ' * 13}]]></system-out>"
    with path.open("w") as file:
        file.write("<testsuites>")
        for suite in range(200):
            file.write(f'<testsuite name="suite{suite}" tests="1000">')
            for case in range(1000):
                inner = output if case % 10 else failure
                about = f'classname="tests.module{suite}" name="test_{case}" time="0.01"'
                file.write(f"<testcase {about}>{inner}</testcase>")
            file.write("</testsuite>")
        file.write("</testsuites>")


def result(place: int) -> dict[str, object]:
    where = {"artifactLocation": {"uri": f"src/file_{place % 700}.py", "index": place % 700}}
    region = {
        "startLine": place % 900 + 1,
        "startColumn": 5,
        "endColumn": 40,
        "snippet": {"text": "x = query(y)"},
    }
    flow = {"threadFlows": [{"locations": [{"location": {"physicalLocation": where | {"region": region}}}]}]}
    return {
        "ruleId": f"py/rule-{place % 50}",
        "ruleIndex": place % 50,
        "message": {"text": "This depends on a value that a person provides and nobody has looked at. " * 4},
        "locations": [{"physicalLocation": where | {"region": region}}],
        "partialFingerprints": {"primaryLocationLineHash": f"{place:016x}:1"},
        "codeFlows": [flow],
    }


def sarif_file(path: Path) -> None:
    """Write one run of 100,000 results."""
    rules = [{"id": f"py/rule-{n}", "properties": {"security-severity": str(n / 5)}} for n in range(50)]
    run = {
        "tool": {"driver": {"name": "bench", "rules": rules}},
        "results": [result(n) for n in range(100_000)],
    }
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))


def bare_expat(path: Path) -> None:
    seen = 0

    def start(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal seen
        seen += 1

    parser = ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: None
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            parser.Parse(data, False)


def bare_ijson(path: Path) -> None:
    with path.open("rb") as file:
        for _ in ijson.items(file, "runs.item.results.item", buf_size=CHUNK):
            pass


def seconds(work: Callable[[], object]) -> float:
    """Return the best processor time of a call."""
    taken = []
    for _ in range(TIMES):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Print one line a format: bare, ours, their ratio with its goal, and the memory."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name, write, bare in (("junit", junit_file, bare_expat), ("sarif", sarif_file, bare_ijson)):
            path = Path(folder) / name
            if not os.fork():
                # Making the file takes memory of its own, which is not to be counted here.
                write(path)
                os._exit(0)
            os.wait()
            size = path.stat().st_size / 1e6

            def ours(path: Path = path, name: str = name) -> None:
                with path.open("rb") as file:
                    read_report(file, format=name)

            before, ours_took, after = megabytes(), seconds(ours), megabytes()
            bare_took = seconds(partial(bare, path))
            print(
                f"{name:8}{size:6.0f} MB   bare {bare_took:.2f} s   ours {ours_took:.2f} s   "
                f"ratio {ours_took / bare_took:.2f} (goal {GOALS[name]})   memory +{after - before} MB"
            )


if __name__ == "__main__":
    main()

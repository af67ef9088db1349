"""Owns the CycloneDX format (ECMA-424), JSON and XML: what a system is made of, and what is known against it.

A bill without a list of vulnerabilities was not scanned, which is not the same as having none. A VEX file has
vulnerabilities and no components: it speaks about another bill, and cannot say that there is nothing else.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.jsonfile import listed, mapping
from readiness.intake.reading import (
    Context,
    Examined,
    Limits,
    Outcome,
    Reading,
    Revision,
    TooLarge,
    Unreadable,
)
from readiness.intake.xmlstream import read_xml, root_of
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status
from tickets.sightings import Seen, Sighting

CLAIM = "dep.vulns"
CLOSED = frozenset({"resolved", "resolved_with_pedigree", "false_positive", "not_affected"})
SEVERITIES = ("critical", "high", "medium", "low", "unknown")
WORDS = {
    "critical": "critical",
    "high": "high",
    "medium": "medium",
    "low": "low",
    "info": "low",
    "none": "low",
}
# What people at the tool decided; a vulnerability that is called resolved is not reported as one.
SET_ASIDE = frozenset({"false_positive", "not_affected"})
# The newer method judges better; of several ratings by one method the worst counts.
METHODS = ("CVSSv4", "CVSSv31", "CVSSv3", "CVSSv2")
SERIAL = re.compile(r"(?i)urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VERSION = re.compile(r"[1-9][0-9]{0,8}")
NAMESPACE = re.compile(r"http://cyclonedx\.org/schema/bom/(1\.\d{1,2})")
SHOWN = 20
SHOWN_TITLE = 300
# pkg:pypi/django@4.2?arch=x -> pkg:pypi/django: another version of a package has the same problem still.
PURL_VERSION = re.compile(r"(?<=[^/])@[^/]*$")


@dataclass(slots=True)
class Vulnerability:
    """One known vulnerability: its id, what was decided about it, and how severe each rating calls it."""

    id: str = ""
    state: str = ""
    ratings: list[tuple[str, str]] = field(default_factory=list)
    affects: list[str] = field(default_factory=list)
    title: str = ""

    @property
    def is_open(self) -> bool:
        return self.state not in CLOSED

    @property
    def severity(self) -> str:
        """The worst severity by the best method that rated it."""
        ranks = [METHODS.index(method) if method in METHODS else len(METHODS) for method, _ in self.ratings]
        best = [word for rank, (_, word) in zip(ranks, self.ratings, strict=True) if rank == min(ranks)]
        return min(best, key=SEVERITIES.index, default="unknown")


@dataclass(slots=True)
class Bill:
    """What a bill of materials holds; `vulnerabilities` is None when it was not scanned."""

    limits: Limits
    version: str = ""
    revision: Revision | None = None
    components: int = 0
    vulnerabilities: list[Vulnerability] | None = None
    names: dict[str, str] = field(default_factory=dict)

    def name(self, component: Mapping[str, Any]) -> None:
        """Remember which package a reference stands for: the reference may be made anew for every bill."""
        ref, purl = component.get("bom-ref"), component.get("purl")
        named = "/".join(str(component[key]) for key in ("group", "name") if component.get(key))
        if isinstance(ref, str) and (purl or named):
            self.names[ref[:500]] = package_of(str(purl or named))

    def sightings(self) -> Iterator[Sighting]:
        """The vulnerabilities, one for each package that is affected, up to the limit of problems."""
        left = self.limits.problems
        for each in self.vulnerabilities or []:
            if each.state in CLOSED - SET_ASIDE:
                continue
            seen = Seen.OPEN if each.is_open else Seen.SUPPRESSED
            for package in dict.fromkeys(self.package(ref) for ref in each.affects or [""]):
                if not left:
                    return
                left -= 1
                title = f"{each.id}: {each.title}".rstrip(": ")[:SHOWN_TITLE]
                yield Sighting("bill", each.id, package, title, each.severity, "", package, None, seen)

    def package(self, ref: str) -> str:
        # urn:cdx:<serial>/<version>#<bom-ref> is a reference into another bill.
        inner = ref.rpartition("#")[2] if ref.startswith("urn:cdx:") else ref
        return package_of(inner) if inner.startswith("pkg:") else self.names.get(inner) or package_of(inner)

    def count_component(self) -> None:
        self.components += 1
        if self.components > self.limits.results:
            raise TooLarge(f"The report has more than {self.limits.results:,} components.", "results")

    def add(self, vulnerability: Vulnerability) -> None:
        self.vulnerabilities = self.vulnerabilities or []
        self.vulnerabilities.append(vulnerability)
        if len(self.vulnerabilities) > self.limits.results:
            raise TooLarge(f"The report has more than {self.limits.results:,} vulnerabilities.", "results")


def package_of(text: str) -> str:
    """A package without its version and qualifiers, from a package URL or a plain name."""
    return PURL_VERSION.sub("", text.partition("?")[0].partition("#")[0])[:400]


def word_of(severity: str, score: Any) -> str:
    """The severity's word, or the one that the score falls into (CVSS); unknown when neither says it."""
    if severity.lower() in WORDS:
        return WORDS[severity.lower()]
    try:
        points = float(score)
    except (TypeError, ValueError):
        return "unknown"
    return "critical" if points >= 9 else "high" if points >= 7 else "medium" if points >= 4 else "low"


def revision_of(serial: Any, version: Any) -> Revision | None:
    """Which revision of which bill it is; None without a serial number, or with a version that is no number.

    ECMA-424, serialNumber and version: a changed bill keeps its serial and gets the next version.
    """
    text = str(version)
    if not isinstance(serial, str) or not SERIAL.fullmatch(serial) or not VERSION.fullmatch(text):
        return None
    return Revision(serial.lower(), int(text))


def bill_of(document: dict[str, Any], limits: Limits) -> Bill:
    """The bill of a JSON document; components may hold components."""
    if document.get("bomFormat") != "CycloneDX":
        raise Unreadable("This is not CycloneDX: bomFormat does not say so.", path="bomFormat")
    bill = Bill(limits, str(document.get("specVersion", ""))[:10])
    bill.revision = revision_of(document.get("serialNumber"), document.get("version", 1))
    waiting = list(listed(document.get("components", []), "components"))
    while waiting:
        component = mapping(waiting.pop(), "components")
        bill.count_component()
        bill.name(component)
        waiting += listed(component.get("components", []), "components.components")
    if document.get("vulnerabilities") is not None:
        bill.vulnerabilities = []
        for place, each in enumerate(listed(document["vulnerabilities"], "vulnerabilities")):
            bill.add(vulnerability_of(each, f"vulnerabilities[{place}]"))
    return bill


def vulnerability_of(value: Any, path: str) -> Vulnerability:
    value = mapping(value, path)
    analysis = mapping(value.get("analysis") or {}, f"{path}.analysis")
    ratings = [
        mapping(each, f"{path}.ratings") for each in listed(value.get("ratings") or [], f"{path}.ratings")
    ]
    return Vulnerability(
        str(value.get("id", "")),
        str(analysis.get("state", "")),
        [
            (str(each.get("method", "")), word_of(str(each.get("severity", "")), each.get("score")))
            for each in ratings
        ],
        [str(each["ref"]) for each in affected_by(value) if isinstance(each.get("ref"), str)],
        " ".join(str(value.get("description") or "")[:SHOWN_TITLE].split()),
    )


def affected_by(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    affects = value.get("affects")
    return [each for each in affects if isinstance(each, dict)] if isinstance(affects, list) else []


@dataclass(slots=True)
class XmlBill:
    """Reads the bill of an XML document as its tags go by."""

    bill: Bill
    path: list[str] = field(default_factory=list)
    words: str = ""
    current: Vulnerability = field(default_factory=Vulnerability)
    rating: dict[str, str] = field(default_factory=dict)
    components: list[dict[str, str]] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.path:
            namespaces = " ".join(value for key, value in attributes.items() if key.startswith("xmlns"))
            found = NAMESPACE.search(namespaces)
            if name != "bom" or not found:
                raise Unreadable(f"This is not CycloneDX: its outermost element is <{name}>.")
            self.bill.version = found[1]
            self.bill.revision = revision_of(attributes.get("serialNumber"), attributes.get("version", 1))
        self.path.append(name)
        self.words = ""
        # Those under metadata and under the tools of a vulnerability are no parts of the system.
        if name == "component" and self.path[1] == "components" and self.path[-2] == "components":
            self.bill.count_component()
            self.components.append({"bom-ref": attributes.get("bom-ref", "")})
        elif self.path[1:] == ["vulnerabilities"]:
            self.bill.vulnerabilities = []
        elif name == "rating":
            self.rating = {}

    def end(self, name: str) -> None:
        inside = self.path[3:] if self.path[1:3] == ["vulnerabilities", "vulnerability"] else None
        if self.path[1:2] == ["components"]:
            self._end_of_component(name)
        self.path.pop()
        if inside is None:
            return
        if not inside:
            self.bill.add(self.current)
            self.current = Vulnerability()
        elif inside == ["id"]:
            self.current.id = self.words.strip()
        elif inside == ["analysis", "state"]:
            self.current.state = self.words.strip()
        elif inside == ["description"]:
            self.current.title = " ".join(self.words.split())
        elif inside == ["affects", "target", "ref"]:
            self.current.affects.append(self.words.strip())
        elif inside == ["ratings", "rating"]:
            word = word_of(self.rating.get("severity", ""), self.rating.get("score"))
            self.current.ratings.append((self.rating.get("method", ""), word))
        elif inside[:2] == ["ratings", "rating"] and len(inside) == 3:
            self.rating[name] = self.words.strip()

    def _end_of_component(self, name: str) -> None:
        """Keep what a component is called; a component ends before the one around it."""
        if name == "component" and self.path[-2] == "components":
            self.bill.name(self.components.pop())
        elif name in ("group", "name", "purl") and self.path[-3:-1] == ["components", "component"]:
            self.components[-1][name] = self.words.strip()

    def text(self, text: str) -> None:
        self.words = (self.words + text)[:400]


# cyclonedx-py sorts its members: what it is stands behind all components, further than a head reaches.
COMPONENTS_FIRST = re.compile(
    rb'\s*\{\s*"(?:annotations|components|compositions|declarations|definitions)"\s*:'
)


def recognise(head: bytes) -> bool:
    if head.lstrip().startswith(b"{"):
        if re.search(rb'"bomFormat"\s*:\s*"CycloneDX"', head):
            return True
        return COMPONENTS_FIRST.match(head) is not None and b'"bom-ref"' in head
    return root_of(head) == "bom" and b"cyclonedx.org/schema/bom" in head


@format("cyclonedx", title="CycloneDX", recognise=recognise, version=2)
def read(body: Body, context: Context) -> Reading:
    """Count components and vulnerabilities; one is open until an analysis says that it is not."""
    if body.head().lstrip().startswith(b"<"):
        xml, warnings = read_xml(body, lambda: XmlBill(Bill(context.limits)), with_text=True)
        bill = xml.bill
    else:
        document, warnings = jsonfile.load(body)
        bill = bill_of(mapping(document, ""), context.limits)
    if not bill.version.startswith("1."):
        raise Unreadable(
            f"CycloneDX {bill.version or 'without a version'} is not read here. Write version 1."
        )
    still_open = [each for each in bill.vulnerabilities or [] if each.is_open]
    summary = {
        "components": bill.components,
        "vulnerabilities": None if bill.vulnerabilities is None else len(bill.vulnerabilities),
        "open": None if bill.vulnerabilities is None else len(still_open),
    }
    warnings += warnings_of(bill)
    if not still_open and (bill.vulnerabilities is None or not bill.components):
        return Reading("cyclonedx", Outcome.UNKNOWN, summary, tuple(warnings))
    problems = tuple(bill.sightings())
    # A file without components speaks about another bill, and not about all of it.
    is_whole = bill.components > 0 and len(problems) < context.limits.problems
    return Reading(
        "cyclonedx",
        Outcome.FAIL if still_open else Outcome.PASS,
        summary,
        tuple(warnings),
        (finding_of(still_open, summary, context),),
        size=bill.components,
        problems=problems,
        examined=(Examined("bill", is_whole, bill.components),),
        revision=bill.revision,
    )


def warnings_of(bill: Bill) -> list[str]:
    said = []
    if bill.vulnerabilities is None:
        said.append("The bill has no list of vulnerabilities: it was not scanned.")
    elif not bill.components:
        said.append("The file has no components: it speaks about another bill, and not about all of it.")
    return said


def finding_of(still_open: list[Vulnerability], summary: dict[str, Any], context: Context) -> Finding:
    """One finding, as bad as the worst open vulnerability; one of unknown severity counts as high."""
    counts = Counter(each.severity for each in still_open)
    status = Status.OK
    if counts["critical"]:
        status = Status.FAILING
    elif counts["high"] or counts["unknown"]:
        status = Status.RISKY
    elif still_open:
        status = Status.PARTIAL
    counted = ", ".join(f"{counts[word]} {word}" for word in SEVERITIES if counts[word])
    ranked = sorted(still_open, key=lambda each: (SEVERITIES.index(each.severity), each.id))
    shown = [{"id": mask_text(each.id)[:100], "severity": each.severity} for each in ranked[:SHOWN]]
    plural = "vulnerability is" if len(still_open) == 1 else "vulnerabilities are"
    known = f"{len(still_open)} known {plural} open: {counted}."
    clean = f"None of {summary['components']} components has an open known vulnerability."
    return Finding(
        CLAIM,
        status,
        known if still_open else clean,
        {**summary, "by_severity": dict(counts), "worst": shown},
        commit=context.commit,
        observed_at=context.observed_at,
    )

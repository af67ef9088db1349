"""Pages take no script or style from a stranger's host unless it is pinned or a local copy steps in."""

import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import timedelta

from readiness.probes import javascript
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "sec.third-party"
PAGES = (
    *(
        "*.html",
        "*.htm",
        "*.xhtml",
        "*.jinja",
        "*.jinja2",
        "*.j2",
        "*.ejs",
        "*.hbs",
        "*.handlebars",
        "*.erb",
        "*.twig",
    ),
    *("*.mustache", "*.liquid", "*.pug", "*.blade.php", "*.cshtml", "*.heex", "*.tmpl", "*.gohtml", "*.njk"),
)
# Hosts that serve files which others published. A vendor's own live script cannot be pinned, and is not here.
CDN = re.compile(
    r"(?:https?:)?//(?P<host>cdn\.jsdelivr\.net|unpkg\.com|(?:www\.)?cdnjs\.cloudflare\.com|ajax\.googleapis\.com"
    r"|ajax\.aspnetcdn\.com|code\.jquery\.com|(?:stackpath|maxcdn|netdna)\.bootstrapcdn\.com|esm\.(?:sh|run)"
    r"|cdn\.skypack\.dev|ga\.jspm\.io|cdn\.tailwindcss\.com|use\.fontawesome\.com|cdn\.statically\.io|raw\.githack\.com"
    r"|rawgit\.com|cdn\.rawgit\.com|raw\.githubusercontent\.com|(?:cdn\.)?polyfill\.io|cdn\.bootcss\.com"
    r"|cdn\.bootcdn\.net|cdn\.staticfile\.(?:org|net)|lib\.baomitu\.com|cdn\.plot\.ly|cdn\.datatables\.net)/",
    re.IGNORECASE,
)
# Its domain was sold, and what it served attacked visitors (June 2024).
HOSTILE = re.compile(r"(?i)polyfill\.io$|^cdn\.bootcss\.com$|staticfile\.(org|net)$")
TAG = re.compile(r"(?is)<(?P<tag>script|link)\b(?P<attributes>[^<>]{0,1500}?)/?>")
ADDRESS = re.compile(r"""(?is)(?:^|\s)(?:src|href)\s*=\s*["']?(?P<url>[^"'\s>]+)""")
STYLE = re.compile(r"""(?is)(?:^|\s)rel\s*=\s*["']?[^"'>]*\b(?:stylesheet|preload|modulepreload)\b""")
HIDDEN = re.compile(
    r"(?s)<!--.*?-->|\{#.*?#\}|\{%-?\s*comment.*?endcomment\s*-?%\}|\{\{!--.*?--\}\}|<%#.*?%>"
)
FALLBACK = re.compile(
    r"""(?is)^\s*<script\b[^>]*>\s*(?:\(?\s*!?\s*(?:window|typeof)\b|if\s*\().{0,400}?(?:document\.write|createElement|src\s*=)"""
)
LITERAL = re.compile(rf"""["'`]({CDN.pattern}[^"'`\s]*)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A file of a stranger's host: where it is taken, from which host, as what, and whether it is pinned."""

    at: str
    host: str
    kind: str
    pinned: bool

    @property
    def status(self) -> Status:
        """What it is worth: a script does what it likes, a style changes what is seen."""
        if HOSTILE.search(self.host):
            return Status.FAILING
        if self.pinned:
            return Status.OK
        return Status.PARTIAL if self.kind == "style" else Status.RISKY


@probe(
    "third-party-cdn",
    title="Files of other hosts",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="Whoever owns the other host can change what every visitor runs, and when it is down so is the page.",
    fix="Serve the file yourself; else name an exact version, add its integrity, and keep a copy at hand.",
)
def third_party_cdn(checkout: Checkout) -> list[Finding]:
    """Read pages and scripts for addresses at hosts that serve what others published."""
    pages = [said for _, said in checkout.own_told(foreign_in_page, *PAGES)]
    scripts = [said for _, said in javascript.told(checkout, foreign_in_script) if said is not None]
    if not checkout.own_files(*PAGES) and not scripts:
        raise NotApplicable("The repository holds no pages and no scripts.")
    found = [Foreign(*one) for said in (*pages, *scripts) for one in said]
    loose = [one for one in found if one.status != Status.OK]
    evidence = {
        "loose": [{"at": one.at, "host": one.host, "kind": one.kind} for one in loose[:60]],
        "pinned": [{"at": one.at, "host": one.host, "kind": one.kind} for one in found if one.pinned][:60],
    }
    if not loose:
        what = (
            f"All {len(found)} files of other hosts are pinned or have a local copy"
            if found
            else "No file is taken from a public host of files"
        )
        return [Finding(CLAIM, Status.OK, f"{what}.", evidence)]
    worst = next(
        one for one in (Status.FAILING, Status.RISKY, Status.PARTIAL) if any(f.status == one for f in loose)
    )
    shown = ", ".join(f"{one.kind} of {one.host} ({one.at})" for one in loose if one.status == worst)
    word = (
        "from a host that served attacks" if worst == Status.FAILING else "without integrity or a local copy"
    )
    return [Finding(CLAIM, worst, f"Taken {word}: {shown[:400]}.", evidence)]


@fact
def foreign_in_page(path: str, content: bytes) -> list[tuple[str, str, str, bool]]:
    """Return what a page takes from public hosts, as Foreign holds it; what it hides is left out."""
    text = HIDDEN.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text_of(content))
    return [astuple(one) for one in in_page(path, text)]


@fact
def foreign_in_script(path: str, content: bytes) -> list[tuple[str, str, str, bool]] | None:
    """Return what a script takes from public hosts, as Foreign holds it; None for one that a tool wrote."""
    code = javascript.code_in(content)
    return None if code is None else [astuple(one) for one in in_script(path, code)]


def in_page(path: str, text: str) -> Iterator[Foreign]:
    """Yield the scripts and styles that a page takes from public hosts."""
    for tag in TAG.finditer(text):
        attributes = tag["attributes"]
        address = ADDRESS.search(attributes)
        host = CDN.match(address["url"]) if address else None
        is_script = tag["tag"].lower() == "script"
        if host and (is_script or STYLE.search(attributes)):
            after = re.sub(r"(?is)^\s*</script>", "", text[tag.end() : tag.end() + 800])
            pinned = bool(re.search(r"(?i)\b(integrity|onerror)\s*=", attributes) or FALLBACK.match(after))
            yield Foreign(
                f"{path}:{javascript.line_at(text, tag.start())}",
                host["host"].lower(),
                "script" if is_script else "style",
                pinned,
            )
    for script in re.finditer(r"(?is)<script\b[^>]*>(.{10,100000}?)</script>", text):
        for one in in_script(path, javascript.code_of(script[1])):
            line = javascript.line_at(text, script.start(1)) + int(one.at.rpartition(":")[2]) - 1
            yield Foreign(f"{path}:{line}", one.host, one.kind, one.pinned)


def in_script(path: str, code: str) -> Iterator[Foreign]:
    """Yield the addresses at public hosts that a script holds as text: it loads them when it runs."""
    for found in LITERAL.finditer(code):
        if re.search(r"(?i)\.m?js\b|\.css\b|wasm|/npm/|//esm\.|/\+esm", found[1]):
            kind = "style" if ".css" in found[1] else "script"
            yield Foreign(
                f"{path}:{javascript.line_at(code, found.start())}", found["host"].lower(), kind, False
            )

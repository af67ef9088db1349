"""Pages load no script from elsewhere that could change without anybody noticing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from readiness.outside.exchange import Exchange
from readiness.probes import markup
from readiness.probes.pages import html_pages, whole
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

IMPORTED = re.compile(r"""\b(?:from|import)\s{0,9}\(?\s{0,9}["'](https?://[^"'\s]{1,500})["']""")
SCRIPT_TYPES = frozenset({"", "module", "text/javascript", "application/javascript", "text/ecmascript"})
# Below these everybody may have a name: two of them are strangers.
SHARED = frozenset(
    {
        "github.io",
        "gitlab.io",
        "pages.dev",
        "workers.dev",
        "vercel.app",
        "netlify.app",
        "herokuapp.com",
        "web.app",
    }
    | {"fly.dev", "onrender.com", "azurewebsites.net", "cloudfront.net", "amazonaws.com", "appspot.com"}
)


@dataclass(frozen=True, slots=True)
class Script:
    """A script that a page loads from elsewhere.

    `pinned` tells whether its content is fixed by a hash, `usable` whether browsers can check that hash, and
    `replaced` whether the page has an answer to its absence.
    """

    url: str
    pinned: bool
    usable: bool
    replaced: bool

    @property
    def where(self) -> str:
        """The address without its query, which may hold a key."""
        return self.url.partition("?")[0]


@probe(
    "third-party-scripts",
    title="Scripts from elsewhere",
    every=timedelta(hours=6),
    criteria=("fe.third-party",),
    why="Whoever controls the other server controls every page, and when it is down the page is, too.",
    fix="Serve scripts yourself, or fix their content with integrity, and handle their absence.",
    effort="M",
)
async def third_party_scripts(target: Target) -> list[Finding]:
    """Read the scripts that the markup of each page names; what a script loads later is not seen."""
    pages = await html_pages(target)
    found = {script.url: script for page in pages for script in scripts_of(target, page)}
    finding = judged(list(found.values()), [page.url for page in pages])
    if finding.status == Status.OK:
        whole(pages)
    return [finding]


def judged(found: list[Script], pages: list[str]) -> Finding:
    """Return the worst that is to be said of the scripts from elsewhere."""
    loose = [script.where for script in found if not script.pinned]
    unusable = [script.where for script in found if script.pinned and not script.usable]
    alone = [script.where for script in found if not script.replaced]
    evidence = {
        "pages": pages,
        "scripts": [script.where for script in found][:20],
        "without integrity": loose[:20],
    }
    if loose:
        detail = f"{len(loose)} of the scripts from elsewhere may change unseen, such as {loose[0][:200]}."
        return Finding("fe.third-party", Status.RISKY, detail, evidence)
    if unusable:
        detail = (
            f"Browsers refuse {unusable[0][:200]}: it has integrity, and crossorigin is not set beside it."
        )
        return Finding("fe.third-party", Status.FAILING, detail, evidence)
    if alone:
        detail = (
            f"The content of {alone[0][:200]} is fixed. What happens when it does not load is not handled."
        )
        return Finding("fe.third-party", Status.PARTIAL, detail, evidence)
    if found:
        detail = "Every script from elsewhere is fixed by its hash, and its absence is handled."
        return Finding("fe.third-party", Status.OK, detail, evidence)
    return Finding("fe.third-party", Status.OK, "The pages name no script from elsewhere.", evidence)


def scripts_of(target: Target, page: Exchange) -> Iterator[Script]:
    """Yield the scripts that a page loads from elsewhere, and the modules that it imports from there."""
    found = markup.elements(page.text)
    base = markup.base_of(page, found)
    scripts = [one for one in found if one.tag == "script" and one.get("type").lower() in SCRIPT_TYPES]
    handled = any("document.write" in one.text and "<script" in one.text for one in scripts)
    for one in scripts:
        url = markup.joined(base, one.get("src"))
        if one.get("src") and is_elsewhere(target, page, url):
            pinned = one.get("integrity").startswith("sha")
            yield Script(url, pinned, "crossorigin" in one.attributes, handled or bool(one.get("onerror")))
        for imported in IMPORTED.findall(one.text):
            if is_elsewhere(target, page, markup.joined(base, imported)):
                yield Script(imported, False, False, False)


def is_elsewhere(target: Target, page: Exchange, url: str) -> bool:
    """Tell whether an address belongs to somebody else. Names under one domain are taken for one owner's."""
    host = urlsplit(url).hostname or ""
    pages = (page.url, *target.frontend_origins)
    own = {target.host, target.name, *(urlsplit(one).hostname or "" for one in pages)}
    return bool(host) and not any(are_one_owners(host, mine) for mine in own if mine)


def are_one_owners(one: str, other: str) -> bool:
    """Tell whether two hosts are likely to have one owner: the same, one below the other, or siblings."""
    if one == other or one.endswith(f".{other}") or other.endswith(f".{one}"):
        return True
    parent, others = one.partition(".")[2], other.partition(".")[2]
    # "co.uk" is nobody's: a label of two or three letters before a country's is no owner's name.
    is_owned = len(parent.partition(".")[0]) > 3 and "." in parent and not parent.replace(".", "").isdigit()
    return parent == others and is_owned and parent not in SHARED

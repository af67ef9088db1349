"""Static files are sent compressed and kept for as long as they stay the same, and pages are asked anew."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import markup
from readiness.probes.outcomes import NotApplicable
from readiness.probes.pages import html_pages, whole
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

AT_ONCE = 3
MOST_ASSETS = 10
WORTH_COMPRESSING = 1400
LONG_SECONDS = 30 * 86400
SHORT_SECONDS = 86400
PAGE_SECONDS = 300
NAME_LENGTH = 160
ENCODINGS = frozenset({"br", "gzip", "x-gzip", "zstd", "deflate", "dcb", "dcz"})
TEXT = re.compile(r"^text/|javascript$|json$|\bxml$|\+xml$|^application/wasm$")
# A part of the name that changes with the content: main.3f2c1ab9.js, index-BgX2_dQz.js, app.css?v=3f2c1ab9,
# css.php?t=dokuwiki&tseed=3f2c1ab9.
# Some hashes read like words (index-DiwrgTda.js): of a name that only may hold one, nothing bad is said.
HASHED = re.compile(
    r"[.\-_][0-9a-f]{8,64}\.|[.\-_](?=[\w-]{0,21}\d)(?=[\w-]{0,21}[A-Z])[\w-]{8,22}\.|/[0-9a-f]{16,64}\.|[?&](?:\w+=)?[\w.-]+$"
)
MAYBE_HASHED = re.compile(r"[.\-_/][\w-]{8,64}\.(?:\w+\.)?\w{2,5}$")
MAX_AGE = re.compile(r"(?i)\bmax-age\s*=\s*\"?(\d+)")

Problem = tuple[Status, str]


@probe(
    "static-assets",
    title="Static files",
    every=timedelta(hours=6),
    criteria=("perf.assets",),
    why="Uncompressed files keep people waiting, and a page kept too long asks for files of an old release.",
    fix="Compress text, name files by their hash and let browsers keep them a year, and pages not at all.",
)
async def static_assets(target: Target) -> list[Finding]:
    """Read the pages and up to ten of the scripts, styles and images that they name."""
    pages = await html_pages(target)
    urls = list(dict.fromkeys(url for page in pages for url in own_assets(page)))[:MOST_ASSETS]
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(url: str) -> Exchange:
        async with turns:
            return await target.request("GET", url, {"Accept-Encoding": "br, gzip, zstd"}, private=True)

    assets = await asyncio.gather(*(ask(url) for url in urls))
    problems = [problem for page in pages for problem in (*mixed(page), *kept_pages(page))]
    problems += [problem for asset in assets for problem in wrong_with(asset)]
    seen = {"pages": [page.url for page in pages], "assets": {path_of(one.url): row(one) for one in assets}}
    if problems:
        return [Finding("perf.assets", status, detail, seen) for status, detail in problems]
    whole(pages)
    if not assets:
        raise NotApplicable(f"{pages[0].url} names no static file of its own origin.")
    if troubled := [one for one in assets if one.status != 200]:
        raise CannotTell(
            f"{troubled[0].url} answers {troubled[0].status}, so not every file could be judged."
        )
    detail = (
        f"{len(assets)} static files are compressed and kept as they should be, and pages are asked anew."
    )
    return [Finding("perf.assets", Status.OK, detail, seen)]


def own_assets(page: Exchange) -> Iterator[str]:
    """Yield the addresses of the scripts, styles and images that a page names at its own origin."""
    found = markup.elements(page.text)
    base = markup.base_of(page, found)
    files = [one for one in found if asset_of(one) and one.tag != "iframe"]
    named = sorted(files, key=lambda one: one.tag == "img")
    for one in named:
        url = markup.joined(base, asset_of(one)).partition("#")[0]
        if url.startswith(("http:", "https:")) and page.is_at(url):
            yield url


def asset_of(one: markup.Element) -> str:
    """Return the address of what an element loads, or ""."""
    if one.tag == "link":
        wanted = {"stylesheet", "modulepreload", "icon"} & set(one.get("rel").lower().split())
        return one.get("href") if wanted else ""
    return one.get("src") if one.tag in {"script", "img", "iframe"} else ""


def mixed(page: Exchange) -> Iterator[Problem]:
    """Yield what a page that came over https loads over plain http: browsers block it, or warn."""
    if not page.url.startswith("https:"):
        return
    found = markup.elements(page.text)
    base = markup.base_of(page, found)
    plain = [
        (is_active(one), url)
        for one in found
        if (url := markup.joined(base, asset_of(one))).startswith("http:")
        and asset_of(one)
        and urlsplit(url).hostname not in {"localhost", "127.0.0.1"}
    ]
    if plain:
        active, url = max(plain)
        detail = f"{page.url} loads {url.partition('?')[0][:200]} over plain http, which browsers block."
        yield (Status.FAILING if active else Status.RISKY), detail


def is_active(one: markup.Element) -> bool:
    """Tell whether an element takes part in what its page does, and not only in how it looks."""
    return one.tag in {"script", "iframe"} or "stylesheet" in one.get("rel").lower()


def kept_pages(page: Exchange) -> Iterator[Problem]:
    """Yield whether browsers may keep a page past the next release."""
    rules = page.header("cache-control").lower()
    age = max_age(rules)
    if "no-store" in rules or "no-cache" in rules:
        return
    if age is not None and age > PAGE_SECONDS:
        yield (
            Status.RISKY,
            f"Browsers may keep {page.url} for {age} seconds, and ask for files of an old release.",
        )
    elif age is None and page.header("last-modified"):
        # Browsers then guess, by a tenth of the page's age (RFC 9111, 4.2.2).
        yield Status.PARTIAL, f"{page.url} does not say for how long it may be kept, so browsers guess."


def wrong_with(asset: Exchange) -> Iterator[Problem]:
    """Yield what is wrong with one file."""
    path = path_of(asset.url)
    if asset.status in {404, 410}:
        yield Status.FAILING, f"A page asks for {path}, which answers {asset.status}."
    elif asset.status == 200 and markup.is_page(asset) and path.endswith((".js", ".mjs", ".css")):
        yield Status.FAILING, f"A page asks for {path}, and gets a page in its place."
    elif asset.status == 200:
        if is_plain(asset):
            yield Status.RISKY, f"{path} is sent uncompressed."
        yield from kept_files(asset, path)


def kept_files(asset: Exchange, path: str) -> Iterator[Problem]:
    """Yield whether a file is kept for as long as its name says that it stays the same."""
    rules = asset.header("cache-control").lower()
    age = 0 if "no-store" in rules or "no-cache" in rules else max_age(rules) or 0
    if is_hashed(asset.url):
        if age < LONG_SECONDS:
            yield Status.PARTIAL, f"{path} has its hash in its name, and is not kept by browsers for long."
    elif MAYBE_HASHED.search(path) or not asset.media_type.endswith(("javascript", "css")):
        return
    elif age > SHORT_SECONDS:
        yield Status.RISKY, f"{path} is kept for {age} seconds, and its name stays when its content changes."
    else:
        yield Status.PARTIAL, f"{path} has no hash in its name, so browsers ask for it again and again."


def is_plain(asset: Exchange) -> bool:
    """Tell whether a file that would shrink is sent as it is."""
    encodings = {word.strip() for word in asset.header("content-encoding").lower().split(",")}
    return (
        bool(TEXT.search(asset.media_type))
        and len(asset.body) >= WORTH_COMPRESSING
        and not encodings & ENCODINGS
    )


def is_hashed(url: str) -> bool:
    """Tell whether a name changes with the content: it holds a hash, or a version as its query."""
    parts = urlsplit(url)
    name = parts.path + (f"?{parts.query}" if parts.query else "")
    return bool(HASHED.search(name[-NAME_LENGTH:]))


def max_age(rules: str) -> int | None:
    """Return for how many seconds Cache-Control lets browsers keep an answer; None when it does not say."""
    found = MAX_AGE.search(rules)
    return int(found[1][:12]) if found else None


def row(asset: Exchange) -> dict[str, object]:
    """Return what is kept of a file."""
    return {
        "status": asset.status,
        "encoding": asset.header("content-encoding"),
        "cache": asset.header("cache-control"),
        "hashed": is_hashed(asset.url),
    }


def path_of(url: str) -> str:
    """Return the path of an address; of a long one the end, which is the name."""
    return urlsplit(url).path[-NAME_LENGTH:]

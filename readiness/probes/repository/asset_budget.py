"""Committed images, scripts and styles keep to a budget, and no large file is in git."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from readiness.probes.checkout import ASIDE, TEST_FILE, Checkout
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "perf.asset-budget"
KILO = 1024
MEGA = 1024 * KILO
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".svg"})
FONTS = frozenset({".ttf", ".otf", ".woff", ".woff2", ".eot"})
BUDGETS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(IMAGES, ("image", MEGA)),
    **dict.fromkeys(FONTS, ("font", 500 * KILO)),
    **dict.fromkeys((".js", ".mjs", ".cjs"), ("script", 500 * KILO)),
    ".css": ("style", 300 * KILO),
}
LARGEST = 5 * MEGA
# What a partial copy leaves out is larger than this, and by how much is not known.
LEFT_OUT = MEGA
INSTALLED = frozenset(
    {"node_modules", "site-packages", ".venv", "venv", "bower_components", ".yarn", "third_party"}
)


@dataclass(frozen=True, slots=True)
class Heavy:
    """A file over its budget; `size` in bytes, None when only that it is larger than 1 MB is known."""

    path: str
    kind: str
    size: int | None
    budget: int

    @property
    def words(self) -> str:
        """The file and its size as people read it."""
        size = f"{self.size / MEGA:.1f} MB" if self.size is not None else "more than 1 MB"
        return f"{self.path} ({self.kind}, {size})"


@probe(
    "asset-budget",
    title="Weight of committed files",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="Every visitor downloads a heavy image or bundle, and every clone a large file, for ever.",
    fix="Compress images, split bundles, build what can be built, and keep large files in an object store.",
)
def asset_budget(checkout: Checkout) -> list[Finding]:
    """Weigh every committed file: assets against the budget of their kind, all others against 5 MB."""
    weighed = [(path, checkout.size(path)) for path in checkout.files()]
    if not any(kind_of(path) in BUDGETS or size is None or size > LARGEST for path, size in weighed):
        raise NotApplicable("The repository holds no images, fonts, scripts or styles, and no large file.")
    heavy = sorted(over(weighed), key=lambda one: one.size or LEFT_OUT, reverse=True)
    evidence = {
        "heavy": [
            {"path": one.path, "kind": one.kind, "bytes": one.size, "budget": one.budget}
            for one in heavy[:100]
        ],
        "not_weighed": [path for path, size in weighed if size is None and kind_of(path) not in BUDGETS][
            :100
        ],
    }
    if heavy:
        shown = ", ".join(one.words for one in heavy[:5])
        more = f" and {len(heavy) - 5} more" if len(heavy) > 5 else ""
        return [Finding(CLAIM, Status.PARTIAL, f"Over the budget: {shown}{more}.", evidence)]
    return [Finding(CLAIM, Status.OK, "Every committed file keeps to the budget of its kind.", evidence)]


def kind_of(path: str) -> str:
    """Return the suffix of a path that the budgets go by."""
    return PurePosixPath(path).suffix.lower()


def is_minified_too(path: str, there: set[str]) -> bool:
    """Tell whether a smaller one for visitors stands beside a script or a style: app.min.js beside app.js."""
    stem, dot, kind = path.rpartition(".")
    return kind in {"js", "mjs", "cjs", "css"} and f"{stem}.min{dot}{kind}" in there


def over(weighed: list[tuple[str, int | None]]) -> Iterator[Heavy]:
    """Yield the files over their budget. What tests and documents hold reaches no visitor, only clones."""
    there = {path for path, _ in weighed}
    for path, size in weighed:
        if is_minified_too(path, there):
            continue
        folders = {part.lower() for part in PurePosixPath(path).parts[:-1]}
        if folders & INSTALLED:
            continue
        kind, budget = BUDGETS.get(kind_of(path), ("file", LARGEST))
        if folders & ASIDE or TEST_FILE.search(path):
            kind, budget = "file", LARGEST
        # A file that was left out is over a budget of up to 1 MB for certain, and over 5 MB perhaps.
        if (budget <= LEFT_OUT) if size is None else size > budget:
            yield Heavy(path, kind, size, budget)

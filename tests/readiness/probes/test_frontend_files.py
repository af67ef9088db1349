"""What visitors download: files of other hosts, and the weight of what is committed."""

from pathlib import Path

import pytest

from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import NotApplicable
from readiness.probes.repository.asset_budget import asset_budget
from readiness.probes.repository.third_party_cdn import third_party_cdn
from tests.readiness.probes.repositories import Shelf, look
from tickets.scoring import Status

JQUERY = "https://code.jquery.com/jquery-3.7.1.min.js"
PAGES = {
    "a script": (f'<p>\n<script src="{JQUERY}"></script>', Status.RISKY),
    "without a scheme": (f"<p>\n<script defer src={JQUERY.removeprefix('https:')}></script>", Status.RISKY),
    "over two lines": (f'<p>\n<script\n  defer\n  src="{JQUERY}"></script>', Status.RISKY),
    "a style": (
        '<p>\n<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/x@1/x.css">',
        Status.PARTIAL,
    ),
    "a module": ('<p>\n<script type="module">import x from "https://esm.sh/x@1"</script>', Status.RISKY),
    "a host that was sold": (
        '<p>\n<script src="https://cdn.polyfill.io/v3/polyfill.min.js" integrity="x"></script>',
        Status.FAILING,
    ),
    "pinned": (f'<script src="{JQUERY}" integrity="sha384-x" crossorigin></script>', Status.OK),
    "with a copy": (
        f'<script src="{JQUERY}"></script>\n'
        "<script>window.jQuery || document.write('<script src=\"/jquery.js\"><\\/script>')</script>",
        Status.OK,
    ),
    "with another way": (f'<script src="{JQUERY}" onerror="load()"></script>', Status.OK),
    "its own": ('<script src="/static/app.js"></script><link rel=icon href=//unpkg.com/x.png>', Status.OK),
    "a vendor's live script": ('<script src="https://js.stripe.com/v3/"></script>', Status.OK),
    "fonts": ('<link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=X">', Status.OK),
    "a preconnection": ('<link rel="preconnect" href="https://cdn.jsdelivr.net/">', Status.OK),
    "hidden": (f'<!-- <script src="{JQUERY}"></script> -->{{# <script src="{JQUERY}"> #}}', Status.OK),
    "only a link": (f'<a href="{JQUERY}">the library</a>', Status.OK),
}


@pytest.mark.parametrize(("page", "expected"), PAGES.values(), ids=PAGES)
def test_a_file_of_another_host_has_to_be_pinned(tmp_path: Path, page: str, expected: Status) -> None:
    (found,) = look(third_party_cdn, tmp_path, {"templates/base.html": page})

    assert (found.criterion, found.status) == ("sec.third-party", expected)
    if expected != Status.OK:
        assert "templates/base.html:2" in found.detail


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        (
            "src/vision.ts",
            'resolve("https://cdn.jsdelivr.net/npm/@mediapipe/tasks-vision/wasm")',
            Status.RISKY,
        ),
        ("src/a.js", 'import x from "https://cdn.skypack.dev/x.js"', Status.RISKY),
        ("src/a.js", '// "https://cdn.jsdelivr.net/npm/x.js"', Status.OK),
        ("src/a.js", 'fetch("https://raw.githubusercontent.com/a/b/main/list.json")', Status.OK),
        ("src/a.test.js", 'import x from "https://cdn.skypack.dev/x.js"', None),
        ("docs/index.html", f'<script src="{JQUERY}"></script>', None),
        ("README.md", f'<script src="{JQUERY}"></script>', None),
    ],
)
def test_what_a_script_loads_when_it_runs_cannot_be_pinned(
    tmp_path: Path, path: str, code: str, expected: Status | None
) -> None:
    if expected is None:
        with pytest.raises(NotApplicable):
            look(third_party_cdn, tmp_path, {path: code})
    else:
        (found,) = look(third_party_cdn, tmp_path, {path: code})
        assert found.status == expected


KILO = b"x" * 1024


@pytest.mark.parametrize(
    ("path", "kilobytes", "expected"),
    [
        ("static/hero.png", 1025, "image, 1.0 MB"),
        ("static/hero.png", 1024, ""),
        ("dist/app.js", 501, "script, 0.5 MB"),
        ("dist/app.js", 499, ""),
        ("static/app.css", 301, "style, 0.3 MB"),
        ("static/font.ttf", 501, "font, 0.5 MB"),
        ("models/net.onnx", 5121, "file, 5.0 MB"),
        ("models/net.onnx", 5119, None),
        ("tests/data/big.png", 2000, ""),
        ("tests/data/big.png", 5121, "file, 5.0 MB"),
        ("docs/picture.png", 2000, ""),
        ("node_modules/x/x.js", 9000, ""),
        ("app.py", 1, None),
    ],
)
def test_a_committed_file_is_held_against_the_budget_of_its_kind(
    tmp_path: Path, path: str, kilobytes: int, expected: str | None
) -> None:
    files = {path: KILO * kilobytes}
    if expected is None:
        with pytest.raises(NotApplicable):
            look(asset_budget, tmp_path, files)
        return
    (found,) = look(asset_budget, tmp_path, files)

    assert (found.criterion, found.status) == ("perf.asset-budget", Status.PARTIAL if expected else Status.OK)
    assert expected in found.detail
    if expected:
        assert f"{path} (" in found.detail


class Partial(Shelf):
    """A copy that left out every file."""

    def size(self, sha: str) -> int | None:
        """Return that nothing is there."""
        return None


def test_what_a_partial_copy_left_out_is_over_small_budgets_and_else_not_known() -> None:
    blobs = {path: path for path in ("static/hero.png", "static/app.js", "data.bin")}
    (found,) = asset_budget(Checkout("memory", "0" * 40, blobs, reader=Partial({})))

    assert [one["path"] for one in found.evidence["heavy"]] == ["static/app.js", "static/hero.png"]
    assert found.evidence["not_weighed"] == ["data.bin"]
    assert "more than 1 MB" in found.detail


def test_the_heaviest_come_first_and_only_some_are_shown(tmp_path: Path) -> None:
    files = {f"static/{number}.png": KILO * (1100 + number) for number in range(7)}
    (found,) = look(asset_budget, tmp_path, files)

    assert found.detail.startswith("Over the budget: static/6.png")
    assert found.detail.endswith("and 2 more.")
    assert len(found.evidence["heavy"]) == 7

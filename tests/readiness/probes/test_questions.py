"""What a look asked is all that its answer rests on: whoever answers the same gets the same answer."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness import probes
from readiness.probes.checkout import Checkout
from readiness.probes.questions import Questions
from readiness.probes.registry import PROBES, Probe, discover
from tests.readiness.probes.repositories import SERVICE, add_commit, checkout, in_memory, said

discover()
REPOSITORY = PROBES.of_kind("repository")
# What a commit may turn a file into: cut short, another language, nothing that parses, nothing at all.
OTHER = (
    "",
    "import django, requests\n",
    "SECRET_KEY = 'x' * 9\n",
    "{",
    "# Deploy\n\nword\n",
    "\0",
    "DEBUG = True\n",
)
NEW = (
    *(
        "shop/new.py",
        "shop/migrations/0003_third.py",
        "tests/e2e/test_page.py",
        "server/new.ts",
        "go.sum",
        "api/README.md",
    ),
    *("renovate.json", "deploy/values.yaml", "poetry.lock", "uv.lock", "nginx.conf", "new/package.json"),
    *(".gitlab-ci.yml", "Makefile", "shop/prod/settings.py", "docs/monitoring.rst", "Gemfile", "k6.js"),
)


@pytest.mark.parametrize("probe", REPOSITORY, ids=lambda probe: probe.name)
def test_a_change_of_a_file_that_was_not_asked_about_changes_nothing(probe: Probe) -> None:
    first = in_memory(SERVICE).watched()
    before = said(probe, first)
    for path in SERVICE:
        changed = in_memory({**SERVICE, path: SERVICE[path] + "\n# DEBUG = True\n"})
        is_asked = path in first.asked.contents
        assert (changed.answers(first.asked) == first.answers(first.asked)) is not is_asked, path
        assert is_asked or said(probe, changed) == before, path


@pytest.mark.parametrize("probe", REPOSITORY, ids=lambda probe: probe.name)
@settings(max_examples=60, deadline=None)
@given(
    removed=st.sets(st.sampled_from(sorted(SERVICE)), max_size=3),
    others=st.dictionaries(st.sampled_from([*sorted(SERVICE), *NEW]), st.sampled_from(OTHER), max_size=3),
)
def test_whatever_a_commit_changes_the_same_answers_give_the_same_findings(
    probe: Probe, removed: set[str], others: dict[str, str]
) -> None:
    first = in_memory(SERVICE).watched()
    before = said(probe, first)
    files = {path: text for path, text in SERVICE.items() if path not in removed}
    later = in_memory({**files, **others})

    assert later.answers(first.asked) != first.answers(first.asked) or said(probe, later) == before


@pytest.mark.parametrize(
    ("ask", "other", "is_same"),
    [
        (lambda there: there.files("*.py"), {"b.py": ""}, False),
        (lambda there: there.files("*.py"), {"b.js": ""}, True),
        (lambda there: there.own_files("*.py"), {"tests/b.py": ""}, True),
        (lambda there: there.own_files("*.py"), {"b.py": ""}, False),
        (lambda there: "b.py" in there, {"b.py": ""}, False),
        (lambda there: "b.py" in there, {"c.py": ""}, True),
        (lambda there: there.text("a.py"), {"a.py": "2"}, False),
        (lambda there: there.text("a.py"), {"c.py": "2"}, True),
        (lambda there: there.size("a.py"), {"a.py": "2"}, False),
        (lambda there: there.whole("a.py"), {"a.py": "2"}, False),
        (lambda there: list(there.own_texts("*.py")), {"a.py": "2"}, False),
    ],
)
def test_every_way_to_ask_is_noted(
    ask: Callable[[Checkout], object], other: dict[str, str], is_same: bool
) -> None:
    first = in_memory({"a.py": "1"}).watched()
    ask(first)

    later = in_memory({"a.py": "1", **other})
    assert (later.answers(first.asked) == first.answers(first.asked)) is is_same


def test_questions_come_back_from_where_they_are_stored() -> None:
    first = in_memory(SERVICE).watched()
    for probe in REPOSITORY:
        said(probe, first)

    again = Questions.unpacked(first.asked.packed())
    assert again == first.asked
    assert first.answers(again) == first.answers(first.asked)


def test_a_link_or_a_submodule_is_seen_by_every_look(tmp_path: Path) -> None:
    with checkout(tmp_path, {"a": "1"}) as first:
        asked = first.watched().asked
        before = first.answers(asked)
    add_commit(tmp_path / "repository.git", {"a": "1", "b": "a"}, {"b": "120000"})

    with Checkout.open(tmp_path / "repository.git") as later:
        assert later.files() == ["a"]
        assert later.answers(asked) != before


def test_a_look_does_not_know_of_which_commit_the_files_are(tmp_path: Path) -> None:
    with checkout(tmp_path, {"a": "1"}) as opened:
        watched = opened.watched()
        assert opened.commit
        assert opened.tree
        assert (watched.commit, watched.tree) == ("", "")


def test_no_probe_looks_past_the_questions() -> None:
    """The contents' names are the checkout's own affair: who took them would not be noted as asking."""
    folder = Path(probes.__file__).parent
    taken = {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"\w\._blobs\b|\.reader\b", path.read_text()) and path.name != "checkout.py"
    }
    assert taken == set()

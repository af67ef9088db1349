"""Rules: a question to any JSON that says yes only when it was asked of something that is there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.intake.rules import LONGEST, WrongRule, ask, parsed

DOCUMENT = {
    "pending": 0,
    "empty": [],
    "nothing": None,
    "items": [{"ok": True, "state": "done"}, {"ok": False, "state": "failed", "why": "no"}],
    "by_name": {"a": {"n": 1}, "b": {"n": 2}},
}
YES = [
    "pending == `0`",
    "length(empty) == `0`",
    "length(items) == `2` && pending < `1`",
    "length(items[?state == 'failed']) == `1`",
    "length(items[?why == 'no']) == `1`",
    "items[0].ok",
    "!(items[1].ok)",
    "by_name.a.n == `1`",
    "sum(by_name.*.n) == `3`",
    "items[*].ok | length(@) == `2`",
    "items | length(@[?state == 'failed']) == `1`",
    "contains(keys(@), 'pending')",
]
NO = ["pending == `1`", "items[1].ok", "length(items[?ok]) == `2`"]
NOTHING = {
    "!errors": "The document has no errors",
    "errors == null": "The document has no errors",
    "nothing == null": "The document has no nothing",
    "(failed || `0`) == `0`": "The document has no failed",
    "length(items[?status == 'failed']) == `0`": "No element has status",
    "sum(items[*].cost) == `0`": "No element has cost",
    "length(empty[?state == 'failed']) == `0`": "There is nothing in empty",
    "by_name.c.n == `1`": "The document has no by_name.c.n",
    "items[7].ok": "The document has no items.ok",
    "pending": "neither true nor false",
    "items": "neither true nor false",
    "length(pending) == `0`": "cannot be asked of this document",
    "items | length(@[?status == 'failed']) == `0`": "No element has status",
    "by_name | a.cost == `0`": "The document has no a.cost",
    "keys(by_name) | length(@[?x]) == `0`": "No element has x",
}


@pytest.mark.parametrize("rule", YES)
def test_what_is_there_and_so_holds(rule: str) -> None:
    assert ask(rule, DOCUMENT).holds is True


@pytest.mark.parametrize("rule", NO)
def test_what_is_there_and_otherwise_does_not_hold(rule: str) -> None:
    assert ask(rule, DOCUMENT).holds is False


@pytest.mark.parametrize(("rule", "why"), NOTHING.items())
def test_what_is_missing_empty_or_no_yes_or_no_tells_nothing(rule: str, why: str) -> None:
    told = ask(rule, DOCUMENT)

    assert told.holds is None
    assert why in told.why and told.why.endswith(".")


@pytest.mark.parametrize("document", [[], {}, None, 7, "text", True, [[]], [None]])
@pytest.mark.parametrize("rule", ["!errors", "length(@[?failed]) == `0`", "errors == `0`", "[0].ok"])
def test_a_document_of_another_shape_is_never_a_yes(rule: str, document: Any) -> None:
    assert ask(rule, document).holds is not True


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "  ",
        "pending ==",
        "foo(",
        "x" * (LONGEST + 1),
        "[@,@][]|[@,@][]|[@,@][]",
        "{a: @}",
        "max_by(items, &z)",
        "a" + ".a" * 120,
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(rule: str) -> None:
    with pytest.raises(WrongRule) as refused:
        parsed(rule)

    assert str(refused.value).endswith(".")


names = st.sampled_from(["a", "b", "c"])
documents = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(names, documents)
def test_a_rule_about_a_name_that_is_nowhere_is_never_a_yes(name: str, document: Any) -> None:
    gone = json.loads(json.dumps(document).replace(f'"{name}"', '"z"'))

    for rule in (f"!{name}", f"{name} == null", f"length(@[?{name}]) == `0`", f"({name} || `0`) == `0`"):
        assert ask(rule, gone).holds is not True

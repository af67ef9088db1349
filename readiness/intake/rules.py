"""Owns rules: a JMESPath question (jmespath.org) to a JSON document that is answered by true or false.

A rule that says true because what it asks about is missing or empty would be a false green: it tells nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult, Parser

LONGEST = 300
MOST_NODES = 100
# Lists and objects of one's own copy what they are given: by doubling it a few times in a row, a short rule
# fills the memory; what stands in an expression for a function cannot be looked up before.
NOT_TAKEN = frozenset({"multi_select_list", "multi_select_dict", "expref"})
PATHS = frozenset({"field", "subexpression", "index_expression", "index"})
PROJECTIONS = frozenset({"projection", "filter_projection", "value_projection", "flatten"})
# Where the right side is asked of what the left side gave.
CHAINS = frozenset({"subexpression", "index_expression", "pipe"})
Node = dict[str, Any]


class WrongRule(ValueError):
    """The text is no rule; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule says of a document: true or false, or None with a sentence that says why neither."""

    holds: bool | None
    why: str = ""


@lru_cache(maxsize=256)
def parsed(rule: str) -> ParsedResult:
    """Return a rule ready to be asked. Raises WrongRule."""
    if not rule.strip() or len(rule) > LONGEST:
        raise WrongRule(f"A rule has 1 to {LONGEST} characters.")
    try:
        found = Parser().parse(rule)
    except (JMESPathError, ValueError, RecursionError, IndexError) as error:
        raise WrongRule(f"{rule[:60]!r} is no JMESPath expression.") from error
    kinds = [node["type"] for node in walk(found.parsed)]
    if NOT_TAKEN & set(kinds):
        raise WrongRule("A rule gives true or false; it builds no list or object, and has no & in it.")
    if len(kinds) > MOST_NODES:
        raise WrongRule("The rule is too long: ask less at once.")
    return found


def ask(rule: str, document: Any) -> Told:
    """Return what a rule says of a document. Raises WrongRule."""
    question = parsed(rule)
    try:
        if lacking := next(lacks(question.parsed, document, rule), ""):
            return Told(None, f"{lacking}, so the rule tells nothing.")
        value = question.search(document)
    except (JMESPathError, TypeError, ValueError, RecursionError) as error:
        return Told(None, f"The rule cannot be asked of this document: {str(error).splitlines()[0][:200]}.")
    if isinstance(value, bool):
        return Told(value)
    return Told(None, "The rule gives neither true nor false, so it tells nothing.")


def lacks(node: Node, document: Any, rule: str) -> Iterator[str]:
    """Yield a sentence's beginning for each thing that the rule asks about and that is missing or empty."""
    if all(each["type"] in PATHS for each in walk(node)):
        if ParsedResult(rule, node).search(document) is None:
            yield f"The document has no {name_of(node)}"
    elif node["type"] in PROJECTIONS:
        left, *asked = node["children"]
        yield from lacks(left, document, rule)
        found = ParsedResult(rule, left).search(document)
        elements = list(found.values()) if isinstance(found, dict) else found
        if not elements or not isinstance(elements, list):
            yield f"There is nothing in {name_of(left) or 'the document'}"
            return
        # Not every element has to have it, but a name that none of them has is misspelt.
        for child in asked:
            yield from islice(none_has(child, elements, rule), 1)
    elif node["type"] in CHAINS:
        left, *asked = node["children"]
        yield from lacks(left, document, rule)
        found = ParsedResult(rule, left).search(document)
        for child in asked:
            yield from lacks(child, found, rule)
    else:
        for child in node["children"]:
            yield from lacks(child, document, rule)


def none_has(node: Node, elements: list[Any], rule: str) -> Iterator[str]:
    """Yield what is lacking in every one of some elements; nothing as soon as one of them lacks nothing."""
    reasons = (next(lacks(node, element, rule), "") for element in elements)
    first = next(reasons)
    if first and all(reasons):
        yield first.replace("The document has", "No element has", 1).replace("has no ", "has ", 1)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node of a parsed rule and all below it."""
    yield node
    for child in node["children"]:
        yield from walk(child)


def name_of(node: Node) -> str:
    """Return a path as people write it, such as results.failed."""
    if node["type"] == "field":
        return str(node["value"])
    return ".".join(filter(None, map(name_of, node["children"])))

"""Owns the comparison of two OpenAPI documents: what would break somebody who uses the older one.

Pure: documents in, sentences out. What is sent may become looser and what is answered may become richer;
the other way round breaks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
# A document's references may lead in circles.
DEEPEST = 12
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two documents; `sent` schemas are compared for whoever writes them, others for whoever reads them."""

    old: Told
    new: Told

    def changes(self) -> Iterator[str]:
        """Yield a sentence for everything that breaks, in the order of the old document."""
        for path, methods in self.old.get("paths", {}).items():
            there = self.new.get("paths", {}).get(path)
            if there is None:
                yield f"{path} was removed."
                continue
            for method in METHODS:
                if method in methods:
                    yield from self.operation(f"{method.upper()} {path}", methods[method], there.get(method))

    def operation(self, name: str, old: Told, new: Told | None) -> Iterator[str]:
        """Yield what breaks in one operation; None: it is not there any more."""
        if new is None:
            yield f"{name} was removed."
            return
        yield from self.parameters(name, old, new)
        yield from self.body(name, old.get("requestBody"), new.get("requestBody"))
        for status, answer in old.get("responses", {}).items():
            if status not in new.get("responses", {}):
                if status.startswith("2"):
                    yield f"{name} does not answer {status} any more."
                continue
            yield from self.answer(f"{name} ({status})", answer, new["responses"][status])

    def parameters(self, name: str, old: Told, new: Told) -> Iterator[str]:
        """Yield what breaks in what stands in the address and the headers."""
        before, after = (
            {(row["in"], row["name"]): row for row in operation.get("parameters", ())}
            for operation in (old, new)
        )
        for key, row in after.items():
            if row.get("required") and not before.get(key, {}).get("required"):
                yield f"{name}: the parameter {key[1]} is required now."
        for key, row in before.items():
            if key not in after:
                yield f"{name}: the parameter {key[1]} was removed."
            else:
                place = f"{name}: the parameter {key[1]}"
                yield from self.sent(place, row.get("schema", {}), after[key].get("schema", {}))

    def body(self, name: str, old: Told | None, new: Told | None) -> Iterator[str]:
        """Yield what breaks in what is sent."""
        if new is not None and new.get("required") and not (old or {}).get("required"):
            yield f"{name}: a body is required now."
        if old is None:
            return
        for kind, content in old.get("content", {}).items():
            there = (new or {}).get("content", {}).get(kind)
            if there is None:
                yield f"{name}: a body of the kind {kind} is not taken any more."
            else:
                yield from self.sent(f"{name}: the body", content["schema"], there["schema"])

    def answer(self, name: str, old: Told, new: Told) -> Iterator[str]:
        """Yield what breaks in one answer."""
        for kind, content in old.get("content", {}).items():
            there = new.get("content", {}).get(kind)
            if there is None:
                yield f"{name}: {kind} is not answered any more."
            else:
                yield from self.told(f"{name}: the answer", content["schema"], there["schema"])

    def sent(self, place: str, old: Told, new: Told, depth: int = 0) -> Iterator[str]:
        """Yield what a writer of the old schema may not send any more."""
        old, new = self.meant(self.old, old), self.meant(self.new, new)
        for kind in sorted(kinds(old) - kinds(new) if kinds(new) else ()):
            yield f"{place} may not be {kind} any more."
        yield from _values(place, old, new)
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield f"{place}: {name} is required now."
        yield from self.members(place, old, new, depth, sent=True)

    def told(self, place: str, old: Told, new: Told, depth: int = 0) -> Iterator[str]:
        """Yield what a reader of the old schema would not understand, or miss."""
        old, new = self.meant(self.old, old), self.meant(self.new, new)
        for kind in sorted(kinds(new) - kinds(old) if kinds(old) else ()):
            yield f"{place} may be {kind} now."
        yield from _values(place, new, old, may="be", now="now")
        for name in sorted(set(old.get("required", ())) & set(new.get("properties", {}))):
            if name not in new.get("required", ()):
                yield f"{place}: {name} may be missing now."
        yield from self.members(place, old, new, depth, sent=False)

    def members(self, place: str, old: Told, new: Told, depth: int, *, sent: bool) -> Iterator[str]:
        """Yield what breaks inside an object or a list."""
        compare = self.sent if sent else self.told
        if depth > DEEPEST:
            return
        for name, schema in old.get("properties", {}).items():
            if name in new.get("properties", {}):
                yield from compare(f"{place}: {name}", schema, new["properties"][name], depth + 1)
            elif not sent or new.get("additionalProperties") is False:
                yield f"{place}: {name} was removed."
        if "items" in old and "items" in new:
            yield from compare(f"{place}: a row", old["items"], new["items"], depth + 1)

    @staticmethod
    def meant(document: Told, schema: Told) -> Told:
        """Return the schema itself where it is a reference, or a choice between one thing and null."""
        parts = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
        if len(parts) == 1:
            inner = Comparison.meant(document, parts[0])
            return {**inner, "nullable": True}
        if "$ref" not in schema:
            return schema
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        found: Told = document.get("components", {}).get("schemas", {}).get(name, {})
        return found


def breaking_changes(old: Told, new: Told) -> list[str]:
    """Return one sentence for every change that breaks a user of the old document; none is fine."""
    return list(dict.fromkeys(Comparison(old, new).changes()))


def kinds(schema: Told) -> frozenset[str]:
    """Return the types that a value may have; empty when it does not say. A number includes integers."""
    if "anyOf" in schema:
        return frozenset[str]().union(*(kinds(part) for part in schema["anyOf"]))
    named = schema.get("type", ())
    found = {named} if isinstance(named, str) else set(named)
    if "number" in found:
        found.add("integer")
    if schema.get("nullable") and found:
        found.add("null")
    return frozenset(found)


def _values(
    place: str, wide: Told, narrow: Told, *, may: str = "not be", now: str = "any more"
) -> Iterator[str]:
    """Yield the values of a closed list that `wide` has and `narrow` has not."""
    if "enum" not in narrow or "const" in narrow:
        return
    for value in wide.get("enum", ()):
        if value not in narrow["enum"]:
            yield f"{place} may {may} {value!r} {now}."
    if "enum" not in wide:
        yield f"{place} may {may} just any value {now}."

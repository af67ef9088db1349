"""Owns the destructive steps of a migration: it drops what the release before it may still read.

It is no fault, and there is no way back from it: while both releases run, and after a rollback, the older one
looks for what is gone. What is dropped and made again in the same migration is not counted.
"""

import ast
import re
from collections.abc import Iterator

from readiness.probes import pycode
from readiness.probes.checkout import text_of
from readiness.probes.facts import fact
from readiness.probes.javascript import code_of, line_at

DJANGO = frozenset({"RemoveField", "DeleteModel"})
ALEMBIC = frozenset({"drop_table", "drop_column"})
SQL = re.compile(
    r"(?i)\bDROP\s+(?P<what>TABLE|COLUMN)\s+(?:IF\s+EXISTS\s+)?(?P<name>[\"'`\[]?[\w.]+[\"'`\]]?(?:\.[\"`\[]?\w+[\"`\]]?)?)"
)
SQL_COMMENT = re.compile(r"(?s)--[^\n]*|/\*.*?\*/")
# By the end of a file's name: what takes away, and where the part begins that would undo the migration.
WRITTEN: dict[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    ".rb": (
        re.compile(r"(?m)^\s*(?:t\.)?(drop_table|remove_columns?|remove_reference)\b"),
        re.compile(r"\bdef\s+(?:self\.)?down\b"),
    ),
    ".php": (
        re.compile(r"\bSchema::(drop|dropIfExists)\(|->(dropColumn)\("),
        re.compile(r"\bfunction\s+down\b"),
    ),
    ".js": (
        re.compile(r"\.(dropTable|dropTableIfExists|dropColumns?)\("),
        re.compile(r"\bexports\.down\b|\bfunction\s+down\b|\bdown\s*[=:]"),
    ),
}
WRITTEN[".ts"] = WRITTEN[".js"]


@fact
def destructive_steps(path: str, content: bytes) -> list[tuple[int, str]]:
    """Return the destructive steps of a migration on its way forward: [(12, "RemoveField")]."""
    text, suffix = text_of(content), path[path.rfind(".") :]
    if suffix == ".py":
        return list(in_python(text))
    if suffix == ".sql":
        return list(in_sql(text.partition("+goose Down")[0]))
    if suffix not in WRITTEN:
        return []
    takes, undoing = WRITTEN[suffix]
    code = re.sub(r"(?m)^\s*#.*$", "", text) if suffix == ".rb" else code_of(text)
    back = undoing.search(code)
    found = takes.finditer(code, 0, back.start() if back else len(code))
    return [(line_at(code, one.start(one.lastindex or 0)), one[one.lastindex or 0]) for one in found]


def in_python(text: str) -> Iterator[tuple[int, str]]:
    """Yield what the operations of Django, or the upgrade of Alembic, take away."""
    tree = pycode.parsed(text)
    forward = [node for node in tree.body if not is_downgrade(node)] if tree else []
    for call in (inner for node in forward for inner in ast.walk(node) if isinstance(inner, ast.Call)):
        name = pycode.called(call)
        if name in DJANGO or (name in ALEMBIC and ast.unparse(call.func).startswith(("op.", "batch_op."))):
            yield call.lineno, name
        elif name in {"RunSQL", "execute"} and (call.args or call.keywords):
            # What stands second would undo it.
            sql = pycode.literal(call.args[0] if call.args else call.keywords[0].value)
            for _, word in in_sql(sql) if isinstance(sql, str) else ():
                yield call.lineno, word


def is_downgrade(node: ast.stmt) -> bool:
    """Tell whether a statement is the function with which Alembic undoes a migration."""
    return isinstance(node, ast.FunctionDef) and node.name == "downgrade"


def in_sql(text: str) -> Iterator[tuple[int, str]]:
    """Yield what SQL drops, unless the same statements make it again or rename another to it."""
    code = SQL_COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    for found in SQL.finditer(code):
        name = re.escape(found["name"].strip("\"'`[]"))
        makes = r"CREATE\s+TABLE(?:\s+IF\s+NOT\s+EXISTS)?|RENAME\s+TO|ADD(?:\s+COLUMN)?"
        if not re.search(rf"(?i)\b(?:{makes})\s+[\"'`\[]?{name}\b", code):
            yield line_at(code, found.start()), f"DROP {found['what'].upper()}"

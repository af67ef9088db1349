"""The destructive steps of a migration are told with their places, and not held against anybody."""

from pathlib import Path

import pytest

from readiness.probes.destructive import destructive_steps
from readiness.probes.repository.migrations_heads import migrations_heads
from tests.readiness.probes.repositories import in_memory, look
from tickets.scoring import Status

DJANGO = "class Migration(migrations.Migration):\n    dependencies = []\n    operations = [\n        {}]\n"
ALEMBIC = "revision = 'b'\ndown_revision = None\n\n\ndef upgrade():\n    {}\n\n\ndef downgrade():\n    {}\n"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("m.py", DJANGO.format("migrations.RemoveField('book', 'isbn')"), [(4, "RemoveField")]),
        ("m.py", DJANGO.format("migrations.DeleteModel(name='Book')"), [(4, "DeleteModel")]),
        ("m.py", DJANGO.format("migrations.AddField('book', 'isbn')"), []),
        ("m.py", DJANGO.format("migrations.RunSQL('DROP TABLE book', 'SELECT 1')"), [(4, "DROP TABLE")]),
        ("m.py", DJANGO.format("migrations.RunSQL(sql='DROP TABLE book')"), [(4, "DROP TABLE")]),
        ("m.py", DJANGO.format("migrations.RunSQL('SELECT 1', 'DROP TABLE book')"), []),
        ("m.py", DJANGO.format("migrations.RunSQL(MANY)"), []),
        ("m.py", "def (", []),
        ("m.py", ALEMBIC.format("op.drop_column('book', 'isbn')", "pass"), [(6, "drop_column")]),
        ("m.py", ALEMBIC.format("pass", "op.drop_table('book')"), []),
        ("m.py", ALEMBIC.format("op.execute('ALTER TABLE a DROP COLUMN b')", "pass"), [(6, "DROP COLUMN")]),
        ("m.py", ALEMBIC.format("cache.drop_table('book')", "pass"), []),
        ("m.sql", "ALTER TABLE a\n  DROP COLUMN b;", [(2, "DROP COLUMN")]),
        ("m.sql", "drop table if exists a;", [(1, "DROP TABLE")]),
        ("m.sql", "-- DROP TABLE a;\n/* DROP TABLE b; */\nSELECT 1;", []),
        ("m.sql", "-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP TABLE a;", []),
        ("m.sql", "DROP TABLE IF EXISTS a;\nCREATE TABLE a (id int);", []),
        (
            "m.sql",
            'CREATE TABLE "new_A" (id int);\nDROP TABLE "A";\nALTER TABLE "new_A" RENAME TO "A";',
            [],
        ),
        ("m.sql", "ALTER TABLE a DROP COLUMN b, ADD COLUMN b text;", []),
        ("m.sql", "ALTER TABLE a DROP CONSTRAINT b;\nDROP INDEX c;", []),
        ("m.rb", "def change\n  remove_column :a, :b\nend\n", [(2, "remove_column")]),
        ("m.rb", "def up\n  add_column :a, :b\nend\ndef down\n  remove_column :a, :b\nend\n", []),
        ("m.rb", "def change\n  # drop_table :a\n  drop_table :b\nend\n", [(3, "drop_table")]),
        ("m.php", "function up() {\n  Schema::dropIfExists('a');\n}", [(2, "dropIfExists")]),
        ("m.php", "function up() {}\nfunction down() {\n  Schema::dropIfExists('a');\n}", []),
        ("m.php", "function up() { $table->dropColumn('a'); }", [(1, "dropColumn")]),
        ("m.js", "exports.up = (knex) => knex.schema.dropTable('a')\n", [(1, "dropTable")]),
        ("m.js", "exports.up = f\nexports.down = (knex) => knex.schema.dropTable('a')\n", []),
        ("m.ts", "// t.dropColumn('a')\nexport async function up(k) {}\n", []),
        ("m.txt", "DROP TABLE a;", []),
    ],
)
def test_what_is_taken_away_on_the_way_forward_is_told(
    path: str, text: str, expected: list[tuple[int, str]]
) -> None:
    assert in_memory({path: text}).told(destructive_steps, path) == [list(one) for one in expected]


@pytest.mark.parametrize(
    ("files", "at"),
    [
        (
            {
                "shop/migrations/0001_a.py": DJANGO.format("migrations.DeleteModel('Old')"),
                "shop/migrations/0002_b.py": DJANGO.replace("[]", "[('shop', '0001_a')]", 1).format(
                    "migrations.RemoveField('book', 'isbn')"
                ),
            },
            "shop/migrations/0002_b.py:4: RemoveField",
        ),
        (
            {"migrations/0001_a.py": DJANGO.format("migrations.DeleteModel('Old')")},
            "migrations/0001_a.py:4: DeleteModel",
        ),
        (
            {"alembic/versions/b.py": ALEMBIC.format("op.drop_table('a')", "pass")},
            "alembic/versions/b.py:6: drop_table",
        ),
        (
            {"db/migrate/1_a.rb": "drop_table :a", "db/migrate/2_b.rb": "drop_table :b"},
            "db/migrate/2_b.rb:1: drop_table",
        ),
    ],
)
def test_of_the_newest_migration_it_is_said_and_nobody_is_accused(
    tmp_path: Path, files: dict[str, str], at: str
) -> None:
    (found,) = [one for one in look(migrations_heads, tmp_path, files) if one.criterion == "dat.migrations"]

    assert found.status == Status.OK
    assert found.evidence["destructive"] == [at]
    assert "no release before it may need what is gone" in found.detail


def test_what_an_older_migration_took_away_is_not_told_again(tmp_path: Path) -> None:
    files = {"db/migrate/1_a.rb": "drop_table :a", "db/migrate/2_b.rb": "add_column :b, :c"}
    (found,) = look(migrations_heads, tmp_path, files)

    assert found.evidence["destructive"] == []
    assert found.detail.endswith("in one order.")

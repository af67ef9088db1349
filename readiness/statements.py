"""Owns statements that are composed once or written out, for what happens hundreds of times a second."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connections, models, router
from django.db.models.sql import InsertQuery

Row = TypeVar("Row", bound=models.Model)


def insert(row: models.Model) -> None:
    """Store a new row and give it its primary key, as `save(force_insert=True)` does without signals.

    Raises what the database refuses, such as IntegrityError.
    """
    using = router.db_for_write(type(row), instance=row)
    connection = connections[using]
    statement, fields = insert_of(type(row), using, returning=True)
    with connection.cursor() as cursor:
        cursor.execute(statement, values_of(row, fields, connection))
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, using


def insert_all(rows: Sequence[models.Model]) -> None:
    """Store new rows of one model, as `bulk_create` does in three times as long; they get no primary key."""
    if not rows:
        return
    using = router.db_for_write(type(rows[0]))
    connection = connections[using]
    statement, fields = insert_of(type(rows[0]), using, returning=False)
    with connection.cursor() as cursor:
        cursor.executemany(statement, [values_of(row, fields, connection) for row in rows])


def values_of(row: models.Model, fields: Sequence[Any], connection: Any) -> list[Any]:
    """Return what an INSERT stores of a row, in the order of the fields."""
    return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]


@cache
def insert_of(model: type[models.Model], using: str, *, returning: bool) -> tuple[str, list[Any]]:
    """Return Django's own INSERT for one row of a model, and the fields whose values it takes, in order."""
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    query = InsertQuery(model)
    query.insert_values(fields, [model(**{field.attname: None for field in fields})], raw=True)
    compiler = query.get_compiler(using)
    compiler.returning_fields = [model._meta.pk] if returning else None
    ((statement, _),) = compiler.as_sql()
    return statement, fields


def select(
    model: type[Row], columns: tuple[str, ...], statement: str, values: Sequence[Any]
) -> Iterator[tuple[Row, Any]]:
    """Run a written-out SELECT; returns rows with only these columns, each with what it selects beside them.

    The statement names the columns first, in the order of the model's fields, and one more behind them.
    """
    using = router.db_for_read(model)
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    for *said, beside in found:
        for place, convert, column in converters_of(model, columns, using):
            said[place] = convert(said[place], column, connection)
        yield model.from_db(using, columns, said), beside


@cache
def converters_of(
    model: type[models.Model], columns: tuple[str, ...], using: str
) -> list[tuple[int, Any, Any]]:
    """Return what turns a database's values into Python's: place of the column, function, column."""
    connection = connections[using]
    found = []
    for place, name in enumerate(columns):
        column: Any = model._meta.get_field(name.removesuffix("_id")).cached_col  # type: ignore[union-attr]
        converters = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
        found += [(place, convert, column) for convert in converters]
    return found

"""Owns statements that are composed once or written out, for what happens hundreds of times a second."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connections, models, router
from django.db.models.sql import InsertQuery

Row = TypeVar("Row", bound=models.Model)
# Of these, what a row holds is what a database takes: asking the field for it would return the same.
STORED_AS_THEY_ARE = frozenset({models.CharField, models.TextField, models.BooleanField, models.ForeignKey})
ROWS_AT_ONCE = 100


def insert(row: models.Model) -> None:
    """Store a new row and give it its primary key, as `save(force_insert=True)` does without signals.

    Raises what the database refuses, such as IntegrityError.
    """
    using = router.db_for_write(type(row), instance=row)
    connection = connections[using]
    statement, fields = insert_of(type(row), using)
    values = [
        getattr(row, field.attname)
        if type(field) in STORED_AS_THEY_ARE
        else field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, using


def insert_all(model: type[models.Model], names: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> None:
    """Store new rows of a model, given as the values of its columns `names`, in their order.

    For hundreds a second: `bulk_create` takes six times as long, half of it to make objects that nobody
    needs. The names are all columns but the primary key; no default and no `auto_now` is filled in.
    """
    using = router.db_for_write(model)
    connection = connections[using]
    _, fields = insert_of(model, using, names)
    prepared = [(place, field) for place, field in enumerate(fields) if type(field) not in STORED_AS_THEY_ARE]
    values = [list(row) for row in rows]
    for row in values:
        for place, field in prepared:
            row[place] = field.get_db_prep_save(row[place], connection)
    # One statement for many rows: SQLite's module lets other threads run at each statement, and gets its turn
    # back from one that computes only after milliseconds, with the database locked all the time.
    for begin in range(0, len(values), ROWS_AT_ONCE):
        portion = values[begin : begin + ROWS_AT_ONCE]
        statement, takes_columns = insert_many_of(model, using, names, len(portion))
        parameters = map(list, zip(*portion, strict=True)) if takes_columns else chain.from_iterable(portion)
        with connection.cursor() as cursor:
            cursor.execute(statement, list(parameters))


@cache
def insert_of(model: type[models.Model], using: str, names: tuple[str, ...] = ()) -> tuple[str, list[Any]]:
    """Return Django's own INSERT for one row of a model, and the fields whose values it takes, in order.

    Without `names` it takes all columns in the order of the model, and returns the primary key.
    """
    columns = {field.attname: field for field in model._meta.local_concrete_fields if not field.primary_key}
    if names and {*names} != {*columns}:
        raise TypeError(f"A row of {model.__name__} has the columns {', '.join(columns)}.")
    fields = [columns[name] for name in names or columns]
    statement, _ = _composed(model, using, fields, count=1, returning=[] if names else [model._meta.pk])
    return statement, fields


@lru_cache(maxsize=ROWS_AT_ONCE)
def insert_many_of(
    model: type[models.Model], using: str, names: tuple[str, ...], count: int
) -> tuple[str, bool]:
    """Return Django's own INSERT for so many rows, and whether it takes a list for each column.

    PostgreSQL is given columns; to other databases the values go row by row.
    """
    _, fields = insert_of(model, using, names)
    statement, parameters = _composed(model, using, fields, count=count, returning=[])
    return statement, len(parameters) == len(fields) and count > 1


def _composed(
    model: type[models.Model], using: str, fields: list[Any], *, count: int, returning: list[Any]
) -> tuple[str, Sequence[Any]]:
    query = InsertQuery(model)
    empty = {field.attname: None for field in fields}
    query.insert_values(fields, [model(**empty) for _ in range(count)], raw=True)
    compiler = query.get_compiler(using)
    compiler.returning_fields = returning or None
    # Only one that is for several rows and returns nothing is composed as a whole.
    ((statement, parameters),) = compiler.as_sql()
    return statement, parameters


def select(
    model: type[Row], columns: tuple[str, ...], statement: str, values: Sequence[Any]
) -> Iterator[tuple[Row, Any]]:
    """Run a written-out SELECT; returns rows with only these columns, each with what it selects beside them.

    The statement names the columns first, in the order of the model's fields, and one more behind them.
    """
    using = router.db_for_read(model)
    connection: Any = connections[using]
    # Django asks a kept connection for its health before it is used. A SELECT finds that out by itself, and
    # can be asked again: one question less for each request.
    connection.health_check_done = True
    try:
        found = rows_of(connection, statement, values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        found = rows_of(connection, statement, values)
    for *said, beside in found:
        for place, convert, column in converters_of(model, columns, using):
            said[place] = convert(said[place], column, connection)
        yield model.from_db(using, columns, said), beside


def rows_of(connection: Any, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


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

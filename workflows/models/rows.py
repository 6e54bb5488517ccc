"""Many rows in one statement, for the paths that people and clients wait for: read, inserted, updated.

`bulk_create` and `bulk_update` split their work on SQLite and cost several times more Python. This is the one module whose SQL
differs by database: PostgreSQL needs casts where SQLite must have none, and locks where SQLite has one writer only.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC
from functools import lru_cache, reduce
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models.base import ModelState

Row = TypeVar("Row", bound=models.Model)

# Below the smallest limit of both databases (SQLite's default is 32,766 parameters in one statement).
MAX_PARAMETERS = 30_000

# Fields whose values the drivers take as they are. Asking each field about each value was the larger part of a start.
PLAIN = frozenset({"AutoField", "BigAutoField", "BooleanField", "CharField", "SlugField", "TextField", "IntegerField"}) | {
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
}
PLAIN_IN_POSTGRESQL = PLAIN | {"DateTimeField", "UUIDField"}


def select_rows(
    model: type[Row], order: str = "", *, lock: bool = False, also: tuple[str, str] | None = None, **where: Any
) -> list[Row]:
    """Read the rows whose columns equal what is given (None: NULL), in the order of a column, locked for an update if wanted.

    `also`: an attribute that takes the truth of a condition, in SQL that both databases understand.

    For those few reads that every step makes: the ORM takes longer to make such a query than the database to answer it.
    """
    known = tuple((name, value is not None) for name, value in where.items())
    sql, names, readers = _select(model, order, lock, also[1] if also else "", known, connection.vendor)
    meta = model._meta
    values = [_parameter(meta.get_field(name), value) for name, value in where.items() if value is not None]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found = cursor.fetchall()
    rows = []
    for row in found:
        read = list(row)
        for at, reader in readers:
            if read[at] is not None:
                read[at] = reader(read[at])
        rows.append(_instance(model, names, read))
        if also:
            setattr(rows[-1], also[0], bool(read[-1]))
    return rows


def _instance(model: type[Row], names: Sequence[str], values: Sequence[Any]) -> Row:
    """Return a row that was read as an instance; `Model.from_db` does the same attribute by attribute, with signals."""
    row = model.__new__(model)
    row.__dict__.update(zip(names, values, strict=False))
    row._state = ModelState()
    row._state.adding, row._state.db = False, connection.alias
    return row


def _parameter(field: Any, value: Any) -> Any:
    return field.get_db_prep_value(value, connection)


@lru_cache(maxsize=64)
def _select(
    model: type[models.Model], order: str, lock: bool, also: str, where: tuple[tuple[str, bool], ...], vendor: str
) -> tuple[str, list[str], list[tuple[int, Callable[[Any], Any]]]]:
    """Return the statement, the names of what it reads, and what turns its values into Python's where that is needed."""
    meta: Any = model._meta
    quote = connection.ops.quote_name
    tests = [f"{quote(meta.get_field(name).column)} {'= %s' if given else 'IS NULL'}" for name, given in where]
    columns = ", ".join(quote(field.column) for field in meta.concrete_fields) + (f", {also}" if also else "")
    sql = f"SELECT {columns} FROM {quote(meta.db_table)} WHERE {' AND '.join(tests)}"  # noqa: S608 - names of columns
    if order:
        sql += f" ORDER BY {quote(meta.get_field(order).column)}"
    if lock and vendor == "postgresql":
        sql += " FOR NO KEY UPDATE"
    readers = [(at, _reader(field)) for at, field in enumerate(meta.concrete_fields)]
    return sql, [field.attname for field in meta.concrete_fields], [(at, reader) for at, reader in readers if reader]


def _reader(field: Any) -> Callable[[Any], Any] | None:
    """Return what turns a column's value into the field's; None where they are the same."""
    kind = (field.target_field if field.is_relation else field).get_internal_type()
    if kind == "JSONField":
        return json.loads
    if connection.vendor == "sqlite" and kind in SQLITE_READERS:
        return SQLITE_READERS[kind]
    column = field.get_col(field.model._meta.db_table)
    steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
    return (lambda value: reduce(lambda read, step: step(read, column, connection), steps, value)) if steps else None


# What Django's converters do in several steps.
SQLITE_READERS: dict[str, Callable[[Any], Any]] = {
    "UUIDField": UUID,
    "DateTimeField": lambda moment: moment.replace(tzinfo=UTC),
    "BooleanField": bool,
}


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert unsaved instances of one model; ids that the database makes are not read back."""
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [f for f in meta.concrete_fields if not isinstance(f, models.AutoField)]
    columns = ", ".join(connection.ops.quote_name(f.column) for f in fields)
    one = "(" + ", ".join(["%s"] * len(fields)) + ")"
    size = MAX_PARAMETERS // len(fields)
    for chunk in (rows[at : at + size] for at in range(0, len(rows), size)):
        adapters = _adapters(tuple(fields), connection.vendor)
        values = [adapt(getattr(row, name)) if adapt else getattr(row, name) for row in chunk for name, adapt in adapters]
        table = connection.ops.quote_name(meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} ({columns}) VALUES {', '.join([one] * len(chunk))}", values)  # noqa: S608


def update_rows(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write the named fields of instances of one model. Raises RowVanished unless each row is still there."""
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [meta.pk, *(meta.get_field(name) for name in names)]
    table = connection.ops.quote_name(meta.db_table)
    columns = [connection.ops.quote_name(f.column) for f in fields]
    # Both databases call the columns of a bare VALUES column1, column2, ...
    values = [f"given.column{number}{_cast(f)}" for number, f in enumerate(fields, start=1)]
    adapters = _adapters(tuple(fields), connection.vendor)
    assignments = ", ".join(f"{c} = {v}" for c, v in zip(columns[1:], values[1:], strict=True))
    one = "(" + ", ".join(["%s"] * len(fields)) + ")"
    size = MAX_PARAMETERS // len(fields)
    for chunk in (rows[at : at + size] for at in range(0, len(rows), size)):
        # The statement begins with UPDATE: sqlite3 counts no rows for one that begins with WITH.
        sql = (
            f"UPDATE {table} SET {assignments} FROM (VALUES {', '.join([one] * len(chunk))}) AS given "  # noqa: S608
            f"WHERE {table}.{columns[0]} = {values[0]}"
        )
        with connection.cursor() as cursor:
            cursor.execute(
                sql, [adapt(getattr(row, name)) if adapt else getattr(row, name) for row in chunk for name, adapt in adapters]
            )
            if cursor.rowcount != len(chunk):
                raise RowVanished(f"{len(chunk) - cursor.rowcount} rows of {meta.db_table} are gone")


def try_lock(name: str) -> bool:
    """Take a lock of this name until the transaction ends; False when somebody else holds it.

    On SQLite a transaction is alone from its beginning, so the lock is always to be had.
    """
    if connection.vendor != "postgresql":
        return True
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


class RowVanished(Exception):
    """A row that was read under the lock is not there any more: a writer that does not take the lock."""


@lru_cache(maxsize=64)
def _adapters(fields: tuple[Any, ...], vendor: str) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Return for each field where its value is and what makes a parameter of it; None where the driver takes it as it is."""
    plain = PLAIN_IN_POSTGRESQL if vendor == "postgresql" else PLAIN
    return [(f.attname, _adapter(f, plain)) for f in fields]


def _adapter(field: Any, plain: frozenset[str]) -> Callable[[Any], Any] | None:
    if field.target_field.get_internal_type() in plain if field.is_relation else field.get_internal_type() in plain:
        return None
    return lambda value: None if value is None else field.get_db_prep_save(value, connection)


def _cast(field: Any) -> str:
    return f"::{field.db_type(connection)}" if connection.vendor == "postgresql" else ""

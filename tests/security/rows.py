"""All rows of our tables as the database has them: quick to read, and to compare after each request."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import connection

Rows = Mapping[str, list[tuple[Any, ...]]]
# When a credential was last used; no act of anybody's.
LEFT_OUT = {"last_used_on"}


def tables() -> dict[str, list[str]]:
    """Return the columns of each table."""
    models = [*apps.get_app_config("workflows").get_models(), *apps.get_app_config("auth").get_models()]
    return {
        model._meta.db_table: [field.column for field in model._meta.concrete_fields if field.column not in LEFT_OUT]
        for model in models
    }


def read_rows() -> Rows:
    found = {}
    with connection.cursor() as cursor:
        for table, columns in tables().items():
            names = ", ".join(connection.ops.quote_name(column) for column in columns)
            cursor.execute(f"SELECT {names} FROM {table} ORDER BY 1")
            found[table] = cursor.fetchall()
    return found


def differences(old: Rows, new: Rows) -> list[str]:
    """Return what is gone and what is new, or other than it was."""
    found = []
    for table, rows in new.items():
        if rows != old[table]:
            before, after = ({str(row) for row in side} for side in (old[table], rows))
            found += [f"{table}: gone or changed: {text[:300]}" for text in before - after]
            found += [f"{table}: new: {text[:300]}" for text in after - before]
    return found


def meddled(theirs: Rows, organisation: int, old: Rows, new: Rows) -> list[str]:
    """Return the rows of one organisation, `theirs`, that are no longer as they were, and new ones in its name."""
    found = []
    for table, rows in new.items():
        if rows == old[table]:
            continue
        before, after = ({str(row) for row in side} for side in (theirs[table], rows))
        found += [f"{table}: gone or changed: {text[:300]}" for text in before - after]
        columns = tables()[table]
        if "organisation_id" in columns:
            place, known = columns.index("organisation_id"), {str(row) for row in old[table]}
            found += [f"{table}: new: {row}"[:300] for row in rows if row[place] == organisation and str(row) not in known]
    return found

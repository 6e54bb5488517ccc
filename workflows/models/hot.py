"""What every request asks the database: who calls, and the document of an execution.

As SQL, because making a query costs the ORM several times more than the database needs to answer it. The same on both databases.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from workflows.models.access import ApiToken
from workflows.models.execution import Execution
from workflows.models.organisation import Organisation

# In the order in which the models declare them.
TOKEN_COLUMNS = ("id", "organisation_id", "role", "secret_hash", "scopes", "read_only", "previous_hash")
AFTER = 2 + len(TOKEN_COLUMNS)
ORGANISATION = Organisation._meta.concrete_fields
CALLER = f"""
SELECT t.last_used_on = %s, CAST(r.grants AS TEXT), t.id, t.organisation_id, t.role, t.secret_hash, t.scopes, t.read_only,
    CASE WHEN t.previous_until > %s THEN t.previous_hash ELSE '' END, {", ".join(f"o.{f.column}" for f in ORGANISATION)}
FROM workflows_apitoken t JOIN workflows_organisation o ON o.id = t.organisation_id
LEFT JOIN workflows_customrole r ON r.organisation_id = t.organisation_id AND r.slug = t.role
WHERE t.id = %s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %s)
"""  # noqa: S608 - names of columns
DOCUMENT = """
SELECT e.version, d.version, d.body
FROM workflows_execution e LEFT JOIN workflows_executiondocument d ON d.execution_id = e.id
WHERE e.id = %s AND e.organisation_id = %s AND e.deleted_at IS NULL
"""


def read_token(token_id: str) -> tuple[ApiToken, bool, str | None] | None:
    """Return a token that is neither revoked nor expired, with its organisation; whether it has been used today (UTC); and the
    grants of its role when that is one of the organisation's own.
    """
    now = datetime.now(UTC)
    at = connection.ops.adapt_datetimefield_value(now)
    parameters = [connection.ops.adapt_datefield_value(now.date()), at, token_id, at]
    with connection.cursor() as cursor:
        cursor.execute(CALLER, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    token = ApiToken.from_db(connection.alias, TOKEN_COLUMNS, row[2:AFTER])
    values = [_read(field, value) for field, value in zip(ORGANISATION, row[AFTER:], strict=True)]
    token.organisation = Organisation.from_db(connection.alias, [field.attname for field in ORGANISATION], values)
    return token, bool(row[0]), row[1]


def _read(field: Any, value: Any) -> Any:
    """Return a column's value as its field has it: SQLite knows neither dates nor UUIDs."""
    column = field.cached_col
    for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection)):
        value = convert(value, column, connection)
    return value


def read_document(execution_id: UUID, organisation_id: int) -> tuple[int, int | None, str | None] | None:
    """Return an execution's version, the version of its stored document, and the document."""
    key = Execution._meta.pk.get_db_prep_value(execution_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(DOCUMENT, [key, organisation_id])
        row: tuple[int, int | None, str | None] | None = cursor.fetchone()
    return row

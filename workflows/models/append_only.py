"""Triggers on both databases that refuse to change or delete what was written to the trail and the history.

They are made by a migration, and looked for once more after each: on SQLite a table that is changed is made anew, without them.
"""

from typing import Any

TABLES = ("workflows_auditentry", "workflows_event")
OPENING = "workflows_auditopening"
SAID = "append-only: rows of this table are neither changed nor deleted"

SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_keeps_{act} BEFORE {act} ON {table}
WHEN NOT EXISTS (SELECT 1 FROM {opening})
BEGIN SELECT RAISE(ABORT, '{said}'); END
"""
POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION workflows_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM {opening}) THEN RAISE EXCEPTION '{said}' USING ERRCODE = 'restrict_violation'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$
"""
POSTGRESQL = """
CREATE OR REPLACE TRIGGER {table}_keeps_{act} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION workflows_keep()
"""


def keep(connection: Any, tables: tuple[str, ...] = TABLES) -> None:
    """Have the database refuse UPDATE and DELETE on the tables, except while an opening is there."""
    names = {"opening": OPENING, "said": SAID}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_FUNCTION.format(**names))
        one = POSTGRESQL if connection.vendor == "postgresql" else SQLITE
        for table in tables:
            for act in ("update", "delete"):
                cursor.execute(one.format(table=table, act=act, **names))


def release(connection: Any) -> None:
    """Take the triggers away."""
    on = " ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for table in TABLES:
            for act in ("update", "delete"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {{table}}_keeps_{{act}}{on}".format(table=table, act=act))


def keep_after_migrating(using: str, **_about: Any) -> None:
    """After each migration: make the triggers that are missing, once the tables are there."""
    from django.db import connections  # noqa: PLC0415

    connection = connections[using]
    if {*TABLES, OPENING} <= set(connection.introspection.table_names()):
        keep(connection)

"""The first rows of several queries and how many each finds, in one statement.

As SQL, because a union of bounded queries is beyond the ORM on SQLite. Each part stops as soon as it has what is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Slice:
    """The ids of the first rows, in no order, and the number of rows; one more than the limit means more than that."""

    ids: Sequence[UUID]
    count: int


def read_slices(parts: Sequence[QuerySet[Any]], sizes: Sequence[int], most: int) -> list[Slice]:
    """Return a slice for each of the ordered queries, whose keys are UUIDs: `sizes` ids, and a count up to `most` + 1."""
    pieces: list[str] = []
    parameters: list[Any] = []
    for number, (rows, size) in enumerate(zip(parts, sizes, strict=True)):
        try:
            ids, id_values = rows.values_list("pk")[:size].query.sql_with_params()
            all_ids, all_values = rows.order_by().values_list("pk")[: most + 1].query.sql_with_params()
        except EmptyResultSet:
            continue
        pieces.append(f"SELECT {number} AS part, s.*, 0 AS number FROM ({ids}) s")  # noqa: S608 - compiled by the ORM
        pieces.append(f"SELECT {number}, NULL, COUNT(*) FROM ({all_ids}) s")  # noqa: S608 - compiled by the ORM
        parameters += [*id_values, *all_values]
    found: list[list[UUID]] = [[] for _ in parts]
    counts = [0] * len(parts)
    if pieces:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(pieces), parameters)
            for number, pk, count in cursor.fetchall():
                if pk is None:
                    counts[number] = count
                else:
                    found[number].append(pk if isinstance(pk, UUID) else UUID(pk))
    return [Slice(ids, count) for ids, count in zip(found, counts, strict=True)]

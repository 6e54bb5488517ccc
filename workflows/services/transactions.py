"""The edge of a transaction: what the databases ask to be tried again is tried again, from the start and a few times only."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.db import DatabaseError, OperationalError, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 5
# PostgreSQL: serialization failure, deadlock, lock not available.
RETRIED_STATES = {"40001", "40P01", "55P03"}
# PostgreSQL: the connection broke or could not be made, too many connections, the server stops or starts.
AWAY_CLASSES = ("08", "53", "57P")


def is_transient(error: Exception) -> bool:
    """Whether the same work may well succeed when it is done again."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state in RETRIED_STATES or (isinstance(error, OperationalError) and "database is locked" in str(error))


def is_away(error: Exception) -> bool:
    """Whether the database could not be reached or broke off; what was asked for was not done, or nobody knows."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(AWAY_CLASSES)


def in_transaction(function: Callable[P, R]) -> Callable[P, R]:
    """Run a service in one transaction; on a deadlock or a lock that was not to be had, run it again with some delay.

    Inside a transaction of the caller it runs once: only the outermost may be repeated.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            with transaction.atomic():
                return function(*args, **kwargs)
        for attempt in range(1, TRIES + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except DatabaseError as error:
                if attempt == TRIES or not is_transient(error):
                    raise
                time.sleep(random.uniform(0.01, 0.05 * 2**attempt))  # noqa: S311 - jitter, no secret
        raise AssertionError("unreachable")

    return run

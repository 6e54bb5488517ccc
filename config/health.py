"""Health for supervisors and load balancers: is the process up, and can it serve."""

import threading

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

_complete = threading.Event()


@require_safe
def answer_live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def answer_ready(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and has every migration, else 503 with the reason."""
    try:
        reason = "" if _is_migrated() else "the database lacks migrations; run manage.py migrate"
    except DatabaseError:
        reason = "the database does not answer"
    if reason:
        return JsonResponse({"status": "unavailable", "message": reason}, status=503)
    return JsonResponse({"status": "ok"})


def _is_migrated() -> bool:
    """Look for migrations until they are complete once; from then on a single cheap query."""
    if _complete.is_set():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    _complete.set()
    return True

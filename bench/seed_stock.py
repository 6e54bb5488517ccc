"""Fill the baseline's database; prints what a client needs as JSON. Run as `python -m bench.seed_stock ROWS`."""

import json
import sys
from datetime import timedelta
from uuid import uuid4

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from bench.shapes import mixed, wide_board
from bench.stock.models import Context, Execution, Membership, Organisation, Phase, Task, Template, Token


def seed(rows: int) -> dict[str, str]:
    organisation = Organisation.objects.create(name="Bench")
    user = User.objects.create_user("bench", "bench@bench.example")
    Membership.objects.create(organisation=organisation, user=user)
    template = Template.objects.create(organisation=organisation, name="Bench", definition=mixed())
    board = Template.objects.create(organisation=organisation, name="Board", definition=wide_board())
    entities = [str(uuid4()), str(uuid4())]
    fill(organisation, template, entities[0], rows)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return {
        "token": Token.objects.create(user=user, organisation=organisation).key,
        "session": str(session.session_key),
        "template": str(template.pk),
        "board": str(board.pk),
        "entity": entities[0],
        "listed": entities[1],
    }


def fill(organisation: Organisation, template: Template, entity: str, rows: int) -> None:
    """Executions that only lists meet: each with its context and its current task."""
    now = timezone.now()
    executions = [
        Execution(
            organisation=organisation,
            template=template,
            name=template.name,
            started_by="1",
            created_at=now - timedelta(days=1, seconds=number),
        )
        for number in range(rows)
    ]
    phases = [
        Phase(execution=e, template_id="p1", position=0, name="Phase 1", status="IN_PROGRESS", started_at=e.created_at)
        for e in executions
    ]
    tasks = [
        Task(
            execution=p.execution,
            phase=p,
            template_id="t1",
            position=0,
            name="Task t1",
            task_type="MANUAL",
            crt_since=p.started_at,
        )
        for p in phases
    ]
    Execution.objects.bulk_create(executions, 1000)
    Context.objects.bulk_create(
        [Context(execution=e, entity_id=entity, entity_schema="contact", is_primary=True) for e in executions], 1000
    )
    Phase.objects.bulk_create(phases, 1000)
    Task.objects.bulk_create(tasks, 1000)


if __name__ == "__main__":
    print(json.dumps(seed(int(sys.argv[1]))))

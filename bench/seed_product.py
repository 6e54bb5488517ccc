"""Fill the product's database; prints what a client needs as JSON. Run as `python -m bench.seed_product ROWS`."""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone

from bench.shapes import mixed, wide_board
from workflows.models import ActorKind, ContextRef, Entity, Execution, Membership, Organisation, Role, Task, User
from workflows.models.session import SessionStore
from workflows.permissions import Actor
from workflows.services.entities import create_entity
from workflows.services.executions import Context, StartRequest, start_execution
from workflows.services.templates import create_template
from workflows.services.tokens import create_token


def seed(rows: int) -> dict[str, str]:
    organisation = Organisation.objects.create(slug="bench", name="Bench")
    user = User.objects.create_user("bench@bench.example", None, name="Bench")
    Membership.objects.create(organisation=organisation, user=user, role=Role.OWNER)
    actor = Actor(organisation, ActorKind.USER, str(user.pk), Role.OWNER)
    template, board = create_template(actor, mixed()), create_template(actor, wide_board())
    entities = [create_entity(actor, "contact", {"first_name": "Ada", "last_name": name}) for name in ("Berg", "Tal")]
    fill(actor, template.id, entities[0], rows)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return {
        "token": create_token(organisation, "bench", Role.INTEGRATION)[1],
        "session": str(session.session_key),
        "template": template.id,
        "board": board.id,
        "entity": str(entities[0].id),
        "listed": str(entities[1].id),
    }


def fill(actor: Actor, template_id: str, entity: Entity, rows: int) -> None:
    """Executions that only lists meet: each with its context and its current task."""
    first = start_execution(actor, StartRequest(template_id, [Context(str(entity.id), "contact", True)]))
    task = Task.objects.get(execution=first, template_id="t1")
    executions, contexts, tasks = [], [], []
    for number in range(rows):
        at = timezone.now() - timedelta(days=1, seconds=number)
        fields = {f.attname: getattr(first, f.attname) for f in Execution._meta.concrete_fields if f.name != "id"}
        execution = Execution(**fields | {"created_at": at})
        executions.append(execution)
        contexts.append(
            ContextRef(
                execution_id=execution.id,
                organisation_id=first.organisation_id,
                position=0,
                entity_id=entity.id,
                entity_schema="contact",
                is_primary=True,
            )
        )
        copied = {f.attname: getattr(task, f.attname) for f in Task._meta.concrete_fields if f.name != "id"}
        tasks.append(Task(**copied | {"execution_id": execution.id}))
    Execution.objects.bulk_create(executions, 1000)
    ContextRef.objects.bulk_create(contexts, 1000)
    Task.objects.bulk_create(tasks, 1000)


if __name__ == "__main__":
    print(json.dumps(seed(int(sys.argv[1]))))

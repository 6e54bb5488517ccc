"""Doing the action of a job: what its type calls for outside of transactions, and what it writes in the one that ends the job."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from workflows.automations import assign, cancel_flow, custom, email, event, map_entity, start_flow, webhook
from workflows.automations.situation import ActionType, CannotDo, Situation
from workflows.models import AutomationAction, Job
from workflows.permissions import Actor
from workflows.sealing import Unreadable
from workflows.services.automation_run import Outcome, failed, skipped
from workflows.services.automation_runs import begin_action, record_action

ACTIONS: dict[str, ActionType] = {
    "assign-entity": assign.ACTION,
    "cancel-flow-execution": cancel_flow.ACTION,
    "custom-action": custom.ACTION,
    "map-entity": map_entity.ACTION,
    "send-email": email.ACTION,
    "trigger-event": event.ACTION,
    "trigger-webhook": webhook.ACTION,
    "trigger-workflow": start_flow.ACTION,
}


@dataclass(frozen=True, slots=True)
class Begun:
    """An action under way; `outcome` is None when it is yet to be done, in the transaction that records it."""

    situation: Situation
    outcome: Outcome | None


def call_action(actor: Actor, job: Job) -> Begun | None:
    """Begin the action of a job, and do what of it talks to the outside. None: there is nothing to do any more."""
    begun = begin_action(job)
    if begun is None:
        return None
    situation = Situation(*begun, job)
    kind = ACTIONS.get(situation.action.type)
    if kind is None:
        name = situation.action.type or "without a type"
        return Begun(situation, skipped(f"Actions {name} are not supported, so this one was passed over"))
    if kind.call is None:
        return Begun(situation, None)
    try:
        return Begun(situation, kind.call(situation))
    except (CannotDo, Unreadable) as error:
        return Begun(situation, _failure(error))


def record_result(actor: Actor, job: Job, begun: Begun | None) -> None:
    """Write what came of it. What the action writes itself is undone when it cannot be done, and its failure is kept."""
    if begun is not None:
        record_action(actor, job, lambda: begun.outcome or _apply(begun.situation))


def _apply(situation: Situation) -> Outcome:
    apply = ACTIONS[situation.action.type].apply
    if apply is None:
        return failed("INTERNAL_ERROR", "The action came to nothing")
    try:
        with transaction.atomic():
            return apply(situation)
    except (CannotDo, Unreadable) as error:
        return _failure(error)


def _failure(error: CannotDo | Unreadable) -> Outcome:
    if isinstance(error, CannotDo):
        return failed(error.code, str(error), **error.info)
    return failed("BAD_CONFIG", str(error))


def give_up_action(actor: Actor, job: Job, reason: str) -> None:
    """The tries of a job are used up: its action has failed."""
    row = AutomationAction.objects.filter(execution_id=job.payload["automation_id"], job_id=job.pk).first()
    kind: Any = ACTIONS.get(row.type) if row else None
    record_action(actor, job, lambda: failed(kind.error_code if kind else "INTERNAL_ERROR", reason))

"""The trail: every change of what is configured is in it, with who and from where, and nothing is taken out of it."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from tests import factories
from tests.api.client import Client
from workflows.models import ApiToken, AuditEntry, AuditOpening, ClosingReason, Event, Membership, Organisation, Role, Webhook
from workflows.models.audit import MASK
from workflows.origin import Origin, present, working_for
from workflows.permissions import Actor
from workflows.services import webhooks
from workflows.services.executions import delete_execution
from workflows.services.forgetting import forgetting
from workflows.services.tokens import create_token, revoke_token


def entries(**wanted: Any) -> list[tuple[str, Any, Any]]:
    return list(AuditEntry.objects.filter(**wanted).order_by("id").values_list("action", "before", "after"))


def test_a_request_writes_who_did_what_from_where(api: Client, organisation: Organisation) -> None:
    answer = api.post("/v1/workflows/closing-reasons", {"title": "Moved"}, User_Agent="tester/1")
    entry = AuditEntry.objects.get(action="closingreason.created")
    assert entry.organisation_id == organisation.pk
    assert (entry.actor_kind, entry.actor_id) == ("token", api.bearer.partition(".")[0])
    assert (entry.address, entry.device) == ("127.0.0.1", "tester/1")
    assert entry.request_id == answer.headers["X-Request-Id"]
    assert entry.after["title"] == "Moved"


def test_what_is_saved_without_a_change_is_not_told(organisation: Organisation) -> None:
    reason = ClosingReason.objects.create(organisation=organisation, title="Moved")
    before = AuditEntry.objects.count()
    reason.save()
    ClosingReason.objects.update(title="Moved")
    assert AuditEntry.objects.count() == before


def test_only_what_differs_is_told_whoever_changes_it(organisation: Organisation) -> None:
    reason = ClosingReason.objects.create(organisation=organisation, title="Moved")
    reason.title = "Moved away"
    reason.save()
    ClosingReason.objects.filter(organisation=organisation).update(position=7)
    reason.delete()
    assert entries(action="closingreason.changed") == [
        ("closingreason.changed", {"title": "Moved"}, {"title": "Moved away"}),
        ("closingreason.changed", {"position": reason.position}, {"position": 7}),
    ]
    assert len(entries(action="closingreason.deleted")) == 1


def test_many_rows_deleted_at_once_are_told_one_by_one(organisation: Organisation) -> None:
    for title in ("a", "b"):
        ClosingReason.objects.create(organisation=organisation, title=title)
    ClosingReason.objects.filter(organisation=organisation).delete()
    assert len(entries(action="closingreason.deleted")) == 2


def test_secrets_are_masked(actor: Actor) -> None:
    webhook, secret = webhooks.create_webhook(actor, {"name": "x", "url": "https://example.com/", "eventName": "e"})
    webhooks.rotate_secret(actor, webhook.pk)
    token, bearer = create_token(actor.organisation, "t", Role.MEMBER)
    kept = Webhook.objects.get(pk=webhook.pk)
    told = str(list(AuditEntry.objects.values_list("before", "after")))
    for opens in (secret, kept.signing_secret, kept.previous_secret, bearer.partition(".")[2], token.secret_hash):
        assert opens not in told
    assert entries(action="webhook.created")[0][2]["signing_secret"] == MASK
    rotated = entries(action="webhook.changed")[0]
    assert rotated[2]["signing_secret"] == rotated[1]["signing_secret"] == MASK


def test_tokens_members_and_accounts_are_in_the_trail(organisation: Organisation) -> None:
    person = factories.make_user(organisation, "nina@acme.example", "Nina")
    Membership.objects.filter(user=person).update(role=Role.MANAGER)
    token, _bearer = create_token(organisation, "t", Role.MEMBER)
    revoke_token(token)
    found = [action for action, _before, _after in entries(organisation=organisation)]
    assert found == [
        "organisation.created",
        "membership.created",
        "membership.changed",
        "apitoken.created",
        "apitoken.changed",
    ]
    assert [action for action, _b, _a in entries(subject_id=str(person.pk), action__startswith="user.")] == ["user.created"]
    assert "password" in entries(action="user.created")[0][2]
    assert entries(action="user.created")[0][2]["password"] == MASK


def test_the_use_of_a_token_is_no_change_of_it(api: Client) -> None:
    api.get("/v1/workflows/closing-reasons")
    assert ApiToken.objects.get().last_used_on is not None
    assert not entries(action="apitoken.changed")


def test_what_is_rolled_back_is_not_in_the_trail(organisation: Organisation) -> None:
    before = AuditEntry.objects.count()
    with transaction.atomic():
        ClosingReason.objects.create(organisation=organisation, title="never")
        transaction.set_rollback(True)
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("model", [AuditEntry, Event])
def test_the_database_refuses_to_change_or_delete_what_was_written(actor: Actor, model: Any) -> None:
    factories.start(actor)
    before = list(model.objects.order_by("pk").values())
    assert before
    for act in (lambda: model.objects.update(actor_id="somebody else"), lambda: model.objects.all()._raw_delete("default")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()
    assert list(model.objects.order_by("pk").values()) == before


def test_while_it_is_opened_the_trail_can_be_shortened_and_afterwards_not(actor: Actor) -> None:
    with forgetting("a test"):
        AuditEntry.objects.all().delete()
    assert not AuditOpening.objects.exists()
    ClosingReason.objects.create(organisation=actor.organisation, title="x")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_the_history_of_executions_says_from_where(api: Client, actor: Actor) -> None:
    execution = factories.start(actor)
    task = factories.task_of(execution, "t1")
    path = f"/v2/flows/executions/{execution.id}/tasks/{task.id}"
    answer = api.patch(path, {"status": "COMPLETED"})
    events = Event.objects.filter(execution=execution, request_id=answer.headers["X-Request-Id"])
    assert events.count() >= 2
    assert set(events.values_list("address", flat=True)) == {"127.0.0.1"}
    assert not AuditEntry.objects.filter(request_id=answer.headers["X-Request-Id"]).exists()


def test_an_execution_that_is_deleted_for_good_is_told_of(actor: Actor) -> None:
    execution = factories.start(actor)
    delete_execution(actor, execution.id, soft=False)
    assert not Event.objects.filter(execution_id=execution.id).exists()
    assert AuditEntry.objects.get(action="execution.deleted").subject_id == str(execution.id)


def test_outside_of_a_request_there_is_no_origin() -> None:
    assert present() == Origin()
    with working_for(Origin("r1")):
        assert present().request_id == "r1"
    assert present() == Origin()

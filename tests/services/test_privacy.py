"""What is kept about a person is told, and forgotten; what is old enough is forgotten. Facts and their order stay."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.dump import dump
from workflows.models import (
    Assignment,
    AuditEntry,
    AuditOpening,
    Comment,
    Delivery,
    Event,
    Execution,
    Job,
    JobState,
    Membership,
    Organisation,
    Role,
    Session,
    Share,
    User,
)
from workflows.permissions import Actor
from workflows.services import sharing
from workflows.services.comments import add_comment
from workflows.services.executions import delete_execution, patch_execution
from workflows.services.preferences import save_preferences
from workflows.services.retention import forget_what_is_old
from workflows.services.sharing import NewShare
from workflows.services.tasks import patch_task
from workflows.services.tokens import create_token

EMAIL, NAME = "juergen@acme.example", "Jürgen O'Hara"
PASSWORD = "correct horse battery"


@pytest.fixture
def person(organisation: Organisation, actor: Actor) -> User:
    """Somebody who has left traces of every kind."""
    user = factories.make_user(organisation, EMAIL, NAME, Role.MANAGER)
    own = factories.actor_of(user, organisation)
    client = Client(REMOTE_ADDR="192.0.2.77", headers={"User-Agent": "Traceable/1"})
    client.post("/login", {"username": EMAIL, "password": "wrong"})
    client.post("/login", {"username": EMAIL, "password": PASSWORD})
    save_preferences(user, theme="dark")
    create_token(organisation, "ERP", Role.MEMBER, created_by=user)
    execution = factories.start(own)
    task = factories.task_of(execution, "t1")
    patch_task(own, execution.id, task.id, {"assigned_to": [str(user.pk)]})
    add_comment(own, execution.id, f"Yours, {NAME} ({EMAIL}). Jürgen O'Haras are others.")
    add_comment(actor, execution.id, f"@{NAME} please look")
    sharing.share_execution(actor, execution.id, NewShare(email=EMAIL))
    User.objects.filter(pk=user.pk).update(name=NAME)
    return user


def everything() -> dict[str, str]:
    """All rows of each table as text."""
    rows: dict[str, Any] = dump() | {"axes": list(AccessAttempt.objects.values())}
    return {table: json.dumps(found, default=str, ensure_ascii=False) for table, found in rows.items()}


def test_all_that_is_kept_about_a_person_is_told_without_what_opens_doors(person: User, capsys: Any) -> None:
    factories.make_entity(factories.actor_of(person, Membership.objects.get(user=person).organisation), email=EMAIL)
    call_command("privacy", "export", EMAIL.upper())
    found = json.loads(capsys.readouterr().out)
    assert (found["account"]["email"], found["account"]["name"]) == (EMAIL, NAME)
    empty = {name for name, rows in found.items() if not rows}
    assert empty == {"second_factor", "failures_to_sign_in"}, "a success has made the failures good"
    assert found["sessions"][0]["address"] == "192.0.2.77"
    assert {"execution.started", "comment.added"} & {row["action"] for row in found["history"]}
    assert person.password not in str(found)
    assert AuditEntry.objects.get(action="privacy.exported").subject_id == str(person.pk)


def test_a_person_is_erased_and_what_they_did_stays_in_its_order(person: User, actor: Actor, capsys: Any) -> None:
    before = list(Event.objects.order_by("pk").values_list("pk", "execution_id", "seq", "at", "actor_kind", "actor_id", "action"))
    acts = list(AuditEntry.objects.order_by("pk").values_list("pk", "at", "actor_id", "action"))
    call_command("privacy", "erase", EMAIL)
    for trace in (EMAIL, NAME, "Traceable", "192.0.2.77"):
        for table, rows in everything().items():
            assert trace not in rows.replace("Jürgen O'Haras", ""), f"{trace} in {table}"
    after = Event.objects.order_by("pk").values_list("pk", "execution_id", "seq", "at", "actor_kind", "actor_id", "action")
    assert list(after) == before
    kept = list(AuditEntry.objects.order_by("pk").values_list("pk", "at", "actor_id", "action"))
    assert kept[: len(acts)] == acts
    assert [action for _pk, _at, _actor, action in kept[len(acts) :]] == ["membership.deleted", "privacy.erased"]
    assert not AuditOpening.objects.exists()
    assert "Jürgen O'Haras are others" in Comment.objects.get(author=person).text


def test_nobody_signs_in_as_who_was_erased_nor_comes_in_by_what_was_open(person: User) -> None:
    client = Client()
    client.force_login(person)
    call_command("privacy", "erase", EMAIL)
    assert client.get("/").status_code == 302
    assert Client().post("/login", {"username": EMAIL, "password": PASSWORD}).status_code == 200
    user = User.objects.get(pk=person.pk)
    assert [user.is_active, user.has_usable_password(), user.is_staff] == [False] * 3
    assert (Session.objects.filter(user=person).count(), Membership.objects.filter(user=person).count()) == (0, 0)
    assert not Share.objects.filter(revoked_at=None).exists()


def test_the_history_of_others_is_left_as_it_was(person: User, actor: Actor) -> None:
    other = factories.start(actor)
    task = factories.task_of(other, "t1")
    patch_task(actor, other.id, task.id, {"status": "COMPLETED"})
    before = list(Event.objects.filter(execution=other).order_by("pk").values())
    call_command("privacy", "erase", EMAIL)
    assert list(Event.objects.filter(execution=other).order_by("pk").values()) == before


def test_after_an_erasure_the_database_refuses_changes_as_before(person: User) -> None:
    call_command("privacy", "erase", EMAIL)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(subject="x")


def test_an_only_owner_is_not_erased(actor: Actor) -> None:
    before = dump()
    with pytest.raises(CommandError, match="only owner of acme"):
        call_command("privacy", "erase", "mara@acme.example")
    assert dump() == before


def test_an_address_that_nobody_has_is_said_so(organisation: Organisation) -> None:
    for act in ("export", "erase"):
        with pytest.raises(CommandError, match="no account"):
            call_command("privacy", act, "nobody@acme.example")


def test_who_has_an_assignment_by_address_is_named_by_the_pseudonym(person: User, actor: Actor) -> None:
    execution = factories.start(actor)
    patch_execution(actor, execution.id, {"assigned_to": [EMAIL]})
    call_command("privacy", "erase", EMAIL)
    assert list(Assignment.objects.filter(execution=execution, task=None, phase=None).values_list("assignee", flat=True)) == [
        f"erased-{person.pk}@erased.invalid"
    ]


class TestRetention:
    LATER = timedelta(days=400)

    def test_by_default_everything_but_sessions_that_have_run_out_is_kept(self, person: User, actor: Actor) -> None:
        execution = factories.start(actor)
        delete_execution(actor, execution.id, soft=True)
        before = dump()
        sessions = before.pop("workflows.Session")
        assert forget_what_is_old(timezone.now() + self.LATER) == {"sessions": len(sessions)}
        after = dump()
        assert after.pop("workflows.Session") == []
        assert after == before

    def test_what_is_named_is_forgotten_after_its_days_and_says_so(self, actor: Actor, settings: Any) -> None:
        settings.RETENTION = {"executions": 365, "audit": 365, "deliveries": 365}
        running, ended, hidden = (factories.start(actor, factories.sequence(1)) for _ in range(3))
        patch_task(actor, ended.id, factories.task_of(ended, "t1").id, {"status": "COMPLETED"})
        delete_execution(actor, hidden.id, soft=True)
        job = Job.objects.create(organisation=actor.organisation, kind="x", state=JobState.DONE, finished_at=timezone.now())
        waits = Job.objects.create(organisation=actor.organisation, kind="y")
        Delivery.objects.create(job=job, attempt=1, target="x", started_at=timezone.now())
        assert set(forget_what_is_old(timezone.now() + timedelta(days=300)).values()) == {0}
        with time_machine.travel(timezone.now() + self.LATER):
            found = forget_what_is_old()
        assert found["executions"] == 2
        assert found["deliveries"] >= 1
        assert found["audit"] >= 1
        assert set(Execution.objects.values_list("pk", flat=True)) == {running.pk}
        assert not Job.objects.filter(pk=job.pk).exists()
        assert Job.objects.filter(pk=waits.pk).exists()
        actions = set(AuditEntry.objects.values_list("action", flat=True))
        assert {"audit.shortened", "retention.deliveries"} <= actions

    def test_the_command_goes_on_until_nothing_is_old_any_more(self, actor: Actor, settings: Any, capsys: Any) -> None:
        for number in range(450):
            Session.objects.create(session_key=f"{number:040}", expire_date=datetime(2026, 1, 1, tzinfo=UTC))
        call_command("privacy", "retain")
        assert json.loads(capsys.readouterr().out)["sessions"] == 450
        assert connection.in_atomic_block

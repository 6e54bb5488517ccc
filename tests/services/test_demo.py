"""The demo is real: made through the services, once, and nothing of it lies in the future."""

import pytest
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.utils import timezone

from tests import factories
from tests.dump import dump
from workflows.demo.load import load_demo
from workflows.models import ActorKind, ClosingReason, Entity, Event, Execution, FlowTemplate, Organisation, Task, User
from workflows.permissions import Actor
from workflows.services.automation_runs import resume_run
from workflows.services.tasks import patch_task


@pytest.mark.django_db
def test_it_loads_once_and_is_whole() -> None:
    now = timezone.now()
    assert load_demo(now)
    before = dump()
    assert not load_demo(timezone.now())
    assert dump() == before
    assert Execution.objects.count() == 63
    assert set(Execution.objects.values_list("status", flat=True)) == {"STARTED", "DONE", "CLOSED"}
    assert {"PENDING", "IN_PROGRESS", "ON_HOLD", "COMPLETED", "SKIPPED"} <= set(Task.objects.values_list("status", flat=True))
    assert Task.objects.filter(status="SCHEDULED", scheduled_at__gt=now).exists()
    assert not Task.objects.filter(scheduled_at__lte=now, execution__status="STARTED").exists()
    assert Event.objects.filter(at__gt=now).count() == 0
    assert Execution.objects.filter(created_at__gt=now).count() == 0
    assert ClosingReason.objects.filter(status="INACTIVE").count() == 1
    assert User.objects.count() == 8
    grid = Execution.objects.filter(template__name="Grid Connection").first()
    assert grid is not None
    assert (grid.phases.count(), grid.tasks.count() >= 25) == (5, True)
    for execution in Execution.objects.all():
        numbers = list(execution.events.order_by("seq").values_list("seq", "at"))
        assert [number for number, _ in numbers] == list(range(1, len(numbers) + 1))
        moments = [at for _, at in numbers]
        assert moments == sorted(moments)


@pytest.mark.django_db
def test_its_automations_run_without_a_network(mailoutbox: list[EmailMessage]) -> None:
    load_demo(timezone.now())
    factories.run_jobs()
    flows = Execution.objects.filter(template__name="Customer Onboarding")
    assert len(mailoutbox) == 3
    assert "Dear Amelie Fischer," in next(mail.body for mail in mailoutbox if mail.to == ["amelie.fischer@mail.example"])
    flow = flows.order_by("id")[0]
    owner = Actor(flow.organisation, ActorKind.SYSTEM)
    assert factories.current(flow) == ["call"]
    patch_task(owner, flow.id, factories.task_of(flow, "call").id, {"status": "COMPLETED"})
    factories.run_jobs()
    assert factories.task_of(flow, "consent").status == "WAITING_FOR_CONFIRMATION"
    resume_run(str(mailoutbox[-1].body).split("/confirm/")[1].split()[0])
    factories.run_jobs()
    patch_task(owner, flow.id, factories.task_of(flow, "tariff").id, {"status": "COMPLETED"})
    factories.run_jobs()
    flow.refresh_from_db()
    assert flow.status == "DONE"
    contact = Entity.objects.get(pk=flow.contexts.get().entity_id)
    assert (contact.attributes["onboarding"], contact.attributes["tags"]) == ("done", ["remote meter"])


@pytest.mark.django_db
def test_if_empty_leaves_an_organisation_alone() -> None:
    Organisation.objects.create(slug="mine", name="Mine")
    call_command("demo", "--if-empty")
    assert not FlowTemplate.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_load_that_breaks_off_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.demo.load.EXECUTIONS", 3)
    monkeypatch.setattr("workflows.demo.work.Worker.leave_behind", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load_demo(timezone.now())
    assert not Organisation.objects.exists()

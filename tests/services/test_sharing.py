"""Sharing: what a partner sees and may do, and that nothing is left of it once a share has ended."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from workflows.models import ActorKind, Assignment, Event, Execution, Organisation, Role, Share, Task
from workflows.permissions import Actor, PermissionRefused
from workflows.services import sharing
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.executions import find_execution
from workflows.services.reading import read_execution
from workflows.services.schedules import execute_task
from workflows.services.sharing import NewShare
from workflows.services.task_query import TaskQuery, find_tasks
from workflows.services.tasks import patch_task
from workflows.services.tokens import create_token

pytestmark = pytest.mark.django_db

PARTNER = {"enabled": True, "label": "Mount the meter", "description": "Bring a ladder"}
SECRETS = ("Task t1", "Task t2", "Task t3", "Berg", "Ada", "Mara", "secret note")


def shared_flow(actor: Actor) -> Execution:
    """t1 is current and for partners; t2 is not; t3 is for partners later on."""
    data = factories.sequence(3)
    data["tasks"][0] |= {"partner": PARTNER, "description": {"enabled": True, "value": "secret note"}}
    data["tasks"][2] |= {"partner": {"enabled": True}}
    return factories.start(actor, data)


@pytest.fixture
def partner(db: None) -> Organisation:
    return factories.make_organisation("fitters")


@pytest.fixture
def fitter(partner: Organisation) -> Actor:
    return factories.actor_of(factories.make_user(partner, "fit@fitters.example", "Fritz", Role.MEMBER), partner)


@pytest.fixture
def flow(actor: Actor) -> Execution:
    return shared_flow(actor)


@pytest.fixture
def share(actor: Actor, flow: Execution, partner: Organisation) -> Share:
    return sharing.share_execution(actor, flow.id, NewShare(partner="fitters"))


@pytest.fixture
def guest(share: Share, fitter: Actor) -> Actor:
    return sharing.guest_of(fitter, "acme")


@pytest.fixture
def partner_api(partner: Organisation) -> Client:
    return Client(create_token(partner, "fitters", Role.INTEGRATION)[1])


def seen(guest: Actor) -> list[str]:
    return [record["template_id"] for record in find_tasks(guest, TaskQuery(size=50)).records][::-1]


def test_a_partner_sees_the_tasks_that_are_for_partners(guest: Actor) -> None:
    assert sorted(seen(guest)) == ["t1", "t3"]


def test_a_partner_sees_what_is_assigned_to_them_too(guest: Actor, flow: Execution) -> None:
    task = factories.task_of(flow, "t2")
    Assignment.objects.create(execution=flow, organisation=flow.organisation, task=task, assignee="fitters", position=0)
    assert sorted(seen(guest)) == ["t1", "t2", "t3"]


def test_a_partner_is_told_their_words_and_nothing_else(guest: Actor, flow: Execution) -> None:
    document = read_execution(guest, flow.id)[1].decode()
    assert [task["name"] for task in orjson.loads(document)["tasks"]] == ["Mount the meter", "Task t3"]
    assert "Bring a ladder" in document
    records = orjson.dumps(find_tasks(guest, TaskQuery(size=50)).records).decode()
    for text in (document, records):
        assert not [word for word in ("Task t1", "Task t2", "secret note", "Mara", guest.organisation.name) if word in text]


def test_a_task_that_is_opened_for_partners_later_is_seen(actor: Actor, guest: Actor, flow: Execution) -> None:
    patch_task(actor, flow.id, factories.task_of(flow, "t2").id, {"partner": {"enabled": True}})
    patch_task(actor, flow.id, factories.task_of(flow, "t3").id, {"partner": {"enabled": False}})
    assert sorted(seen(guest)) == ["t1", "t2"]


def test_a_partner_finishes_what_is_current_and_does_nothing_else(actor: Actor, guest: Actor, flow: Execution) -> None:
    first, later = factories.task_of(flow, "t1").id, factories.task_of(flow, "t3").id
    before = dump()
    for task, patch in (
        (first, {"name": "x"}),
        (first, {"status": "SKIPPED"}),
        (first, {"status": "COMPLETED", "due_date": "2030-01-01"}),
        (first, {"status": "COMPLETED", "assigned_to": ["x"]}),
        (later, {"status": "COMPLETED"}),
    ):
        with pytest.raises(PermissionRefused):
            patch_task(guest, flow.id, task, patch)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        patch_task(guest, flow.id, factories.task_of(flow, "t2").id, {"status": "COMPLETED"})
    with pytest.raises(PermissionRefused):
        execute_task(guest, flow.id, first)
    assert dump() == before
    patch_task(guest, flow.id, first, {"status": "COMPLETED"})
    assert factories.current(flow) == ["t2"]
    event = Event.objects.filter(execution=flow, action="task.status").latest("seq")
    assert (event.actor_kind, event.actor_id) == (ActorKind.USER, guest.id)


def test_who_may_only_look_in_their_own_organisation_only_looks(
    actor: Actor, share: Share, partner: Organisation, flow: Execution
) -> None:
    viewer = factories.actor_of(factories.make_user(partner, "v@fitters.example", "V", Role.VIEWER), partner)
    guest = sharing.guest_of(viewer, "acme")
    assert sorted(seen(guest)) == ["t1", "t3"]
    with pytest.raises(PermissionRefused):
        patch_task(guest, flow.id, factories.task_of(flow, "t1").id, {"status": "COMPLETED"})


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_nothing_is_left_once_a_share_has_ended(
    actor: Actor, guest: Actor, share: Share, flow: Execution, fitter: Actor, end: str
) -> None:
    if end == "revoked":
        sharing.revoke_share(actor, share.id)
    else:
        Share.objects.filter(pk=share.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    before = dump()
    assert seen(guest) == []
    for attempt in (
        lambda: find_execution(guest, flow.id),
        lambda: read_execution(guest, flow.id),
        lambda: patch_task(guest, flow.id, factories.task_of(flow, "t1").id, {"status": "COMPLETED"}),
        lambda: sharing.guest_of(fitter, "acme"),
        lambda: sharing.read_link(sharing.make_link(share)),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert dump() == before


def test_sharing_an_entity_shares_all_executions_about_it_also_later_ones(actor: Actor, flow: Execution, fitter: Actor) -> None:
    entity = flow.contexts.get().entity_id
    sharing.share_entity(actor, entity, NewShare(partner="fitters"))
    guest = sharing.guest_of(fitter, "acme")
    assert sorted(seen(guest)) == ["t1", "t3"]
    shared_flow(actor)
    assert sorted(seen(guest)) == ["t1", "t3"]


def test_nothing_else_of_the_organisation_is_shared(actor: Actor, guest: Actor) -> None:
    other = shared_flow(actor)
    assert len(seen(guest)) == 2
    with pytest.raises(NotFound):
        find_execution(guest, other.id)


def test_a_partner_is_not_told_by_filters_what_they_may_not_see(guest: Actor) -> None:
    from workflows.services.task_filters import parse_filter

    for key in ("name", "completed_by", "phase_name", "assigned_to", "execution_name"):
        group = parse_filter({"items": [{"key": key, "operator": "CONTAINS", "value": "T"}], "combination": "AND"}, "filters")
        with pytest.raises(InvalidInput):
            find_tasks(guest, TaskQuery([group]))
        with pytest.raises(InvalidInput):
            find_tasks(guest, TaskQuery(sort_field=key))


# Over REST


def test_a_partners_token_reads_and_finishes_what_is_shared(partner_api: Client, share: Share, flow: Execution) -> None:
    header = {"x_epilot_org_id": "acme"}
    found = partner_api.post("/v1/kanban/query/flows:execute", {"size": 50}, **header).json
    assert sorted(record["name"] for record in found["results"]) == ["Mount the meter", "Task t3"]
    assert {record["context_entity"]["title"] for record in found["results"]} == {"Ada Berg"}
    first = factories.task_of(flow, "t1")
    address = f"/v2/flows/executions/{flow.id}"
    read = partner_api.get(address, **header)
    assert (read.status, len(read.json["tasks"])) == (200, 2)
    assert partner_api.patch(f"{address}/tasks/{first.id}", {"name": "x"}, **header).status == 403
    done = partner_api.patch(f"{address}/tasks/{first.id}", {"status": "COMPLETED"}, **header)
    assert (done.status, done.json["name"], done.json["status"]) == (200, "Mount the meter", "COMPLETED")
    assert not [word for word in SECRETS if word in read.body.decode() + done.body.decode() and word != "Task t3"]


def test_without_the_header_a_partners_token_sees_its_own_organisation_only(
    partner_api: Client, share: Share, flow: Execution
) -> None:
    assert partner_api.get(f"/v2/flows/executions/{flow.id}").status == 404


def test_a_partner_is_refused_everything_else(partner_api: Client, share: Share, flow: Execution) -> None:
    header = {"x_epilot_org_id": "acme"}
    before = dump()
    for address in ("/v1/workflows/executions", f"/v1/workflows/executions/{flow.id}", "/v2/flows/templates", "/v1/entity/contact/x", "/v1/kanban/boards", "/v1/automation/flows", "/v1/webhooks/configs"):  # fmt: skip
        assert partner_api.get(address, **header).status in (403, 404, 405), address
    entity = flow.contexts.get().entity_id
    assert partner_api.get(f"/v1/entity/contact/{entity}", **header).status == 403
    assert partner_api.patch(f"/v2/flows/executions/{flow.id}", {"status": "CLOSED"}, **header).status == 403
    assert partner_api.delete(f"/v2/flows/executions/{flow.id}", **header).status == 403
    assert dump() == before


@pytest.mark.parametrize("slug", ["nobody", "other"])
def test_an_organisation_that_shares_nothing_is_not_told_from_one_that_is_not_there(
    partner_api: Client, share: Share, other_organisation: Organisation, slug: str
) -> None:
    answer = partner_api.get("/v2/flows/executions/x", x_epilot_org_id=slug)
    assert (answer.status, answer.message) == (404, partner_api.get("/v2/flows/executions/x").message)


# Making shares


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewShare(), "email"),
        (NewShare(partner="fitters", email="a@b.example"), "email"),
        (NewShare(partner="acme"), "partner"),
        (NewShare(partner="nobody"), "partner"),
        (NewShare(email="no mail"), "email"),
        (NewShare(audience="all"), "audience"),
        (NewShare(email="a@b.example", expires_at=timezone.now() - timedelta(days=1)), "expires_at"),
        (NewShare(email="a@b.example", expires_at=timezone.now() + timedelta(days=1000)), "expires_at"),
    ],
)
def test_a_share_that_makes_no_sense_is_refused_by_name(
    actor: Actor, flow: Execution, partner: Organisation, new: NewShare, field: str
) -> None:
    before = dump()
    with pytest.raises(InvalidInput) as refused:
        sharing.share_execution(actor, flow.id, new)
    assert refused.value.field == field
    assert dump() == before


def test_only_who_may_share_shares(actor: Actor, organisation: Organisation, flow: Execution, share: Share) -> None:
    member = factories.actor_of(factories.make_user(organisation, "n@acme.example", "N", Role.MEMBER), organisation)
    before = dump()
    for attempt in (
        lambda: sharing.share_execution(member, flow.id, NewShare(partner="fitters")),
        lambda: sharing.share_entity(member, flow.contexts.get().entity_id, NewShare(partner="fitters")),
        lambda: sharing.revoke_share(member, share.id),
        lambda: sharing.list_shares(member, flow.id),
    ):
        with pytest.raises(PermissionRefused):
            attempt()
    assert dump() == before


def test_what_belongs_to_others_is_not_shared_or_revoked(
    other_organisation: Organisation, actor: Actor, flow: Execution, share: Share
) -> None:
    stranger = factories.actor_of(factories.make_user(other_organisation, "x@other.example", "X", Role.OWNER), other_organisation)
    before = dump()
    for attempt in (
        lambda: sharing.share_execution(stranger, flow.id, NewShare(partner="acme")),
        lambda: sharing.share_entity(stranger, flow.contexts.get().entity_id, NewShare(partner="acme")),
        lambda: sharing.revoke_share(stranger, share.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert list(sharing.list_shares(stranger, flow.id)) == []
    assert dump() == before


# Invitations


def test_an_invitation_makes_an_account_that_sees_what_is_shared_and_belongs_nowhere(actor: Actor, flow: Execution) -> None:
    share = sharing.share_execution(actor, flow.id, NewShare(email="Ina@Fitters.example"))
    user = sharing.accept_anew(sharing.read_link(sharing.make_link(share)), "Ina", "a fine long passphrase")
    assert (user.email, sharing.is_partner_only(user)) == ("ina@fitters.example", True)
    host = sharing.find_host(sharing.person_guest(user, None), user, flow.organisation_id)
    assert sorted(seen(host)) == ["t1", "t3"]
    patch_task(host, flow.id, factories.task_of(flow, "t1").id, {"status": "COMPLETED"})
    with pytest.raises(NotFound):
        sharing.accept_anew(share, "Ina", "a fine long passphrase")


def test_an_invitation_is_for_its_own_address_only(actor: Actor, flow: Execution, fitter: Actor) -> None:
    from workflows.models import User

    share = sharing.share_execution(actor, flow.id, NewShare(email="ina@fitters.example"))
    before = dump()
    with pytest.raises(NotFound):
        sharing.accept_as(share, User.objects.get(pk=fitter.id))
    with pytest.raises(InvalidInput, match="password"):
        sharing.accept_anew(share, "Ina", "short")
    assert dump() == before


@pytest.mark.parametrize("token", ["", "x", "00000000000000000000000000000000:x", "a" * 5000, "\0"])
def test_a_link_that_is_not_ours_costs_no_query(token: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0), pytest.raises(NotFound):
        sharing.read_link(token)


def test_deleting_an_execution_for_good_takes_its_shares_along(actor: Actor, share: Share, flow: Execution) -> None:
    from workflows.services.executions import delete_execution

    delete_execution(actor, flow.id, soft=False)
    assert not Share.objects.exists()
    assert not Task.objects.exists()

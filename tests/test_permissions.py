"""Roles and grants: what each allows, under which conditions, and that all fronts ask the same module."""

from typing import Any

import orjson
import pytest

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from workflows.models import ActorKind, Assignment, CustomRole, Execution, Membership, Organisation, Role, User
from workflows.permissions import ACTIONS, BUILT_IN, UPDATE, VIEW, Actor, BadGrant, PermissionRefused, parse_grants
from workflows.services import roles
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.executions import find_execution, patch_execution
from workflows.services.reading import find_executions, read_execution, read_version
from workflows.services.searching import ExecutionSearch, TaskSearch, search_executions, search_tasks
from workflows.services.task_query import TaskQuery, find_tasks
from workflows.services.task_suggestions import suggest_values
from workflows.services.tasks import patch_task
from workflows.services.tokens import create_token
from workflows.services.workboard import Filters, Show, find_listed
from workflows.services.worklists import find_groups

pytestmark = pytest.mark.django_db

OWN_ONLY = [
    {"action": "workflow:execution:task:view_assigned"},
    {"action": "workflow:execution:task:update_assigned"},
    {"action": "kanban:view"},
]


def give(organisation: Organisation, grants: list[dict[str, Any]], slug: str = "special") -> None:
    CustomRole.objects.create(organisation=organisation, slug=slug, name="Special", grants=grants)


def person(organisation: Organisation, grants: list[dict[str, Any]], email: str = "sam@acme.example") -> Actor:
    """Somebody with a role of the organisation's own."""
    give(organisation, grants)
    user = factories.make_user(organisation, email, "Sam", "special")
    return Actor(organisation, ActorKind.USER, str(user.pk), "special", orjson.dumps(grants).decode())


def browser(client: Any, who: Actor) -> Any:
    client.force_login(User.objects.get(pk=who.id))
    return client


@pytest.fixture
def flow(actor: Actor) -> Execution:
    """Four tasks one after another; t2 is the person's with the special role, if there is one."""
    return factories.start(actor, factories.sequence(4))


def assign(execution: Execution, key: str, who: Actor) -> None:
    Assignment.objects.create(
        execution=execution,
        organisation=execution.organisation,
        task=factories.task_of(execution, key),
        assignee=who.id,
        position=0,
    )
    Execution.objects.filter(pk=execution.pk).update(version=execution.version + 1)


# Grants


def test_nothing_is_allowed_that_no_grant_allows(organisation: Organisation) -> None:
    nobody = Actor(organisation, ActorKind.USER, "1", "no such role")
    assert not [action for action in ACTIONS if nobody.may(action) or nobody.might(action)]


def test_the_built_in_roles_hold_one_another() -> None:
    held = {name: {action for action in ACTIONS if policy.reach(action).is_everything} for name, policy in BUILT_IN.items()}
    assert held[Role.VIEWER] < held[Role.MEMBER] < held[Role.MANAGER] < held[Role.OWNER] == set(ACTIONS)
    assert VIEW not in held[Role.PARTNER]
    assert held[Role.PARTNER] == {
        "workflow:execution:task:view_assigned",
        "workflow:execution:task:update_assigned",
        "workflow:execution:task:notes",
    }


@pytest.mark.parametrize(
    ("grants", "action", "expected"),
    [
        ([{"action": "workflow:*"}], "workflow:execution:view", True),
        ([{"action": "workflow:*"}], "workflows:x", False),
        ([{"action": "workflow:execution:*"}], "workflow:definition:view", False),
        ([{"action": "workflow:execution:view"}], "workflow:execution:view", True),
        ([{"action": "*"}, {"action": "workflow:execution:delete", "effect": "deny"}], "workflow:execution:delete", False),
        ([{"action": "workflow:execution:delete", "effect": "deny"}, {"action": "*"}], "workflow:execution:delete", False),
        ([{"action": "*"}, {"action": "workflow:execution:*", "effect": "deny"}], "workflow:definition:view", True),
    ],
)
def test_wildcards_and_denies(organisation: Organisation, grants: Any, action: str, expected: bool) -> None:
    who = Actor(organisation, ActorKind.USER, "1", "special", orjson.dumps(grants).decode())
    assert who.may(action) is expected


def test_a_right_under_conditions_is_none_without_a_thing(organisation: Organisation) -> None:
    grants = [{"action": VIEW, "conditions": [{"operation": "equals", "attribute": "execution_name", "values": ["x"]}]}]
    who = Actor(organisation, ActorKind.USER, "1", "special", orjson.dumps(grants).decode())
    assert (who.may(VIEW), who.might(VIEW)) == (False, True)


@pytest.mark.parametrize(
    ("grants", "path"),
    [
        ("all", "grants"),
        ([1], "grants[0]"),
        ([{"action": "workflow:nothing"}], "grants[0].action"),
        ([{"action": "entity-read"}], "grants[0].action"),
        ([{"action": VIEW, "effect": "maybe"}], "grants[0].effect"),
        ([{"action": VIEW, "resource": "entity:1"}], "grants[0].resource"),
        ([{"action": "kanban:view", "conditions": [{"operation": "equals_current_user"}]}], "grants[0].conditions"),
        ([{"action": VIEW, "conditions": [{"operation": "like"}]}], "grants[0].conditions[0].operation"),
        ([{"action": VIEW, "conditions": [{"operation": "equals", "attribute": "password", "values": ["x"]}]}], "grants[0].conditions[0].attribute"),
        ([{"action": VIEW, "conditions": [{"operation": "equals", "attribute": "status", "values": ["x"]}]}], "grants[0].conditions[0].attribute"),
        ([{"action": VIEW, "conditions": [{"operation": "equals", "attribute": "execution_name"}]}], "grants[0].conditions[0].values"),
        ([{"action": VIEW, "conditions": [{"operation": "equals", "attribute": "execution_name", "values": [{}]}]}], "grants[0].conditions[0].values"),
    ],
)  # fmt: skip
def test_grants_that_would_not_be_understood_are_refused_by_name(grants: Any, path: str) -> None:
    with pytest.raises(BadGrant) as refused:
        parse_grants(grants)
    assert refused.value.path == path


# Conditions over rows


def names_seen(who: Actor) -> list[str]:
    return [record["template_id"] for record in find_tasks(who, TaskQuery(sort_field="name", size=50)).records]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"operation": "equals", "attribute": "execution_name", "values": ["Other", "Sequence"]}, ["t1", "t2", "t3", "t4"]),
        ({"operation": "equals", "attribute": "execution_name", "values": ["Other"]}, []),
        ({"operation": "not_equals", "attribute": "execution_name", "values": ["Sequence"]}, []),
        ({"operation": "not_equals", "attribute": "execution_name", "values": ["Other"]}, ["t1", "t2", "t3", "t4"]),
        ({"operation": "equals_current_user", "attribute": "assigned_to"}, ["t1", "t2", "t3", "t4"]),
        ({"operation": "equals_current_user"}, ["t1", "t2", "t3", "t4"]),
        ({"operation": "not_equals_current_user", "attributes": ["started_by", "assigned_to"]}, []),
        ({"operation": "equals_current_user", "attribute": "started_by"}, []),
    ],
)
def test_conditions_on_executions(
    organisation: Organisation, flow: Execution, condition: dict[str, Any], expected: list[str]
) -> None:
    who = person(organisation, [{"action": VIEW, "conditions": [condition]}, {"action": "kanban:view"}])
    assign(flow, "t2", who)
    assert names_seen(who) == expected
    found, _last = search_executions(who, ExecutionSearch())
    assert bool(found) is bool(expected)
    assert Execution.objects.filter(pk=flow.pk).exists()
    if expected:
        assert find_execution(who, flow.id).pk == flow.pk
    else:
        with pytest.raises(NotFound):
            find_execution(who, flow.id)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"operation": "equals", "attribute": "template_id", "values": ["t1", "t2"]}, ["t1", "t2"]),
        ({"operation": "not_equals", "attribute": "phase_name", "values": ["First"]}, ["t3", "t4"]),
        ({"operation": "equals", "attribute": "status", "values": ["COMPLETED"]}, []),
    ],
)
def test_conditions_on_tasks_decide_which_may_be_updated(
    organisation: Organisation, flow: Execution, condition: dict[str, Any], expected: list[str]
) -> None:
    who = person(organisation, [{"action": VIEW}, {"action": UPDATE, "conditions": [condition]}])
    allowed = []
    for key in ("t1", "t2", "t3", "t4"):
        before = dump()
        try:
            patch_task(who, flow.id, factories.task_of(flow, key).id, {"name": "New"})
            allowed.append(key)
        except PermissionRefused:
            assert dump() == before
    assert allowed == expected


def test_all_conditions_of_a_grant_must_hold(organisation: Organisation, flow: Execution) -> None:
    both = [
        {"operation": "equals", "attribute": "template_id", "values": ["t1", "t2"]},
        {"operation": "equals_current_user", "attribute": "assigned_to"},
    ]
    who = person(organisation, [{"action": VIEW}, {"action": UPDATE, "conditions": both}])
    assign(flow, "t2", who)
    patch_task(who, flow.id, factories.task_of(flow, "t2").id, {"name": "New"})
    with pytest.raises(PermissionRefused):
        patch_task(who, flow.id, factories.task_of(flow, "t1").id, {"name": "New"})


def test_a_deny_under_a_condition_takes_out_what_meets_it(actor: Actor, organisation: Organisation, flow: Execution) -> None:
    secret = factories.start(actor, factories.sequence(2, name="Secret"))
    deny = {
        "action": VIEW,
        "effect": "deny",
        "conditions": [{"operation": "equals", "attribute": "execution_name", "values": ["Secret"]}],
    }
    who = person(organisation, [{"action": "workflow:*"}, {"action": "kanban:view"}, deny])
    assign(secret, "t1", who)
    assert {record["execution_name"] for record in find_tasks(who, TaskQuery(size=50)).records} == {"Sequence"}
    with pytest.raises(NotFound):
        find_execution(who, secret.id)
    with pytest.raises(NotFound):
        patch_execution(who, secret.id, {"status": "CLOSED"})
    patch_execution(who, flow.id, {"status": "CLOSED"})


def test_starting_can_be_allowed_for_some_processes(actor: Actor, organisation: Organisation) -> None:
    good, bad = factories.make_template(actor), factories.make_template(actor)
    condition = {"operation": "equals", "attribute": "flow_template_id", "values": [good.id]}
    who = person(organisation, [{"action": "workflow:execution:trigger", "conditions": [condition]}, {"action": "entity:create"}])
    factories.start(who, template=good)
    before = dump()
    with pytest.raises(PermissionRefused):
        factories.start(who, template=bad)
    # The entity that it was to be about is made before, and told of.
    others = [name for name in before if name not in ("workflows.Entity", "workflows.AuditEntry")]
    now = dump()
    assert [now[name] for name in others] == [before[name] for name in others]


# Only what is assigned to oneself


@pytest.fixture
def sam(organisation: Organisation, flow: Execution, actor: Actor) -> Actor:
    """Somebody who may see and update only what is assigned to them: t2 of the flow. Another flow is not theirs at all."""
    factories.start(actor, factories.sequence(3, name="Foreign"), first_name="Zoe")
    who = person(organisation, OWN_ONLY)
    assign(flow, "t2", who)
    return who


def test_only_assigned_tasks_are_in_lists_searches_boards_and_queries(sam: Actor, flow: Execution) -> None:
    own = factories.task_of(flow, "t2").id
    assert names_seen(sam) == ["t2"]
    assert find_listed(sam, Filters(show=Show.ALL), None, "name", False, 0)[0] == [own]
    assert [task.id for task in search_tasks(sam, TaskSearch(include_done=True))[1]] == [own]
    assert search_tasks(sam, TaskSearch())[0] == 1
    assert [orjson.loads(body)["id"] for body in search_executions(sam, ExecutionSearch())[0]] == [str(flow.id)]
    assert [group.count for group in find_groups(sam).values()] == [0] * 6
    assert suggest_values(sam, "name", "", 0, 50) == (["Task t2"], 1)
    assert suggest_values(sam, "execution_name", "", 0, 50) == (["Sequence"], 1)
    assert suggest_values(sam, "context_entity_title", "Zoe", 0, 50) == ([], 0)
    assert suggest_values(sam, "assigned_to", "", 0, 50) == (["logged_in_user", sam.id], 2)


def test_the_document_holds_only_assigned_tasks(sam: Actor, flow: Execution, actor: Actor) -> None:
    document = orjson.loads(read_execution(sam, flow.id)[1])
    assert [task["template_id"] for task in document["tasks"]] == ["t2"]
    assert [phase["name"] for phase in document["phases"]] == ["First"]
    assert (document["edges"], document["crt_tasks"]) == ([], [])
    assert len(orjson.loads(read_execution(actor, flow.id)[1])["tasks"]) == 4
    entity = document["contexts"][0]["entity_id"]
    assert [len(orjson.loads(body)["tasks"]) for body in find_executions(sam, entity, "contact")] == [1]
    foreign = Execution.objects.get(name="Foreign")
    for read in (read_execution, read_version, find_execution):
        with pytest.raises(NotFound):
            read(sam, foreign.id)


def test_only_assigned_tasks_can_be_updated(sam: Actor, flow: Execution) -> None:
    patch_task(sam, flow.id, factories.task_of(flow, "t2").id, {"status": "COMPLETED"})
    foreign = Execution.objects.get(name="Foreign")
    before = dump()
    for execution, key in ((flow, "t1"), (flow, "t3"), (foreign, "t1")):
        with pytest.raises(NotFound):
            patch_task(sam, execution.id, factories.task_of(execution, key).id, {"status": "COMPLETED"})
    with pytest.raises(PermissionRefused):
        patch_task(sam, flow.id, factories.task_of(flow, "t2").id, {"assigned_to": []})
    with pytest.raises(PermissionRefused):
        patch_execution(sam, flow.id, {"status": "CLOSED"})
    assert dump() == before


def test_the_pages_hold_only_assigned_tasks(sam: Actor, flow: Execution, client: Any) -> None:
    browser(client, sam)
    own, other = factories.task_of(flow, "t2"), factories.task_of(flow, "t1")
    for address in (f"/executions/{flow.id}", f"/executions/{flow.id}?view=list", "/board?show=all", "/board?show=all&form=list", f"/executions/{flow.id}?view=timeline", f"/executions/{flow.id}?view=graph", "/executions", "/"):  # fmt: skip
        response = client.get(address)
        assert response.status_code == 200, address
        text = response.content.decode()
        assert not [name for name in ("Task t1", "Task t3", "Task t4", "Second", "Foreign", "Zoe") if name in text], address
    assert "Task t2" in client.get(f"/executions/{flow.id}").content.decode()
    assert "Task t2" in client.get("/board?show=all").content.decode()
    assert client.get(f"/board/tasks/{own.id}/moves").status_code == 200
    assert client.get(f"/board/tasks/{other.id}/moves").status_code == 404
    assert client.get(f"/executions/{Execution.objects.get(name='Foreign').id}").status_code == 404
    done = {"status": "COMPLETED", "was": "PENDING"}
    assert client.post(f"/executions/{flow.id}/tasks/{other.id}/status", done).status_code == 404
    assert client.post(f"/executions/{flow.id}/tasks/{own.id}/status", done).status_code == 200


def test_the_api_answers_only_with_assigned_tasks(organisation: Organisation, flow: Execution, actor: Actor) -> None:
    give(organisation, OWN_ONLY)
    token, bearer = create_token(organisation, "narrow", "special")
    assign(flow, "t2", Actor(organisation, ActorKind.TOKEN, token.id))
    api = Client(bearer)
    for address in (f"/v2/flows/executions/{flow.id}", f"/v1/workflows/executions/{flow.id}", "/v1/workflows/executions"):
        text = api.get(address).body.decode()
        assert "t2" in text, address
        assert not [name for name in ("Task t1", "Task t3", "Task t4") if name in text], address
    found = api.post("/v1/kanban/query/flows:execute", {"size": 50}).json
    assert [record["name"] for record in found["results"]] == ["Task t2"]
    steps = api.post("/v1/workflows/executions/steps/search", {"sorting": "A_Z"}).json
    assert [step["name"] for step in steps["results"]] == ["Task t2"]
    other = factories.task_of(flow, "t1")
    assert api.patch(f"/v2/flows/executions/{flow.id}/tasks/{other.id}", {"name": "x"}).status == 404
    assert api.patch(f"/v2/flows/executions/{flow.id}", {"status": "CLOSED"}).status == 403


# Keeping roles


def test_a_change_of_a_role_works_on_the_next_request(
    organisation: Organisation, flow: Execution, actor: Actor, client: Any
) -> None:
    role = roles.create_role(actor, "Reader", [{"action": VIEW}])
    api = Client(create_token(organisation, "reader", role.slug)[1])
    browser(client, factories.actor_of(factories.make_user(organisation, "r@acme.example", "R", role.slug), organisation))
    addresses = f"/v2/flows/executions/{flow.id}", f"/executions/{flow.id}"
    assert [api.get(addresses[0]).status, client.get(addresses[1]).status_code] == [200, 200]
    roles.replace_role(actor, role.slug, "Reader", [{"action": "kanban:view"}])
    assert [api.get(addresses[0]).status, client.get(addresses[1]).status_code] == [404, 404]


def test_a_token_is_checked_in_one_statement_whatever_its_role(
    organisation: Organisation, flow: Execution, django_assert_num_queries: Any
) -> None:
    give(organisation, [{"action": "workflow:*"}])
    api = Client(create_token(organisation, "t", "special")[1])
    api.get(f"/v2/flows/executions/{flow.id}")
    with django_assert_num_queries(2):
        assert api.get(f"/v2/flows/executions/{flow.id}").status == 200


def test_roles_are_named_once_and_never_like_the_products_own(actor: Actor) -> None:
    slugs = [roles.create_role(actor, name, []).slug for name in ("Owner", "Läufer", "Läufer", "!?")]
    assert slugs == ["owner-2", "laufer", "laufer-2", "role"]


def test_a_role_in_use_is_not_deleted(actor: Actor, organisation: Organisation) -> None:
    role = roles.create_role(actor, "Reader", [{"action": VIEW}])
    user = factories.make_user(organisation, "r@acme.example", "R", role.slug)
    with pytest.raises(InvalidInput, match="people"):
        roles.delete_role(actor, role.slug)
    roles.change_member(actor, str(user.pk), Role.VIEWER)
    token, _ = create_token(organisation, "t", role.slug)
    with pytest.raises(InvalidInput, match="tokens"):
        roles.delete_role(actor, role.slug)
    token.delete()
    roles.delete_role(actor, role.slug)
    assert not CustomRole.objects.exists()


def test_the_last_owner_stays(actor: Actor, organisation: Organisation) -> None:
    before = dump()
    with pytest.raises(InvalidInput, match="owner"):
        roles.change_member(actor, actor.id, Role.MEMBER)
    with pytest.raises(InvalidInput, match="owner"):
        roles.remove_member(actor, actor.id)
    assert dump() == before
    factories.make_user(organisation, "second@acme.example", "Second", Role.OWNER)
    roles.remove_member(actor, actor.id)
    assert [member.user.email for member in Membership.objects.all()] == ["second@acme.example"]


def test_nobody_gives_what_they_do_not_have(actor: Actor, organisation: Organisation) -> None:
    manager = factories.actor_of(factories.make_user(organisation, "m@acme.example", "M", Role.MANAGER), organisation)
    member = factories.make_user(organisation, "n@acme.example", "N", Role.MEMBER)
    strong = roles.create_role(actor, "Strong", [{"action": "role:edit"}])
    before = dump()
    for attempt in (
        lambda: roles.change_member(manager, str(member.pk), Role.OWNER),
        lambda: roles.change_member(manager, str(member.pk), strong.slug),
        lambda: roles.change_member(manager, actor.id, Role.VIEWER),
        lambda: roles.remove_member(manager, actor.id),
        lambda: roles.create_role(manager, "Mine", [{"action": "*"}]),
        lambda: roles.replace_role(manager, strong.slug, "Mine", []),
        lambda: roles.delete_role(manager, strong.slug),
    ):
        with pytest.raises(PermissionRefused):
            attempt()
    assert dump() == before
    roles.change_member(manager, str(member.pk), Role.VIEWER)


def test_roles_and_members_of_others_do_not_exist(actor: Actor, other_organisation: Organisation) -> None:
    stranger = factories.make_user(other_organisation, "x@other.example", "X", Role.MEMBER)
    CustomRole.objects.create(organisation=other_organisation, slug="theirs", name="Theirs", grants=[])
    before = dump()
    for attempt in (
        lambda: roles.change_member(actor, str(stranger.pk), Role.VIEWER),
        lambda: roles.remove_member(actor, str(stranger.pk)),
        lambda: roles.replace_role(actor, "theirs", "Mine", []),
        lambda: roles.delete_role(actor, "theirs"),
        lambda: roles.change_member(actor, "x", Role.VIEWER),
    ):
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(InvalidInput, match="role"):
        roles.change_member(actor, actor.id, "theirs")
    assert dump() == before


def test_a_role_of_another_organisation_with_the_same_name_gives_nothing(
    organisation: Organisation, other_organisation: Organisation, flow: Execution
) -> None:
    give(other_organisation, [{"action": "workflow:*"}])
    api = Client(create_token(organisation, "t", "special")[1])
    assert api.get(f"/v2/flows/executions/{flow.id}").status == 404


def test_browser_and_api_answer_alike_to_a_role_that_sees_no_execution(
    organisation: Organisation, flow: Execution, client: Any
) -> None:
    blind = person(organisation, [{"action": "automation:view"}, {"action": "kanban:view"}])
    api = Client(create_token(organisation, "t", "special")[1])
    browser(client, blind)
    task = factories.task_of(flow, "t1")
    page = f"/executions/{flow.id}"
    single = [f"/v2/flows/executions/{flow.id}", f"/v1/workflows/executions/{flow.id}/closing-reasons"]
    assert [api.get(path).status for path in single] == [404, 404]
    pages = [page, f"{page}?view=list", f"{page}?task={task.id}", f"/tasks/{task.id}/edit/status"]
    for headers in ({}, {"HX-Request": "true"}):
        assert [client.get(path, headers=headers).status_code for path in pages] == [404] * 4
    about = {"entity_id": "x", "entity_schema": "contact"}
    assert api.post("/v2/flows/executions:search", about).status == client.get("/executions").status_code == 403
    before = dump()
    done = {"status": "COMPLETED", "was": "PENDING"}
    changed = api.patch(f"{single[0]}/tasks/{task.id}", {"status": "COMPLETED"}).status
    assert changed == client.post(f"{page}/tasks/{task.id}/status", done, headers={"HX-Request": "true"}).status_code == 403
    assert dump() == before

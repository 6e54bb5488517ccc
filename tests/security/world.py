"""Two organisations that have one of everything, each with a word of its own in every text; and everybody who might ask.

`Side.ids` names the things of one organisation; the table of routes fills paths, queries and bodies from it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.security.rows import Rows, read_rows
from tests.services.test_schedules import TWO_HOURS, scheduled
from workflows import outbound
from workflows.api.automation.rendering import render_run
from workflows.automations.perform import ACTIONS
from workflows.automations.situation import ActionType
from workflows.jobs import change_now
from workflows.models import (
    ActorKind,
    AgentRun,
    ApiToken,
    AutomationExecution,
    Event,
    Execution,
    Job,
    Membership,
    Mention,
    Organisation,
    Role,
    Rotation,
    Session,
    User,
)
from workflows.models.session import hash_key
from workflows.permissions import Actor
from workflows.services import boards, comments, presence, roles, second_factor, sharing
from workflows.services.agent_tokens import make_agent_token
from workflows.services.agents import create_agent
from workflows.services.automation_flows import create_automation
from workflows.services.automation_reading import with_actions
from workflows.services.automation_run import paused
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.closing_reasons import create_closing_reason
from workflows.services.dead_letters import dead_jobs
from workflows.services.executions import patch_execution
from workflows.services.preferences import save_preferences
from workflows.services.reading import read_execution
from workflows.services.sharing import NewShare
from workflows.services.steps import parse_id
from workflows.services.tasks import patch_task
from workflows.services.tokens import create_token
from workflows.services.webhook_messages import begin_message
from workflows.services.webhooks import create_webhook

# Words that stand in every text of an organisation, and what they begin with, which is what others search for.
VICTIM, RIVAL = "kestrelzq7041", "lapwingzq9358"
SEARCHED = "kestrel"
PUBLIC_URL = "https://hooks.{word}.example/in"
# An agent that answers later.
LATER = "/later"
# The code that every device shows.
CODE = "123456"
# Texts of a side, which are no things.
TEXTS = {"task_name", "task_description", "seq"}
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass
class Side:
    """One organisation, what it has, and who acts in it."""

    slug: str
    word: str
    organisation: Organisation
    ids: dict[str, str] = field(default_factory=dict)
    # Session keys of people, and bearer strings.
    people: dict[str, str] = field(default_factory=dict)
    bearers: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    victim: Side
    rival: Side
    # What there was of the victim's before there was anybody else.
    theirs: Rows
    before: Rows


def names_in(value: Any) -> set[str]:
    """Return the things that a path, query or body names."""
    if isinstance(value, Mapping):
        return {name for item in value.values() for name in names_in(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in names_in(item)}
    return set(PLACEHOLDER.findall(value)) - TEXTS if isinstance(value, str) else set()


def fill(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a path, query or body with things in the place of their names."""
    if isinstance(value, Mapping):
        return {key: fill(item, ids) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, ids) for item in value]
    return PLACEHOLDER.sub(lambda found: ids[found[1]], value) if isinstance(value, str) else value


@contextmanager
def kept_apart() -> Iterator[None]:
    """A transaction that ends as if nothing had been; such as tests run in, so that it may call out."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


@contextmanager
def answered_calls() -> Iterator[list[str]]:
    """Outside, everything is answered as an agent would; and two kinds of actions wait, or break."""
    called: list[str] = []

    def send(method: str, url: str, *_: Any, **__: Any) -> outbound.Answer:
        called.append(url)
        word = VICTIM if VICTIM in url else RIVAL
        answer = {"status": "completed", "result": {"response": f"{word} says", "structured_output": {"city": f"{word} town"}}}
        answer = {"status": "running"} if url.endswith(LATER) else answer
        return outbound.Answer(200, {"content-type": "application/json"}, orjson.dumps(answer))

    def fail(_: Any) -> Any:
        raise RuntimeError("broken")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbound, "send", send)
        patch.setattr(second_factor, "find_step", lambda factor, code, now=None: factor.last_step + 1 if code == CODE else None)
        patch.setitem(ACTIONS, "patient", ActionType("INTERNAL_ERROR", call=lambda _: paused("callback")))
        patch.setitem(ACTIONS, "broken", ActionType("INTERNAL_ERROR", call=fail))
        yield called


def build(slug: str, word: str) -> Side:
    """Make an organisation that has one of everything."""
    organisation = Organisation.objects.create(slug=slug, name=f"{word} organisation")
    side = Side(slug, word, organisation)
    owner = _add_people(side)
    _add_tokens(side, owner)
    _add_design(side, owner)
    _add_work(side, owner)
    _add_automation(side, owner)
    _add_agent(side, owner)
    _add_boards(side, owner)
    _add_guests(side, owner)
    _add_act(side, owner)
    return side


def sign_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _add_people(side: Side) -> Actor:
    """The owner, who is staff; somebody whose role grants nothing; somebody who was taken out; one who may not sign in any more."""
    nothing = roles.CustomRole.objects.create(organisation=side.organisation, slug=f"nothing-{side.slug}", name=side.word)
    wanted = {"owner": Role.OWNER, "member": Role.MEMBER, "nothing": nothing.slug, "gone": Role.OWNER, "inactive": Role.OWNER}
    users = {}
    for key, role in wanted.items():
        # Who belongs nowhere is told their own name, and no more.
        place = f"{side.slug}.example" if key == "gone" else f"{side.word}.example"
        name = "Gone" if key == "gone" else f"{side.word} {key}"
        user = factories.make_user(side.organisation, f"{key}@{place}", name, role)
        User.objects.filter(pk=user.pk).update(is_staff=key == "owner")
        users[key] = user
        side.people[key] = sign_in(user)
        side.ids[key] = str(user.pk)
    _add_second_factors(side, users["owner"], users["member"])
    Membership.objects.filter(user=users["gone"]).delete()
    User.objects.filter(pk=users["inactive"].pk).update(is_active=False)
    save_preferences(users["owner"], density="compact")
    actor = factories.actor_of(users["owner"], side.organisation)
    grants = [{"action": "kanban:view", "effect": "allow"}]
    roles.CustomRole.objects.create(organisation=side.organisation, slug=f"role-{side.slug}", name=side.word, grants=grants)
    side.ids |= {"role": f"role-{side.slug}", "organisation": str(side.organisation.pk)}
    return actor


def _add_second_factors(side: Side, owner: User, member: User) -> None:
    """The owner is about to set one up, a member has one."""
    for user in (owner, member):
        second_factor.begin_setup(user)
    session = Session.objects.get(session_key=hash_key(side.people["member"]))
    assert second_factor.confirm_setup(member, CODE, side.people["member"])
    assert Session.objects.filter(pk=session.pk).exists()
    side.ids["session"] = hash_key(side.people["owner"])


def _add_tokens(side: Side, owner: Actor) -> None:
    def make(key: str, role: str, **fields: Any) -> ApiToken:
        token, side.bearers[key] = create_token(side.organisation, f"{side.word} {key}", role, **fields)
        return token

    side.ids["token"] = make("owner", Role.OWNER).pk
    # As it stands in the addresses of the admin site, where _23 would be a number sign.
    side.ids["quoted_token"] = quote(side.ids["token"])
    make("nothing", f"nothing-{side.slug}")
    make("read-only", Role.OWNER, read_only=True)
    make("expired", Role.OWNER, expires_at=timezone.now() - timedelta(seconds=1))
    revoked = make("revoked", Role.OWNER)
    ApiToken.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())


def _add_design(side: Side, owner: Actor) -> None:
    word = side.word
    reason = create_closing_reason(owner, f"{word} reason")
    flow, _ = create_automation(owner, automation(word, factories.set_city(f"{word} city")))
    side.ids |= {"reason": reason.pk, "flow": str(flow.pk)}
    shown = {"enabled": True, "label": f"{word} label", "description": f"{word} words"}
    tree = named(factories.choice(), word)
    tree["phases"] = [{"id": "one", "name": f"{word} phase"}]
    tree["tasks"][0] |= {"phase_id": "one", "partner": shown, "ecp": shown, "installer": shown}
    for condition in tree["tasks"][1]["conditions"]:
        condition["branch_name"] = f"{word} branch"
    template = factories.make_template(owner, tree | {"available_in_ecp": True, "closing_reasons": [{"id": reason.pk}]})
    linear = factories.make_template(owner, named(factories.sequence(3), word))
    side.ids |= {"template": template.pk, "linear": linear.pk}


def named(data: dict[str, Any], word: str) -> dict[str, Any]:
    """A template with the word in every text."""
    data["name"] = f"{word} process"
    for task in data["tasks"]:
        task |= {"name": f"{word} {task['name']}", "description": {"enabled": True, "value": f"{word} description"}}
    for phase in data.get("phases", ()):
        phase["name"] = f"{word} {phase['name']}"
    return data


def automation(word: str, *actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return factories.automation(*({"name": f"{word} action"} | action for action in actions), flow_name=f"{word} flow", **fields)


def start(side: Side, owner: Actor, key: str, data: dict[str, Any] | None = None, template: str = "") -> Execution:
    """Start an execution about an entity of its own, and name it and its tasks and phases after `key`."""
    entity = factories.make_entity(owner, first_name=f"{side.word} first", last_name=f"{side.word} last", city="Bonn")
    made = template or factories.make_template(owner, named(data or {}, side.word)).pk
    context = factories.Context(str(entity.pk), "contact", is_primary=True)
    execution = factories.start_execution(owner, factories.StartRequest(made, [context]))
    side.ids |= {f"{key}execution": str(execution.pk), f"{key}entity": str(entity.pk)}
    side.ids |= {f"{key}task_{task.template_id}": str(task.pk) for task in execution.tasks.all()}
    side.ids |= {f"{key}phase": str(phase.pk) for phase in execution.phases.all()}
    side.ids |= {f"{key}edge_{edge.key}": edge.key for edge in execution.edges.all()}
    return execution


def _add_work(side: Side, owner: Actor) -> None:
    """Executions with what people do to them: comments, mentions, changes that can be taken back, changes of many."""
    word, ids = side.word, side.ids
    execution = start(side, owner, "", template=ids["template"])
    ids |= {"task_name": f"{word} Task ask", "task_description": f"{word} description"}
    start(side, owner, "linear_", template=ids["linear"])
    member = factories.actor_of(User.objects.get(pk=ids["member"]), side.organisation)
    comment = comments.add_comment(owner, execution.pk, f"{word} comment @{word} member", ids["task_ask"])
    comments.add_comment(member, execution.pk, f"{word} reply @{word} owner")
    ids |= {"comment": str(comment.pk), "mention": str(Mention.objects.get(user_id=owner.id).pk)}
    presence.enter(owner, User.objects.get(pk=owner.id), execution.pk)
    start(side, owner, "many_", template=ids["linear"])
    change = change_now(owner, [parse_id(ids["many_task_t1"])], {"status": "IN_PROGRESS"})
    ids["change"] = str(change.pk)
    timed = start(side, owner, "timed_", scheduled(TWO_HOURS))
    ids["schedule"] = timed.tasks.get(template_id="t1").schedule_id
    finished = start(side, owner, "finished_", template=ids["linear"])
    patch_task(owner, finished.pk, ids["finished_task_t1"], {"status": "COMPLETED"})
    closed = start(side, owner, "closed_", template=ids["linear"])
    patch_execution(owner, closed.pk, {"status": "CLOSED"})


def _add_act(side: Side, owner: Actor) -> None:
    """What the owner did last, and may take back."""
    acted = start(side, owner, "acted_", template=side.ids["linear"])
    patch_task(owner, acted.pk, side.ids["acted_task_t1"], {"assigned_to": [owner.id]})
    side.ids["seq"] = str(Event.objects.filter(execution=acted, action="task.assigned").latest("seq").seq)


def _add_automation(side: Side, owner: Actor) -> None:
    word, ids = side.word, side.ids
    machine = named(factories.with_automation(ids["flow"]), word)
    machine["tasks"][0]["trigger_mode"] = "manual"
    start(side, owner, "machine_", machine)

    def run(key: str, *actions: dict[str, Any], **fields: Any) -> AutomationExecution:
        flow, _ = create_automation(owner, automation(word, *actions, **fields))
        found = start_automation(owner, RunRequest(flow.pk, parse_id(ids["entity"])))
        ids[f"{key}run"], ids[f"{key}flow"] = str(found.pk), str(flow.pk)
        return found

    start(side, owner, "dead_", named(factories.with_automation(ids["flow"]), word))
    later = [{"id": "s", "numberOfUnits": 1, "timePeriod": "hours", "timeRelation": "after"}]
    later[0]["source"] = {"id": "t", "origin": "automation"}
    run("timed_", factories.set_city(f"{word} later", schedule_id="s"), schedules=later)
    waiting = run("paused_", {"type": "patient", "config": {"text": word}})
    broken = run("", {"type": "broken", "config": {"text": word}})
    factories.run_jobs_of("run_action")
    Job.objects.filter(kind="run_action", organisation=side.organisation, state="ready").update(attempt=4, run_at=timezone.now())
    hook, _ = create_webhook(owner, {"name": f"{word} hook", "eventName": f"{word} event", "url": PUBLIC_URL.format(word=word)})
    message = begin_message(owner, hook.pk, {"metadata": {"organization_id": side.slug, "text": word}})
    factories.run_jobs()
    waiting.refresh_from_db()
    ids |= {
        "action": broken.actions.get().key,
        "confirm": str(render_run(*with_actions([waiting])[0])["resume_token"]),
        "job": str(dead_jobs(owner).get(kind="run_action").pk),
        "webhook": str(hook.pk),
        "message": message.effect_id,
    }
    Rotation.objects.create(flow_id=ids["flow"], action="a1", at=timezone.now())


def _add_agent(side: Side, owner: Actor) -> None:
    word, ids = side.word, side.ids
    data = {"name": f"{word} agent", "description": f"{word} helps", "url": PUBLIC_URL.format(word=word), "fields": ["city"]}
    idle, _ = create_agent(owner, data)
    agent, _ = create_agent(owner, data | {"mode": "draft"})
    slow, _ = create_agent(owner, data | {"url": PUBLIC_URL.format(word=word) + LATER})
    for key, asked in (("agent_", agent), ("slow_", slow)):
        flow = named(factories.sequence(2), word)
        flow["tasks"][0] |= {"task_type": "AI_AGENT", "agent_config": {"agent_id": str(asked.pk)}}
        start(side, owner, key, flow)
    factories.run_jobs()
    assert AgentRun.objects.get(agent=agent).status == "waiting_approval"
    run = AgentRun.objects.get(agent=slow)
    assert run.job_id is not None
    ids |= {"agent": str(idle.pk), "agent_token": make_agent_token(run.pk, run.job_id)}


def _add_boards(side: Side, owner: Actor) -> None:
    condition = {"key": "name", "operator": "CONTAINS", "value": side.word}
    config = {"board_filter": {"items": [condition], "combination": "AND"}}
    values: Any = {"title": f"{side.word} board", "description": f"{side.word} board", "config": config}
    both = [owner.id, side.ids["token"]]
    side.ids["board"] = boards.create_board(owner, values | {"owners": both}).pk
    shown = boards.create_board(owner, values | {"shared_with_org": True})
    boards.set_default_board(owner, shown.pk)


def _add_guests(side: Side, owner: Actor) -> None:
    """A partner organisation, a person who was invited and came, one who did not yet, and a customer with a link."""
    word, ids = side.word, side.ids
    partner = Organisation.objects.create(slug=f"fitters-{side.slug}", name="Fitters")
    ids["partner"] = partner.slug
    user = factories.make_user(partner, f"fitter@{word}.example", f"{word} fitter", Role.MEMBER)
    side.people["fitter"] = sign_in(user)
    side.bearers["fitter"] = create_token(partner, f"{word} fitters", Role.INTEGRATION)[1]
    shown = start(side, owner, "shown_", template=ids["template"])
    share = sharing.share_execution(owner, shown.pk, NewShare(partner=partner.slug))
    link = sharing.share_execution(owner, shown.pk, NewShare(audience="ecp", email=f"customer@{word}.example"))
    invited = sharing.share_execution(owner, shown.pk, NewShare(email=f"invited@{word}.example"))
    came = sharing.share_execution(owner, shown.pk, NewShare(email=f"came@{side.slug}.example"))
    guest = sharing.accept_anew(came, "Guest", "correct horse battery")
    side.people["guest"] = sign_in(guest)
    ids |= {"share": str(share.pk), "portal": sharing.make_link(link), "invitation": sharing.make_link(invited)}


def read_everything(side: Side) -> None:
    """The JSON of an execution is kept by its first reader after a change; and an answer is kept for who asks again."""
    actor = Actor(side.organisation, ActorKind.SYSTEM)
    for execution in Execution.objects.filter(organisation=side.organisation):
        read_execution(actor, execution.pk)
    headers = {"Authorization": f"Bearer {side.bearers['owner']}", "Idempotency-Key": "the same"}
    body = orjson.dumps({"title": f"{side.word} once"})
    answer = Client().generic("POST", "/v1/workflows/closing-reasons", body, content_type="application/json", headers=headers)
    assert answer.status_code == 201


def build_world() -> World:
    victim = build("acme", VICTIM)
    read_everything(victim)
    theirs = read_rows()
    rival = build("other", RIVAL)
    read_everything(rival)
    operator = User.objects.create_superuser("root@operator.example", "correct horse battery", name="Root")
    group = Group.objects.create(name="group")
    for side in (victim, rival):
        side.people["super"] = sign_in(operator)
        side.ids["group"] = str(group.pk)
    return World(victim, rival, theirs, read_rows())

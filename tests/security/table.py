"""What the matrix needs to know of each route: which things its address names, and a request that makes sense to its owner.

A new route needs a row. Most are one line:

    row("things/<uuid:thing_id>", fill={"thing_id": "{execution}"}, GET=act(), POST=act({"name": "New"}))

`fill` says what stands in the address, by the names in `Side.ids` (tests/security/world.py, where new kinds of things are made).
Names of parts in USUAL need no `fill`. `act(body, ...)`: one request of a method, as the owner would send it: JSON to the API, a form
to pages. More bodies may follow, each of which must be well formed too. Whatever in them is a thing, `"{entity}"`, is exchanged for
that of the other organisation, one after another, and must be refused; with `foreign=OWN` it may be taken, if it has no effect on
the other side, and `why` says the reason.
"""

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from tests import factories

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
GONE = frozenset({404})
REFUSED = frozenset({400, 403, 404, 409, 410, 422})
# The answer may be anything that is no fault, as it is about the caller's own things only.
OWN = frozenset({*range(200, 400), 400, 404, 405, 409, 422})
NEVER = frozenset({403, 404})
SIGN_IN = frozenset({302})

USUAL = {
    "execution_id": "{execution}",
    "task_id": "{task_ask}",
    "phase_id": "{phase}",
    "template_id": "{template}",
    "reason_id": "{reason}",
    "entity_id": "{entity}",
    "board_id": "{board}",
    "flow_id": "{flow}",
    "webhook_id": "{webhook}",
    "event_id": "{message}",
    "message_id": "{message}",
    "agent_id": "{agent}",
    "comment_id": "{comment}",
    "change_id": "{change}",
    "share_id": "{share}",
    "job_id": "{job}",
    "user_id": "{member}",
    "token_id": "{token}",
    "schedule_id": "{schedule}",
    "slug": "{role}",
    "seq": "{seq}",
    "schema": "contact",
}


@dataclass(frozen=True)
class Act:
    """One method of a route. The sets are of the statuses that may be answered."""

    bodies: tuple[Any, ...] = (None,)
    # The query of the owner's request, and those with which others try to see more.
    query: str = ""
    asks: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    ok: frozenset[int] = frozenset(range(200, 400))
    # Another organisation, naming our things in the path.
    stranger: frozenset[int] = GONE
    # Another organisation, naming our things in the body or the query of a request to its own.
    foreign: frozenset[int] = REFUSED
    # Somebody of ours whose role grants nothing.
    nothing: frozenset[int] = NEVER
    # A token that only reads.
    read_only: frozenset[int] = NEVER
    # Nobody; None: 401 of the API, the way to sign in of pages.
    anonymous: frozenset[int] | None = None
    # Who makes the owner's request.
    who: str = "owner"
    # It leaves something behind by its nature: of a GET, or of one's own by somebody who has no rights.
    writes: bool = False
    why: str = ""

    @property
    def is_keyed(self) -> bool:
        """Whether what stands in the address or the body is the credential, so that whoever has it may."""
        return self.who == "anonymous"


@dataclass(frozen=True)
class Row:
    path: str
    acts: dict[str, Act]
    # The parts of the path that name things.
    things: tuple[str, ...] = ()


ROWS: dict[str, Row] = {}


def act(*bodies: Any, **options: Any) -> Act:
    return Act(bodies or (None,), **options)


def row(pattern: str, *, fill: dict[str, str] | None = None, path: str = "", **acts: Act) -> None:
    """Say what a route needs; `path` for patterns whose parts have no names of their own."""
    given = USUAL | (fill or {})
    made, things = "", []
    for piece in (path or pattern).replace("<", "\n<").replace(">", ">\n").split("\n"):
        if piece.startswith("<"):
            value = given[piece[1:-1].rpartition(":")[2]]
            things += [value] if "{" in value else []
            made += value
        else:
            made += piece
    things += [] if things or not path else [name for name in path.split("/") if "{" in name]
    ROWS[pattern] = Row("/" + made, acts, tuple(things))


# --- the API: flow executions ---------------------------------------------------------------------------------------------

EXECUTIONS = "v2/flows/executions"
ABOUT = [{"entity_id": "{entity}", "entity_schema": "contact", "is_primary": True}]
SEARCH: dict[str, Any] = {"foreign": OWN, "read_only": frozenset({200})}
OPAQUE = "assignees are opaque ids by the contract, of whatever system; nothing is looked up by them outside of the organisation"
FREE = "the id of an automation is kept as it was sent; running it looks for it within the organisation"

row(
    EXECUTIONS,
    POST=act({"flow_template_id": "{template}", "contexts": ABOUT}, {"flow_template_id": "{linear}", "contexts": ABOUT}),
)
row(f"{EXECUTIONS}:search", POST=act({"entity_id": "{entity}", "entity_schema": "contact"}, **SEARCH))
row(
    f"{EXECUTIONS}/<str:execution_id>",
    GET=act(),
    PATCH=act(
        {"due_date": "2027-01-31"},
        {"contexts": ABOUT},
        {"status": "CLOSED", "closing_reason": {"selected_reasons": [{"id": "{reason}"}]}},
        {"due_date_config": {"duration": 2, "unit": "days", "type": "TASK_FINISHED", "task_id": "{task_ask}"}},
    ),
    DELETE=act(),
)
row(
    f"{EXECUTIONS}/<str:execution_id>/tasks",
    fill={"execution_id": "{linear_execution}"},
    POST=act(
        {"previous_task_id": "{linear_task_t1}", "next_task_id": "{linear_task_t2}", "task": {"name": "New"}},
        {
            "previous_task_id": "{linear_task_t1}",
            "next_task_id": "{linear_task_t2}",
            "task": {"name": "New", "phase_id": "{linear_phase}"},
        },
    ),
)
row(
    f"{EXECUTIONS}/<str:execution_id>/tasks/<str:task_id>",
    PATCH=act(
        {"name": "New"},
        {"status": "COMPLETED"},
        {"due_date_config": {"duration": 2, "unit": "days", "type": "TASK_FINISHED", "task_id": "{task_decide}"}},
    ),
)
TIMED = {"execution_id": "{timed_execution}", "task_id": "{timed_task_t1}"}
MACHINE = {"execution_id": "{machine_execution}", "task_id": "{machine_task_t1}"}
AGENT = {"execution_id": "{agent_execution}", "task_id": "{agent_task_t1}"}
row(f"{EXECUTIONS}/<str:execution_id>/tasks/<str:task_id>/execute", fill=MACHINE, POST=act())
row(f"{EXECUTIONS}/<str:execution_id>/tasks/<str:task_id>/automation:run", fill=MACHINE, POST=act())
row(f"{EXECUTIONS}/<str:execution_id>/tasks/<str:task_id>/schedule", fill=TIMED, DELETE=act())
row(f"{EXECUTIONS}/<str:execution_id>/tasks/<str:task_id>/schedule/run-now", fill=TIMED, POST=act())
row(f"{EXECUTIONS}/<str:execution_id>/schedules/<str:schedule_id>", fill=TIMED, POST=act())
row(f"{EXECUTIONS}/<str:execution_id>/phases/<str:phase_id>", PATCH=act({"name": "New"}))
row(f"{EXECUTIONS}/<str:execution_id>/tasks/<str:task_id>/reconcile-automation", fill=MACHINE, POST=act())

# The same in the older dialect.
OLD = "v1/workflows/executions"
OLD_ABOUT = [{"id": "{entity}", "schema": "contact", "title": "x"}]
LINEAR = {"execution_id": "{linear_execution}", "task_id": "{linear_task_t2}", "template_id": "{linear}"}
row(
    OLD,
    GET=act(query="?context={entity}&schema=contact", asks=("?context={entity}", "?schema=contact")),
    POST=act({"workflowId": "{linear}", "contexts": OLD_ABOUT}),
)
row(f"{OLD}/search", POST=act({"name": "kestrel"}, {"includeDoneWorkflows": True, "assignedTo": "{owner}"}, **SEARCH))
row(f"{OLD}/steps/search", POST=act({"stepName": "kestrel"}, {"executionName": "kestrel", "assignedTo": "{owner}"}, **SEARCH))
row(
    f"{OLD}/<str:execution_id>",
    GET=act(stranger=frozenset({200}), nothing=frozenset({200}), why="what is not found is an empty 200 by the public contract"),
    PATCH=act({"dueDate": "2027-01-31"}, {"contexts": OLD_ABOUT}, {"status": "CLOSED"}),
    DELETE=act(),
)
row(f"{OLD}/<str:execution_id>/closing-reasons", GET=act())
row(
    f"{OLD}/<str:execution_id>/steps",
    fill=LINEAR,
    POST=act({"insertionIndex": 1, "name": "New"}, {"insertionIndex": 0, "name": "New", "sectionId": "{linear_phase}"}),
)
row(
    f"{OLD}/<str:execution_id>/steps/<str:task_id>",
    fill=LINEAR,
    PATCH=act({"name": "New"}, {"position": {"index": 0, "sectionId": "{linear_phase}"}}),
    DELETE=act(),
)

# --- the API: templates, closing reasons, entities ------------------------------------------------------------------------

DESIGN = factories.sequence(2, name="New")
LIST = {"name": "New", "enabled": True, "flow": [{"name": "Call", "order": 0, "type": "STEP"}]}
KEPT = "a template keeps what it was sent; an execution takes over those reasons only that the organisation has"
row(
    "v2/flows/templates",
    GET=act(asks=("?trigger_type=manual", "?trigger_source_id={reason}")),
    POST=act(DESIGN, DESIGN | {"closing_reasons": [{"id": "{reason}"}]}, foreign=OWN, why=KEPT),
)
row("v2/flows/templates:search", POST=act({"name": "kestrel"}, {"definition_id": "{template}"}, **SEARCH))
row("v2/flows/templates/<key:template_id>", GET=act(), PUT=act(DESIGN), DELETE=act())
row("v2/flows/templates/<key:template_id>/duplicate", POST=act())
row("v1/workflows/closing-reasons", GET=act(asks=("?includeInactive=true",)), POST=act({"title": "New"}))
row("v1/workflows/closing-reasons/<key:reason_id>", GET=act(), PATCH=act({"status": "INACTIVE"}))
row("v2/workflows/closing-reasons/<key:reason_id>", GET=act(), PATCH=act({"title": "New"}), DELETE=act())
row("v1/workflows/limits/max-allowed", GET=act())
row("v1/workflows/definitions", GET=act(), POST=act(LIST))
row("v1/workflows/definitions/<key:template_id>", fill=LINEAR, GET=act(), PUT=act(LIST), DELETE=act())
row(
    "v1/workflows/definitions/<key:template_id>/closing-reasons",
    GET=act(),
    PATCH=act({"reasons": [{"id": "{reason}"}]}, {"reasons": []}),
)
row(
    "v1/entity:search",
    POST=act({"q": "kestrel"}, {"q": "*"}, {"q": "_id:{entity}"}, {"q": "first_name:kestrel*", "sort": "_title:asc"}, **SEARCH),
)
row("v1/entity/<key:schema>", POST=act({"first_name": "New"}))
row(
    "v1/entity/<key:schema>/<key:entity_id>",
    GET=act(),
    PATCH=act({"first_name": "New"}),
    PUT=act({"first_name": "New"}),
    DELETE=act(query="?purge=true"),
)
row("v2/entity/<key:schema>/<key:entity_id>", GET=act())

# --- the API: boards and their queries ------------------------------------------------------------------------------------


def where(key: str, value: Any, operator: str = "EQUALS") -> dict[str, Any]:
    return {"filters": {"items": [{"key": key, "operator": operator, "value": value}], "combination": "AND"}}


BOARD = {"title": "New", "config": {}}
SHARED = {"shared_with": ["{member}"], "owners": ["{owner}"]}
row("v1/kanban/board", POST=act(BOARD))
row("v1/kanban/boards", GET=act(asks=("?filter=owned", "?filter=shared")))
row("v1/kanban/board/<key:board_id>", GET=act(), PUT=act(BOARD), PATCH=act({"title": "New"}), DELETE=act())
row(
    "v1/kanban/org/default-board",
    PUT=act(query="?boardId={board}"),
    DELETE=act(),
)
row(
    "v1/kanban/query/flows:autocomplete",
    GET=act(
        query="?attribute=name",
        asks=tuple(
            f"?attribute={name}&input=kestrel"
            for name in ("name", "execution_name", "flow_name", "phase_name", "assigned_to", "flow_template_id")
        ),
    ),
)
row(
    "v1/kanban/query/flows:execute",
    POST=act(
        {"size": 50},
        where("name", "kestrel", "CONTAINS"),
        where("execution_id", "{execution}"),
        {"group_by": {"field": "phase"}},
        {"sorting": {"field": "name", "direction": "desc"}},
        **SEARCH,
    ),
)

# --- the API: automations, webhooks, agents -------------------------------------------------------------------------------

FLOW = factories.automation(factories.set_city())
RUN = {"execution_id": "{run}", "action_id": "{action}"}
row(
    "v1/automation/flows",
    GET=act(query="?include_flows=true", asks=("?include_flows=true", "?target_workflow={template}", "?schema=contact")),
    POST=act(FLOW),
)
row("v1/automation/flows:batchGet", POST=act({"ids": ["{flow}"]}, foreign=OWN, read_only=OWN))
row("v1/automation/flows/<str:flow_id>", GET=act(), PUT=act(FLOW), DELETE=act())
row(
    "v1/automation/executions",
    GET=act(query="?include_flows=true", asks=("?include_flows=true", "?entity_id={entity}&include_flows=true")),
    POST=act(
        {"flow_id": "{flow}", "entity_id": "{entity}"},
        {"flow_id": "{flow}", "entity_id": "{entity}", "workflow_context": {"workflow_exec_id": "{execution}"}},
    ),
)
row("v1/automation/executions:search", POST=act({"entity_id": "{entity}", "include_flows": True}, **SEARCH))
row("v1/automation/executions/<str:execution_id>", fill={"execution_id": "{timed_run}"}, GET=act(), DELETE=act())
row("v1/automation/executions/<str:execution_id>/<key:action_id>/retrigger", fill=RUN | {"action_id": "a1"}, POST=act({}))
row(
    "v1/automation/executions/<str:execution_id>/schedules/<key:schedule_id>",
    fill={"execution_id": "{timed_run}", "schedule_id": "s"},
    DELETE=act(),
)
KEYED = "the signed token is the credential; what is none of ours is not there, whoever sends it"
row(
    "v1/automation/public/executions:resume",
    POST=act(
        {"resume_token": "{confirm}"},
        who="anonymous",
        foreign=OWN,
        nothing=OWN,
        anonymous=OWN,
        read_only=OWN,
        why=KEYED,
    ),
)
HOOKS = "v1/webhooks/configs"
HOOK = {"name": "New", "eventName": "FlowStarted", "url": "https://hooks.example.com/"}
MESSAGE = {"metadata": {"organization_id": "x"}}
LEFT_OUT = "what is no message of the endpoint is left out of the answer"
row("v1/webhooks/configured-events", GET=act())
row(HOOKS, GET=act(asks=("?eventName=kestrel",)), POST=act(HOOK, HOOK | {"flowTemplateId": "{template}"}))
row(f"{HOOKS}/<str:webhook_id>", GET=act(), PUT=act(HOOK, HOOK | {"flowTemplateId": "{template}"}), DELETE=act())
row(f"{HOOKS}/<str:webhook_id>/rotate-secret", POST=act())
row(f"{HOOKS}/<str:webhook_id>/trigger", POST=act(MESSAGE))
row(f"{HOOKS}/<str:webhook_id>/example", POST=act({}, read_only=OWN))
row(f"{HOOKS}/<str:webhook_id>/events", GET=act(asks=("?status=succeeded",)))
row(f"{HOOKS}/<str:webhook_id>/events/replay-batch", POST=act({"eventIds": ["{message}"]}, foreign=OWN, why=LEFT_OUT))
row(f"{HOOKS}/<str:webhook_id>/events/<str:event_id>", GET=act())
row(f"{HOOKS}/<str:webhook_id>/events/<str:event_id>/replay", POST=act({}))
row("v2/webhooks/configs/<str:webhook_id>/events", POST=act({}, {"event_id": "{message}"}, foreign=OWN, read_only=OWN))
row(
    "v1/agents/callbacks/<str:token>",
    fill={"token": "{agent_token}"},
    POST=act(
        {"status": "completed"},
        who="anonymous",
        nothing=OWN,
        anonymous=OWN,
        read_only=OWN,
        why=KEYED,
    ),
)
row("v1/agents/executions/<str:execution_id>/tasks/<str:task_id>/approve", fill=AGENT, POST=act({}))
row("v1/agents/executions/<str:execution_id>/tasks/<str:task_id>/reject", fill=AGENT, POST=act({"reason": "No"}))
row("api/schema", GET=act(nothing=OWN, anonymous=OWN, why="it describes the product and nobody's data"))
row("api/docs", GET=act(nothing=OWN, anonymous=OWN, why="a page of the product; trying it needs a token"))
NOTHING = act(ok=GONE)
row(
    r"^(?P<rest>(?:v1|v2|api)/[\s\S]*)$",
    path="v1/nothing",
    **dict.fromkeys(METHODS, NOTHING),
)

row("v1/access-tokens", GET=act(), POST=act({"name": "New", "read_only": True}))
row("v1/access-tokens/<key:token_id>", DELETE=act())

# --- pages: signing in, one's own things ----------------------------------------------------------------------------------

MINE: dict[str, Any] = {"nothing": OWN, "foreign": OWN}
OPEN: dict[str, Any] = MINE | {"anonymous": OWN}
SIGNING_IN = "everybody may try to sign in and out; it is about nobody else"
row("health/live", GET=act(**OPEN))
row("health/ready", GET=act(**OPEN))
row("favicon.ico", GET=act(**OPEN), POST=act(**OPEN))
TRIED = act({"username": "x", "password": "x"}, **OPEN, why=SIGNING_IN)
row("login", GET=act(**OPEN, why=SIGNING_IN), POST=TRIED)
row("login/code", GET=act(**OPEN, why=SIGNING_IN), POST=act({"code": "123456"}, **OPEN, why=SIGNING_IN))
NOT_SET_UP = {**OPEN, "ok": GONE, "why": "there is no provider in the settings of tests"}
row("login/oidc", GET=act(**NOT_SET_UP))
row("login/oidc/back", GET=act(**NOT_SET_UP))
ASKED = act({"email": "nobody@nowhere.example"}, **OPEN, who="anonymous", why="whoever has an address may ask for a link to it")
row("reset", GET=act(**OPEN), POST=ASKED)
row("reset/sent", GET=act(**OPEN))
row("reset/done", GET=act(**OPEN))
SET = act({"new_password1": "x", "new_password2": "x"}, **OPEN, why="the link is what lets in")
row("reset/<str:uidb64>/<str:token>", fill={"uidb64": "MQ", "token": "x-y"}, GET=act(**OPEN), POST=SET)
row("logout", POST=act(**OPEN, writes=True, why=SIGNING_IN))
row("language", POST=act({"language": "de"}, **OPEN, writes=True, why="everybody chooses for themselves"))
row("session", GET=act(**OPEN, why="it says who asks, and nothing of anybody else"))
row("signed-in", GET=act(**MINE))
row("preferences", GET=act(**MINE))
row("preferences/tour", POST=act(**MINE))
OWN_ACCOUNT: dict[str, Any] = MINE | {"writes": True, "why": "whatever one's role is, one's account is one's own"}
SHOWN = {"password": "correct horse battery"}
NEW_PASSWORD = {"old_password": SHOWN["password"], **dict.fromkeys(("new_password1", "new_password2"), "another long sentence")}
row("preferences/save", POST=act({"density": "compact"}, **OWN_ACCOUNT))
row("preferences/account", GET=act(**MINE))
row("preferences/password", POST=act(NEW_PASSWORD, **OWN_ACCOUNT))
row("preferences/sessions/others/end", POST=act(**OWN_ACCOUNT))
row("preferences/sessions/<slug:session_id>/end", fill={"session_id": "{session}"}, POST=act())
row("preferences/second-factor", GET=act(**MINE), POST=act({"code": "123456"}, **OWN_ACCOUNT))
row("preferences/second-factor/begin", POST=act(SHOWN, **OWN_ACCOUNT))
row("preferences/second-factor/codes", POST=act(SHOWN, **OWN_ACCOUNT, who="member"))
row("preferences/second-factor/off", POST=act(SHOWN, **OWN_ACCOUNT, who="member"))
row("undo", POST=act())
row("palette", GET=act(asks=("?q=kestrel", "?task={task_ask}", "?q=open&task={task_ask}"), nothing=OWN))
row("live", GET=act())

# --- pages: the organisation ----------------------------------------------------------------------------------------------

row("organisation/tokens", GET=act())
row("organisation/tokens/new", GET=act())
row("organisation/tokens/create", POST=act({"name": "New", "days": "7"}))
row("organisation/tokens/<slug:token_id>/renew", POST=act({"overlap": "day"}))
row("organisation/tokens/<slug:token_id>/renew/ask", GET=act())
row("organisation/tokens/<slug:token_id>/revoke", POST=act())
row("organisation/tokens/<slug:token_id>/revoke/ask", GET=act())
TRAIL = ("?q=kestrel", "?q={execution}", "?actor={owner}", "?kind=sign_in", "?request={execution}")
row("organisation/audit", GET=act(asks=TRAIL))
TAKEN_OUT = "who took the trail out of it stands in it"
row("organisation/audit.csv", GET=act(asks=TRAIL, writes=True, why=TAKEN_OUT))
row("organisation/audit.json", GET=act(asks=TRAIL, writes=True, why=TAKEN_OUT))
row("organisation/roles", GET=act())
row("organisation/roles/new", GET=act(), POST=act({"name": "New", "action": ["kanban:view"]}))
row("organisation/roles/<slug:slug>", GET=act(), POST=act({"name": "New", "action": ["kanban:view"]}))
row("organisation/roles/<slug:slug>/delete", POST=act())
row("organisation/roles/<slug:slug>/delete/ask", GET=act())
row("organisation/members", GET=act())
row("organisation/second-factor", POST=act({"demanded": "on"}))
row("organisation/members/<str:user_id>/second-factor/reset", POST=act())
row("organisation/members/<str:user_id>/remove/ask", GET=act())
row("organisation/members/<str:user_id>", POST=act({"role": "viewer"}, {"role": "{role}"}, {"remove": "1"}))

# --- pages: automation ----------------------------------------------------------------------------------------------------

FORM = {"name": "New", "url": "https://hooks.example.com/", "events": ["FlowStarted"]}
AGENT_FORM = {"name": "New", "url": "https://hooks.example.com/", "mode": "automatic", "seconds": "30", "runs_a_day": "10"}
row("automation", GET=act(asks=("?status=failed", "?status=given-up", "?status=paused")))
row("automation/jobs/<uuid:job_id>/redrive", POST=act())
row("automation/webhooks", GET=act())
row("automation/webhooks/new", GET=act())
row("automation/webhooks/create", POST=act(FORM, FORM | {"template": "{template}"}))
row("automation/webhooks/<uuid:webhook_id>", GET=act(asks=("?status=succeeded",)))
row("automation/webhooks/<uuid:webhook_id>/form", GET=act())
row("automation/webhooks/<uuid:webhook_id>/save", POST=act(FORM, FORM | {"template": "{template}"}))
row("automation/webhooks/<uuid:webhook_id>/pause", POST=act({"enabled": "false"}))
row("automation/webhooks/<uuid:webhook_id>/secret", POST=act())
row("automation/webhooks/<uuid:webhook_id>/test", POST=act())
row("automation/webhooks/<uuid:webhook_id>/delete", POST=act())
row("automation/webhooks/<uuid:webhook_id>/delete/ask", GET=act())
row("automation/webhooks/<uuid:webhook_id>/messages/<str:message_id>/replay", POST=act())
row("automation/agents", GET=act())
row("automation/agents/new", GET=act())
row("automation/agents/create", POST=act(AGENT_FORM))
row("automation/agents/<uuid:agent_id>/form", GET=act())
row("automation/agents/<uuid:agent_id>/save", POST=act(AGENT_FORM))
row("automation/agents/<uuid:agent_id>/secret", POST=act())
row("automation/agents/<uuid:agent_id>/delete", POST=act())
row("automation/agents/<uuid:agent_id>/delete/ask", GET=act())
row("executions/<uuid:execution_id>/tasks/<uuid:task_id>/agent", fill=AGENT, POST=act({"approved": "true"}))

# --- pages: guests --------------------------------------------------------------------------------------------------------

SHOWN = {"execution_id": "{shown_execution}", "task_id": "{shown_task_ask}"}
row("shared", GET=act(who="fitter", **MINE))
row("shared/<uuid:execution_id>/<uuid:task_id>", fill=SHOWN, GET=act(who="fitter"))
row("shared/<uuid:execution_id>/<uuid:task_id>/finish", fill=SHOWN, POST=act(who="fitter"))
row("shared/<uuid:execution_id>/<uuid:task_id>/comment", fill=SHOWN, POST=act({"text": "Done"}, who="fitter"))
LINK: dict[str, Any] = {"who": "anonymous", "anonymous": OWN, "nothing": OWN, "why": KEYED}
NEW_GUEST = {"name": "New", "password": "correct horse battery"}
row("invitation/<str:token>", fill={"token": "{invitation}"}, GET=act(**LINK), POST=act(NEW_GUEST, **LINK))
row("portal/<str:token>", fill={"token": "{portal}"}, GET=act(**LINK), POST=act({"task": "{shown_task_ask}"}, **LINK))
row("confirm/<str:token>", fill={"token": "{confirm}"}, GET=act(**LINK), POST=act(**LINK))
NEW_SHARE = {"audience": "partner", "partner": "{partner}"}
TO_ANYBODY = "an execution may be shared with any organisation of the installation, by its id: that is what partners are"
row(
    "executions/<uuid:execution_id>/share",
    GET=act(),
    POST=act(NEW_SHARE, {"audience": "ecp"}, NEW_SHARE | {"all": "1"}, foreign=OWN, why=TO_ANYBODY),
)
row(
    "executions/<uuid:execution_id>/share/<uuid:share_id>/revoke",
    fill={"execution_id": "{shown_execution}"},
    POST=act(),
)

# --- pages: work ----------------------------------------------------------------------------------------------------------

NOWHERE = "?after=~00000000-0000-4000-8000-000000000000"
row("", GET=act(asks=("?task={task_ask}",)))
row("tasks/<slug:group>/more", fill={"group": "none"}, GET=act(query=NOWHERE, asks=("?after=~{task_ask}",)))
row("tasks/<uuid:task_id>/edit/add", GET=act())
row("tasks/<uuid:task_id>/days", GET=act())
row("tasks/<uuid:task_id>/mine", POST=act())
for name in ("status", "assignees", "due_date"):
    row(f"tasks/<uuid:task_id>/edit/{name}", GET=act())
    row(f"bulk/{name}", GET=act())
row("bulk", POST=act({"task": ["{task_ask}"], "field": "status", "value": "COMPLETED"}, foreign=OWN, why="it is refused as gone"))
row("bulk/<uuid:change_id>", GET=act())
row("bulk/<uuid:change_id>/undo", POST=act())
row("executions/<uuid:execution_id>/undo/<int:seq>", fill={"execution_id": "{acted_execution}"}, POST=act())
VIEWS = tuple(f"?by={by}&view={form}" for by in ("status", "assignee", "template") for form in ("board", "list", "calendar"))
row(
    "board",
    GET=act(
        query="?by=status",
        asks=(
            *VIEWS,
            "?by=status&task={task_ask}",
            "?saved={board}",
            "?q=kestrel",
            "?by=status&view=list&entity={entity}",
            "?by=status&template={template}",
            "?by=status&assignee={owner}",
            "?by=status&entity=contact~{entity}",
        ),
    ),
)
row("board/more", GET=act(query="?column=PENDING&after=~{task_ask}", asks=("?column=PENDING&after=~{task_ask}",)))
row("board/subjects", GET=act(query="?words=last", asks=("?words=kestrel",)))
row("board/tasks/<uuid:task_id>/moves", GET=act())
HERE = {"HX-Request": "true", "HX-Current-URL": "http://testserver/board?by=status"}
ON_BOARD = {"HX-Request": "true", "HX-Current-URL": "http://testserver/board?saved={board}"}
row("board/tasks/<uuid:task_id>/move", POST=act({"to": "IN_PROGRESS", "from": "PENDING", "was": "PENDING"}, headers=HERE))
row("board/save", GET=act(headers=ON_BOARD), POST=act({"title": "New"}, headers=HERE))
row("board/update", POST=act(headers=ON_BOARD))
row("board/views/<str:board_id>/delete", GET=act(), POST=act())
row("board/views/<str:board_id>/default", POST=act({}, {"off": "1"}, stranger=GONE | {200}))
row("executions", GET=act(asks=("?q=kestrel", "?status=CLOSED", "?after=2999-01-01T00:00:00%2B00:00~{execution}")))
row("templates", GET=act(), POST=act({}, ok=frozenset({422})))
row("templates/<slug:template_id>.json", GET=act())
row("start", GET=act(), POST=act({"template": "{template}", "entity": "contact~{entity}"}))
row("start/entities", GET=act(asks=("?q=kestrel",)))
ONE = "executions/<uuid:execution_id>"
row(
    ONE,
    GET=act(
        query="?task={task_ask}",
        asks=("?task={task_ask}", "?view=history", "?view=table&task={task_ask}"),
    ),
)
row(f"{ONE}/comments", POST=act({"text": "New"}, {"text": "New", "task": "{task_ask}"}))
row("comments/people", GET=act(asks=("?q=kestrel",)))
row("comments/mentions/read", POST=act({"mention": "{mention}"}, {}, foreign=OWN, why="only one's own are marked"))
row("comments/<uuid:comment_id>/form", GET=act())
row("comments/<uuid:comment_id>/save", POST=act({"text": "New"}))
row("comments/<uuid:comment_id>/delete", POST=act())
row("comments/<uuid:comment_id>/delete/ask", GET=act())
row(f"{ONE}/live", GET=act())
row(f"{ONE}/presence", POST=act())
row(f"{ONE}/close", GET=act(), POST=act({"reason": "{reason}"}))
row(f"{ONE}/reopen", fill={"execution_id": "{closed_execution}"}, POST=act())
row(f"{ONE}/delete", GET=act(), POST=act())
row(f"{ONE}/tasks/new", GET=act())
ONE_LINEAR = {"execution_id": "{linear_execution}"}
row(f"{ONE}/tasks/quick", GET=act(query="?phase={phase}", asks=("?phase={phase}",)))
row(f"{ONE}/tasks/quick/add", fill=ONE_LINEAR, POST=act({"name": "New", "phase": "{linear_phase}"}))
row(f"{ONE}/tasks/add", fill=ONE_LINEAR, POST=act({"name": "New", "place": "{linear_task_t1}~{linear_task_t2}"}))
row(f"{ONE}/tasks/<uuid:task_id>/run", fill=MACHINE, POST=act())
row(f"{ONE}/tasks/<uuid:task_id>/refresh", fill=MACHINE, POST=act())
row(f"{ONE}/tasks/<uuid:task_id>/moves", GET=act())
FINISHED = {"execution_id": "{finished_execution}", "task_id": "{finished_task_t1}"}
row(f"{ONE}/tasks/<uuid:task_id>/back", fill=FINISHED, GET=act())
row(f"{ONE}/tasks/<uuid:task_id>/schedule/cancel", fill=TIMED, POST=act())
row(f"{ONE}/due_date", POST=act({"due_date": "2027-01-31"}))
row(f"{ONE}/assignees", POST=act({"assigned_to": ["{member}"]}, foreign=OWN, why=OPAQUE))
row(f"{ONE}/tasks/<uuid:task_id>/status", POST=act({"status": "COMPLETED", "was": "PENDING"}))
row(f"{ONE}/tasks/<uuid:task_id>/due_date", POST=act({"due_date": "2027-01-31", "was": ""}))
row(f"{ONE}/tasks/<uuid:task_id>/assignees", POST=act({"assigned_to": ["{member}"]}, foreign=OWN, why=OPAQUE))
row(f"{ONE}/tasks/<uuid:task_id>/name", POST=act({"name": "New", "was": "{task_name}"}))
row(f"{ONE}/tasks/<uuid:task_id>/description", POST=act({"description": "New", "was": "{task_description}"}))

# --- the admin site -------------------------------------------------------------------------------------------------------

SITE = reverse("admin:index")[1:]
WRONG = frozenset({405})
NOT_THERE = frozenset({302, 403, 404, 405})
STAFF: dict[str, Any] = {"foreign": OWN, "nothing": SIGN_IN}
THING: dict[str, Any] = {"stranger": NOT_THERE, "foreign": OWN, "nothing": SIGN_IN}
SUPER: dict[str, Any] = {"stranger": frozenset({403}), "nothing": SIGN_IN, "who": "super"}
row(SITE, GET=act(**STAFF), POST=act(**STAFF))
row(f"{SITE}login/", GET=act(**OPEN | {"nothing": OWN | NEVER}))
row(f"{SITE}logout/", GET=act(ok=frozenset({405}), **STAFF), POST=act(writes=True, **STAFF))
row(f"{SITE}password_change/", GET=act(**STAFF), POST=act({}, **STAFF))
row(f"{SITE}password_change/done/", GET=act(**STAFF), POST=act(ok=WRONG, **STAFF))
PEOPLE = "?app_label=workflows&model_name=membership&field_name=user&term="
row(
    f"{SITE}autocomplete/",
    GET=act(query=PEOPLE, asks=(PEOPLE, f"{PEOPLE}kestrel"), **STAFF),
    POST=act(ok=frozenset({403, 405}), **STAFF),
)
row(f"{SITE}jsi18n/", GET=act(**STAFF), POST=act(ok=WRONG, **STAFF))
row(
    f"{SITE}r/<path:content_type_id>/<path:object_id>/",
    fill={"content_type_id": "1", "object_id": "1"},
    GET=act(ok=GONE, **STAFF),
    POST=act(ok=GONE, **STAFF),
)
row(f"{SITE}^(?P<app_label>auth|workflows)/$", path=f"{SITE}workflows/", GET=act(**STAFF), POST=act(**STAFF))
row(f"{SITE}(?P<url>.*)$", path=f"{SITE}nothing", GET=act(ok=GONE | {302}, **STAFF), POST=act(ok=GONE | {302}, **STAFF))

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "workflows/closingreason": (
        "{reason}",
        {"organisation": "{organisation}", "title": "New", "status": "ACTIVE", "position": "0"},
    ),
    "workflows/flowtemplate": ("{template}", {}),
    "workflows/automationflow": ("{flow}", {}),
    "workflows/webhook": ("{webhook}", {}),
    "workflows/apitoken": ("{quoted_token}", {"organisation": "{organisation}", "name": "New", "role": "viewer"}),
    "workflows/organisation": ("{organisation}", {"name": "New", "slug": "new", "time_zone": "Europe/Berlin"}),
    "workflows/user": ("{member}", {"email": "new@new.example", "name": "New"}),
    "auth/group": ("{group}", {"name": "New"}),
}
# The form of an organisation has its members in it.
INLINE = {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
FORBIDDEN = frozenset({200, 302, 403})
for name, (thing, form) in MODELS.items():
    kind: dict[str, Any] = SUPER if name == "auth/group" else THING
    every: dict[str, Any] = SUPER if name == "auth/group" else STAFF
    base = f"{SITE}{name}/"
    own = {"object_id": thing, "id": thing}
    row(base, GET=act(asks=("?q=kestrel",), **every), POST=act({}, **every))
    row(
        f"{base}add/",
        GET=act(ok=FORBIDDEN, **every),
        POST=act(form | INLINE, ok=FORBIDDEN, **every | {"foreign": OWN | NEVER}),
    )
    row(f"{base}<path:object_id>/", fill=own, **dict.fromkeys(("GET", "POST"), act(**kind | {"stranger": NOT_THERE})))
    row(f"{base}<path:object_id>/history/", fill=own, GET=act(**kind), POST=act(**kind))
    row(
        f"{base}<path:object_id>/delete/",
        fill=own,
        GET=act(ok=FORBIDDEN, **kind),
        POST=act({"post": "yes"}, ok=FORBIDDEN, **kind),
    )
    row(f"{base}<path:object_id>/change/", fill=own, GET=act(**kind), POST=act(form | INLINE, ok=FORBIDDEN, **kind))
PASSWORDS = {"password1": "correct horse battery", "password2": "correct horse battery", "usable_password": "true"}
row(f"{SITE}workflows/user/<id>/password/", fill={"id": "{member}"}, GET=act(**THING), POST=act(PASSWORDS, **THING))

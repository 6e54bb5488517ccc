"""Who acts, and what a role may do: the one place that the API and the dashboard ask.

Action names are the public ones (`workflow:execution:trigger`, ...). A role is a list of grants: an action, which may end in `*`,
allowed or denied, under conditions that must all hold. What no grant allows is refused, and an explicit deny wins.
Which tasks and executions an actor may see or change is answered as a condition over rows (`tasks_within`), so that lists,
boards, searches and single things are judged by the same words; whoever may see everything pays no query for it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from workflows.models.execution import Assignment, ContextRef, Execution, Task
from workflows.models.history import ActorKind
from workflows.models.organisation import Organisation, Role
from workflows.models.sharing import Audience, Share, is_live

VIEW = "workflow:execution:view"
UPDATE = "workflow:execution:task:update"
ACTIONS = (
    *(f"workflow:definition:{verb}" for verb in ("view", "create", "edit", "delete")),
    *(f"workflow:execution:{verb}" for verb in ("view", "trigger", "cancel", "delete", "update_details")),
    *(
        f"workflow:execution:task:{verb}"
        for verb in ("view_assigned", "update", "update_assigned", "assign", "update_date", "add", "notes")
    ),
    *(f"automation:{verb}" for verb in ("view", "create", "edit", "delete", "trigger")),
    *(f"webhook:{verb}" for verb in ("view", "create", "edit", "delete")),
    *(f"kanban:{verb}" for verb in ("view", "edit", "all_assignee_filters", "set_org_default_board")),
    *(f"entity:{verb}" for verb in ("view", "create", "edit", "delete")),
    "token:create",
    "audit:view",
    *(f"{noun}:{verb}" for noun in ("role", "member", "share") for verb in ("view", "edit")),
)
# What stands for an action where a task is the actor's own: assigned to them, or shared with them as a partner.
OWN = {VIEW: "workflow:execution:task:view_assigned", UPDATE: "workflow:execution:task:update_assigned"}
MOST_GRANTS, MOST_VALUES = 200, 100

# What conditions may ask about a task, and about an execution whatever task it is; as columns of tasks.
EXECUTION_COLUMNS = {
    "flow_template_id": "execution__template_id",
    "execution_name": "execution__name",
    "execution_status": "execution__status",
    "started_by": "execution__started_by",
}
TASK_COLUMNS = EXECUTION_COLUMNS | {
    "name": "name",
    "status": "status",
    "task_type": "task_type",
    "template_id": "template_id",
    "phase_name": "phase__name",
}
# Attributes that hold people.
PEOPLE = ("assigned_to", "started_by")
OPERATIONS = ("equals", "not_equals", "equals_current_user", "not_equals_current_user")


# The actions that change nothing.
READS = tuple(action for action in ACTIONS if action.rpartition(":")[2] in ("view", "view_assigned", "all_assignee_filters"))


class Limits(NamedTuple):
    """What a token may do at most of what its role may: all of it without scopes."""

    scopes: tuple[str, ...] = ()
    read_only: bool = False


NO_LIMITS = Limits()


class PermissionRefused(Exception):
    """The actor may see the thing but not do this to it."""

    def __init__(self, action: str) -> None:
        super().__init__(f"Forbidden: this needs the right {action}")
        self.action = action


class BadGrant(ValueError):
    """A grant that cannot be kept; `path` is where."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Condition(NamedTuple):
    """One of `attributes` has one of `values`, or holds the current user; or none has."""

    attributes: tuple[str, ...]
    operation: str
    values: tuple[str, ...] = ()

    @property
    def is_negated(self) -> bool:
        return self.operation.startswith("not_")


class Grant(NamedTuple):
    action: str
    is_deny: bool = False
    conditions: tuple[Condition, ...] = ()

    def covers(self, action: str) -> bool:
        return self.action == action or (self.action.endswith("*") and action.startswith(self.action[:-1]))


class Reach(NamedTuple):
    """For one action: alternatives of conditions under which it is allowed, and those under which it is denied."""

    allowed: tuple[tuple[Condition, ...], ...]
    denied: tuple[tuple[Condition, ...], ...]

    @property
    def is_everything(self) -> bool:
        return () in self.allowed and not self.denied

    @property
    def is_nothing(self) -> bool:
        return not self.allowed or () in self.denied


class Policy:
    """The grants of a role, asked by action."""

    def __init__(self, grants: Sequence[Grant]) -> None:
        self.grants = tuple(grants)
        self._found: dict[str, Reach] = {}

    def reach(self, action: str) -> Reach:
        found = self._found.get(action)
        if found is None:
            about = [grant for grant in self.grants if grant.covers(action)]
            found = Reach(
                tuple(grant.conditions for grant in about if not grant.is_deny),
                tuple(grant.conditions for grant in about if grant.is_deny),
            )
            self._found[action] = found
        return found


def parse_grants(entries: Any) -> tuple[Grant, ...]:
    """Read the grants of a role as they are sent and kept. Raises BadGrant naming what is wrong."""
    if not isinstance(entries, list) or len(entries) > MOST_GRANTS:
        raise BadGrant("grants", f"must be a list of at most {MOST_GRANTS} grants")
    return tuple(_parse_grant(f"grants[{index}]", entry) for index, entry in enumerate(entries))


def _parse_grant(path: str, entry: Any) -> Grant:
    if not isinstance(entry, dict):
        raise BadGrant(path, "must be an object")
    action, effect = entry.get("action"), entry.get("effect") or "allow"
    if not isinstance(action, str) or not any(_names(action, known) for known in ACTIONS):
        raise BadGrant(f"{path}.action", "is no action that there is")
    if effect not in ("allow", "deny"):
        raise BadGrant(f"{path}.effect", "must be allow or deny")
    if entry.get("resource") not in (None, "", "*"):
        raise BadGrant(f"{path}.resource", "only * is understood; say the rest with conditions")
    conditions = entry.get("conditions") or []
    if not isinstance(conditions, list) or len(conditions) > MOST_VALUES:
        raise BadGrant(f"{path}.conditions", f"must be a list of at most {MOST_VALUES}")
    if conditions and not action.startswith("workflow:execution:"):
        raise BadGrant(f"{path}.conditions", "only actions on executions and their tasks take conditions")
    parsed = (_parse_condition(f"{path}.conditions[{i}]", action, each) for i, each in enumerate(conditions))
    return Grant(action, effect == "deny", tuple(parsed))


def _names(pattern: str, action: str) -> bool:
    return pattern == action or (pattern.endswith("*") and action.startswith(pattern[:-1]))


def _parse_condition(path: str, action: str, entry: Any) -> Condition:
    operation = entry.get("operation") if isinstance(entry, dict) else None
    if operation not in OPERATIONS:
        raise BadGrant(f"{path}.operation", f"must be one of {', '.join(OPERATIONS)}")
    of_person = operation.endswith("_current_user")
    attributes = entry.get("attributes") or ([entry["attribute"]] if entry.get("attribute") else [])
    if of_person and not attributes:
        attributes = list(PEOPLE)
    known = PEOPLE if of_person else (*PEOPLE, *(TASK_COLUMNS if is_about_task(action) else EXECUTION_COLUMNS))
    if not isinstance(attributes, list) or not attributes or any(name not in known for name in attributes):
        raise BadGrant(f"{path}.attribute", f"must be one of {', '.join(dict.fromkeys(known))}")
    values = [] if of_person else entry.get("values")
    if not isinstance(values, list) or len(values) > MOST_VALUES or not all(isinstance(value, str) for value in values):
        raise BadGrant(f"{path}.values", f"must be a list of at most {MOST_VALUES} texts")
    if not of_person and not values:
        raise BadGrant(f"{path}.values", "at least one is needed")
    return Condition(tuple(attributes), operation, tuple(values))


def is_about_task(action: str) -> bool:
    return action.startswith("workflow:execution:task:")


def _allow(*actions: str) -> Policy:
    return Policy([Grant(action) for action in actions])


_VIEWER = ("workflow:definition:view", VIEW, "automation:view", "kanban:view", "entity:view")
_WORK = ("workflow:*", "automation:*", "webhook:*", "kanban:*", "entity:*", "token:create")
BUILT_IN: Mapping[str, Policy] = {
    Role.OWNER: _allow("*"),
    Role.MANAGER: _allow(*_WORK, "share:*", "member:*", "role:view", "audit:view"),
    Role.INTEGRATION: _allow(*_WORK),
    Role.MEMBER: _allow(
        *_VIEWER,
        "workflow:execution:trigger",
        "workflow:execution:cancel",
        "workflow:execution:update_details",
        "workflow:execution:task:*",
        "entity:create",
        "entity:edit",
        "automation:trigger",
        "kanban:edit",
        "kanban:all_assignee_filters",
    ),
    Role.VIEWER: _allow(*_VIEWER),
    Role.PARTNER: _allow(*OWN.values(), "workflow:execution:task:notes"),
}
NO_POLICY = Policy(())
# What a partner may do to a task that is shared with them, which nobody may to their own: there `UPDATE` is asked.
FINISH = "workflow:execution:task:finish_shared"
GUEST_VIEWS, GUEST_WORKS = _allow(OWN[VIEW]), _allow(OWN[VIEW], FINISH, "workflow:execution:task:notes")


@lru_cache(maxsize=1024)
def _compile(grants: str) -> Policy:
    try:
        return Policy(parse_grants(orjson.loads(grants)))
    except ValueError:
        # What cannot be read grants nothing.
        return NO_POLICY


def policy_of(role: str, grants: str | None = None) -> Policy:
    """Return what a role allows: one that the product has, or `grants`, the JSON of a role of the organisation's own."""
    return BUILT_IN.get(role) or (_compile(grants) if grants else NO_POLICY)


@lru_cache(maxsize=1024)
def narrowed(role: str, grants: str | None, limits: Limits) -> Policy:
    """Return what a role allows within the limits of a token."""
    return within(policy_of(role, grants), limits)


def within(policy: Policy, limits: Limits) -> Policy:
    """Return what is left of a policy within the limits of a token: of each grant as much as they cover."""
    for patterns in (limits.scopes, READS if limits.read_only else ()):
        if patterns:
            policy = Policy([each for grant in policy.grants for each in _within_patterns(grant, patterns)])
    return policy


def _within_patterns(grant: Grant, patterns: Sequence[str]) -> Iterator[Grant]:
    """Yield what is left of a grant; what is denied stays denied."""
    if grant.is_deny or any(_names(pattern, grant.action) for pattern in patterns):
        yield grant
        return
    for pattern in patterns:
        if _names(grant.action, pattern):
            yield Grant(pattern, False, grant.conditions)


@dataclass(frozen=True)
class Guest:
    """Who is let into an organisation by what it shares: the members of a partner, a person by e-mail, or the holder of a link.

    `names`: assignees that mean them. `task_ids`: all that is theirs, where that is known beforehand.
    """

    may_work: bool
    partner_id: int | None = None
    user_id: int | None = None
    names: frozenset[str] = frozenset()
    task_ids: frozenset[UUID] | None = None

    def shares(self) -> QuerySet[Share]:
        """Return what is shared with them now, by whichever organisation."""
        rows = Share.objects.filter(is_live(timezone.now()), audience=Audience.PARTNER)
        return rows.filter(_is(partner_id=self.partner_id) | _is(user_id=self.user_id))

    def tasks(self) -> Q:
        """Return the condition over tasks for those that are shared with them."""
        if self.task_ids is not None:
            return Q(pk__in=self.task_ids)
        shares = self.shares()
        about = ContextRef.objects.filter(entity_id__in=shares.exclude(entity_id=None).values("entity_id"))
        shared = Q(execution_id__in=shares.exclude(execution=None).values("execution_id"))
        shared |= Q(execution_id__in=about.values("execution_id"))
        return shared & (
            Q(for_partner=True) | Q(Exists(Assignment.objects.filter(task_id=OuterRef("pk"), assignee__in=self.names)))
        )


def _is(**wanted: int | None) -> Q:
    """Return the condition that a column has a value; never met for no value."""
    return Q(pk__in=[]) if None in wanted.values() else Q(**wanted)


@dataclass(frozen=True)
class Actor:
    """Who asks: a person, an API token or the system, always inside one organisation. `id` is what history records.

    `grants` is the JSON of the role when it is one of the organisation's own. A `guest` has no role: what is shared decides.
    """

    organisation: Organisation
    kind: ActorKind
    id: str = ""
    role: str = ""
    grants: str | None = field(default=None, compare=False, repr=False)
    guest: Guest | None = None
    limits: Limits = NO_LIMITS

    @cached_property
    def policy(self) -> Policy:
        if self.guest is not None:
            return within(GUEST_WORKS if self.guest.may_work else GUEST_VIEWS, self.limits)
        return narrowed(self.role, self.grants, self.limits)

    def may(self, action: str) -> bool:
        """Whether the actor may do `action` to whatever there is; a right under conditions is none."""
        return self.kind is ActorKind.SYSTEM or self.policy.reach(action).is_everything

    def might(self, action: str) -> bool:
        """Whether there may be things to which the actor may do `action`."""
        if self.kind is ActorKind.SYSTEM:
            return True
        reach = self.policy.reach(action)
        own = self.policy.reach(OWN[action]) if action in OWN else reach
        return () not in reach.denied and not (reach.is_nothing and own.is_nothing)

    def may_with(self, action: str, facts: Mapping[str, str]) -> bool:
        """Whether the actor may do `action` where nothing is yet but `facts`: the names of attributes and their values."""
        if self.may(action):
            return True
        reach = self.policy.reach(action)
        return any(_holds(c, facts, self.id) for c in reach.allowed) and not any(_holds(c, facts, self.id) for c in reach.denied)

    def require(self, action: str) -> None:
        """Raise PermissionRefused unless the actor may do `action` to whatever there is."""
        if not self.may(action):
            raise PermissionRefused(action)

    def require_some(self, action: str) -> None:
        """Raise PermissionRefused when there is nothing to which the actor may do `action`."""
        if not self.might(action):
            raise PermissionRefused(action)


def _holds(conditions: Sequence[Condition], facts: Mapping[str, str], actor_id: str) -> bool:
    def match(condition: Condition) -> bool:
        wanted = condition.values or (actor_id,)
        return any(facts.get(name, "") in wanted for name in condition.attributes) is not condition.is_negated

    return all(match(condition) for condition in conditions)


NEVER = Q(pk__in=[])
# Not Q(): that one is neutral, and what is joined to it by "or" would restrict it.
EVERYTHING = ~NEVER


def tasks_within(actor: Actor, action: str) -> Q:
    """Return the condition over tasks for those to which the actor may do `action`; it says nothing of the organisation."""
    return _within(actor, action, "tasks")


def executions_within(actor: Actor, action: str) -> Q:
    """Return the same over executions; one is seen when one of its tasks is."""
    return _within(actor, action, "executions")


def _within(actor: Actor, action: str, rows: str) -> Q:
    if actor.may(action):
        return Q()
    if not actor.might(action):
        return NEVER
    reach = actor.policy.reach(action)
    allowed = _any_of(actor, reach.allowed, action, rows)
    if action in OWN:
        own_reach = actor.policy.reach(OWN[action])
        own = own_tasks(actor) & _any_of(actor, own_reach.allowed, OWN[action], "tasks")
        if own_reach.denied:
            own &= ~_any_of(actor, own_reach.denied, OWN[action], "tasks")
        if rows == "executions":
            own = Q(pk__in=Task.objects.filter(own, organisation=actor.organisation).values("execution_id"))
        allowed |= own
    return allowed & ~_any_of(actor, reach.denied, action, rows) if reach.denied else allowed


def own_tasks(actor: Actor) -> Q:
    """Return the condition over tasks for those that are the actor's own."""
    if actor.guest is not None:
        return actor.guest.tasks()
    own = Assignment.objects.filter(organisation=actor.organisation, assignee=actor.id, task__isnull=False)
    return Q(pk__in=own.values("task_id"))


def _any_of(actor: Actor, alternatives: Sequence[Sequence[Condition]], action: str, rows: str) -> Q:
    if () in alternatives:
        return EVERYTHING
    result = NEVER
    for conditions in alternatives:
        result |= _all_of(actor, conditions, action, rows)
    return result


def _all_of(actor: Actor, conditions: Sequence[Condition], action: str, rows: str) -> Q:
    result = Q()
    for condition in conditions:
        people = condition.values or (actor.id,)
        found = NEVER
        for name in condition.attributes:
            if name == "assigned_to":
                found |= _is_assigned(people, action, rows)
            elif name in TASK_COLUMNS:
                column = TASK_COLUMNS[name] if rows == "tasks" else TASK_COLUMNS[name].removeprefix("execution__")
                found |= Q(**{f"{column}__in": people})
        result &= ~found if condition.is_negated else found
    return result


def _is_assigned(people: Collection[str], action: str, rows: str) -> Q:
    """Of a task its own assignees count where the action is on tasks; else all who are assigned to anything of the execution."""
    if rows == "tasks" and is_about_task(action):
        return Q(Exists(Assignment.objects.filter(task_id=OuterRef("pk"), assignee__in=people)))
    key = "execution_id" if rows == "tasks" else "pk"
    return Q(Exists(Assignment.objects.filter(execution_id=OuterRef(key), assignee__in=people)))


def allowed_tasks(actor: Actor, action: str, ids: Collection[UUID]) -> Collection[UUID]:
    """Return those of the tasks to which the actor may do `action`; no query for whoever may to all, or to none."""
    if actor.may(action):
        return ids
    if not ids or not actor.might(action):
        return ()
    rows = Task.objects.filter(tasks_within(actor, action), organisation=actor.organisation, pk__in=ids)
    return set(rows.values_list("pk", flat=True))


def may_on_task(actor: Actor, action: str, task_id: UUID) -> bool:
    return bool(allowed_tasks(actor, action, [task_id]))


def may_on_execution(actor: Actor, action: str, execution_id: UUID) -> bool:
    if actor.may(action) or not actor.might(action):
        return actor.may(action)
    rows = Execution.objects.filter(executions_within(actor, action), organisation=actor.organisation, pk=execution_id)
    return rows.exists()

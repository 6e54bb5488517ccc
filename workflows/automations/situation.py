"""What an action has at hand while it is done, and what kinds of actions there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workflows.engine.conditions import Facts
from workflows.engine.paths import fill, parse_path, read_path
from workflows.models import ActorKind, AutomationAction, AutomationExecution, Job, User
from workflows.permissions import Actor
from workflows.services.automation_run import Outcome, gather_run_facts
from workflows.services.entity_triggers import Origin


class CannotDo(Exception):
    """An action that cannot be done as it is configured; trying again changes nothing. `code` is one of the contract's."""

    def __init__(self, code: str, reason: str, **info: Any) -> None:
        super().__init__(reason)
        self.code = code
        self.info = info


@dataclass(frozen=True)
class Situation:
    """One action of one run, and the job that does it."""

    execution: AutomationExecution
    action: AutomationAction
    job: Job

    @property
    def config(self) -> Mapping[str, Any]:
        config = self.action.design.get("config")
        return config if isinstance(config, dict) else {}

    @property
    def actor(self) -> Actor:
        """An action acts as the system, in the organisation of its run."""
        return Actor(self.execution.organisation, ActorKind.SYSTEM)

    @property
    def origin(self) -> Origin:
        """What led to what the action changes, so that circles end."""
        context = self.execution.context
        return Origin(context.get("chain") or [], context.get("execution_chain") or {}, context.get("caller") or "")

    @cached_property
    def facts(self) -> Facts:
        return gather_run_facts(self.execution)

    @property
    def entity(self) -> Mapping[str, Any]:
        """The entity that the run is about. Raises CannotDo when it is gone."""
        if not self.facts.primary:
            raise CannotDo("ENTITY_NOT_FOUND", "The entity that this automation is about does not exist any more")
        return self.facts.primary

    def text(self, name: str) -> str:
        """Return a part of the configuration that has to be a text; empty when it is missing."""
        value = self.config.get(name)
        if value is not None and not isinstance(value, str):
            raise CannotDo("BAD_CONFIG", f"{name} must be a text")
        return value or ""

    def find(self, text: str) -> Any:
        """Return what a path leads to: `entity.email`, `contact.email`, `workflow.name`, `user.name`, or an attribute's name."""
        try:
            path = parse_path(text)
        except ValueError:
            return None
        if path[:2] == ("trigger", "entity"):
            path = path[1:]
        root, rest = path[0], path[1:]
        roots = {"entity": self.facts.primary, "workflow": self.facts.workflow, **self.facts.by_schema}
        if root == "user" and rest:
            return read_path(self.user, rest)
        if root in roots and rest:
            return read_path(roots[str(root)], rest)
        return read_path(self.facts.primary, path)

    @cached_property
    def user(self) -> Mapping[str, Any]:
        """The person on whose behalf the run goes, as far as one is known."""
        key = self.execution.context.get("caller") or ""
        if not key.isdecimal():
            return {}
        user = User.objects.filter(pk=int(key), memberships__organisation=self.execution.organisation).first()
        return {"id": key, "name": str(user), "email": user.email} if user else {}

    def fill(self, text: str, **more: str) -> str:
        """Put values in the place of `{{path}}`."""
        return fill(text, lambda path: more[path] if path in more else self.find(path))


@dataclass(frozen=True, slots=True)
class ActionType:
    """A kind of action. `error_code`: what it fails with when its tries are used up.

    One that talks to the outside has `call`. One that only writes here has `apply`, which is done in the transaction that ends
    its job, and so exactly once; with both, `call` comes first and returns None to leave it to `apply`.
    """

    error_code: str
    call: Callable[[Situation], Outcome | None] | None = None
    apply: Callable[[Situation], Outcome] | None = None

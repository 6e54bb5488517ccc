"""Templates as files: exports of this and of other systems are taken in with a report, and given out as the same JSON.

What a template names but the organisation does not have is kept as it is and reported: templates are often moved before the
automations, agents and reasons that they speak of.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import Count
from django.utils.module_loading import import_string

from workflows.engine.errors import WorkflowError
from workflows.models import Agent, AutomationFlow, ClosingReason, Entity, Execution, FlowTemplate
from workflows.permissions import VIEW, Actor, executions_within
from workflows.services.errors import InvalidInput
from workflows.services.templates import ABOUT, create_template, find_template

MAX_BYTES = 5 * 1024 * 1024
MAX_TEMPLATES = 200
MAX_DEPTH = 32

Json = dict[str, Any]


class Problem(StrEnum):
    """Why a file holds no templates that could be taken in."""

    TOO_LARGE = f"it is larger than {MAX_BYTES} bytes"
    NOT_JSON = "it is not valid JSON"
    TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels, or holds NUL characters"
    COUNT = f"it must hold 1 to {MAX_TEMPLATES} templates"


class BadFile(InvalidInput):
    """A file that cannot be taken in; `detail` is where its text breaks off."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__("file", f"{problem.value}: {detail}" if detail else problem.value)
        self.problem = problem
        self.detail = detail


class Remark(StrEnum):
    """Why something of a template is not what it was elsewhere; {} is what it names."""

    NOT_UNDERSTOOD = "not understood, kept as it is"
    NOT_MADE = "no automation is made of it, it is kept as it is"
    NOT_LOOKED_AT = "not looked at, kept as it is"
    NO_AUTOMATION = "there is no automation {}"
    NO_AGENT = "there is no agent {}"
    NO_JOURNEY = "journeys are not run here, the link is kept: {}"
    NO_REASON = "there is no closing reason {}"
    NO_ENTITY = "there is no entity of schema {} yet"


@dataclass(frozen=True, slots=True)
class Note:
    """What could not be mapped, and where it stands in the template."""

    place: str
    remark: Remark
    name: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.remark.value.format(self.name)}"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one template of a file: saved under an id, or refused with the reason; and what could not be mapped."""

    name: str
    template_id: str = ""
    refusal: str = ""
    notes: list[Note] = field(default_factory=list)


def import_templates(actor: Actor, content: bytes) -> list[Imported]:
    """Save each template of a file, and say what became of it. Raises BadFile for one that holds none."""
    actor.require("workflow:definition:create")
    return [_import_one(actor, document) for document in read_documents(content)]


def export_template(actor: Actor, template_id: str) -> bytes:
    """Return a template as a file that `import_templates` takes, on any system."""
    actor.require("workflow:definition:view")
    template = find_template(actor, template_id)
    document = orjson.loads(template.definition.body) | {"name": template.name, "enabled": template.enabled}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def read_documents(content: bytes) -> list[Any]:
    """Return the templates of a file: one, a list of them, or an answer that holds them under `results` or `flow`."""
    if len(content) > MAX_BYTES:
        raise BadFile(Problem.TOO_LARGE)
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadFile(Problem.NOT_JSON, str(error)) from error
    if not _is_shallow(data):
        raise BadFile(Problem.TOO_DEEP)
    for name in ("results", "flow"):
        if isinstance(data, dict) and "tasks" not in data and name in data:
            data = data[name]
    documents = data if isinstance(data, list) else [data]
    if not documents or len(documents) > MAX_TEMPLATES:
        raise BadFile(Problem.COUNT)
    return documents


def _is_shallow(value: Any, depth: int = MAX_DEPTH) -> bool:
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, dict | list) and depth == 0:
        return False
    if isinstance(value, dict):
        return all(_is_shallow(key, depth) and _is_shallow(item, depth - 1) for key, item in value.items())
    return not isinstance(value, list) or all(_is_shallow(item, depth - 1) for item in value)


def _import_one(actor: Actor, document: Any) -> Imported:
    name = str(document.get("name", "?"))[:255] if isinstance(document, dict) else "?"
    try:
        unknown = import_string(settings.TEMPLATE_CHECK)(document)
        # A stamp of another system says nothing about our versions.
        content = {key: value for key, value in document.items() if key not in ABOUT - {"enabled"}}
        template = create_template(actor, content)
    except (InvalidInput, WorkflowError) as error:
        return Imported(name, refusal=str(error))
    notes = [Note(path, Remark.NOT_UNDERSTOOD) for path in unknown if path not in ABOUT]
    return Imported(name, template.id, notes=[*notes, *find_missing(actor, content)])


def find_missing(actor: Actor, document: Json) -> Iterator[Note]:
    """Yield a note for everything that a template names and the organisation does not have, or that is not done here."""
    tasks = document["tasks"]
    flows = {f"tasks[{i}].automation_config.flow_id": _text(t, "automation_config", "flow_id") for i, t in enumerate(tasks)}
    agents = {f"tasks[{i}].agent_config.agent_id": _text(t, "agent_config", "agent_id") for i, t in enumerate(tasks)}
    journeys = {f"tasks[{i}].journey": _text(t, "journey", "journeyId") for i, t in enumerate(tasks)}
    reasons = {f"closing_reasons[{i}].id": reason["id"] for i, reason in enumerate(document.get("closing_reasons") or ())}
    schemas = dict(_schemas(document))
    yield from _notes(flows, _known(AutomationFlow, actor, flows.values()), Remark.NO_AUTOMATION)
    yield from _notes(agents, _known(Agent, actor, agents.values()), Remark.NO_AGENT)
    yield from _notes(journeys, set(), Remark.NO_JOURNEY)
    yield from _notes(reasons, _known_reasons(actor, reasons.values()), Remark.NO_REASON)
    yield from _notes(schemas, _known_schemas(actor, schemas.values()), Remark.NO_ENTITY)
    yield from _unused(document)


def _text(task: Json, part: str, name: str) -> str:
    value = (task.get(part) or {}).get(name)
    return value if isinstance(value, str) else ""


def _notes(named: Mapping[str, str], known: set[str], remark: Remark) -> Iterator[Note]:
    for place, name in named.items():
        if name and name not in known:
            yield Note(place, remark, name)


def _unused(document: Json) -> Iterator[Note]:
    """Yield what is understood but has no effect here."""
    triggers = {"trigger": document.get("trigger")}
    triggers |= {f"additional_triggers[{i}]": t for i, t in enumerate(document.get("additional_triggers") or ())}
    for place, trigger in triggers.items():
        if (trigger or {}).get("trigger_config"):
            yield Note(f"{place}.trigger_config", Remark.NOT_MADE)
    for place, task in ((f"tasks[{i}]", task) for i, task in enumerate(document["tasks"])):
        for name in ("action_config", "duplicated_flow_id"):
            if (task.get("automation_config") or {}).get(name):
                yield Note(f"{place}.automation_config.{name}", Remark.NOT_MADE)
        sources = (s["source"] for c in task.get("conditions") or () for s in c.get("statements") or ())
        if any(source.get("attribute_operation") not in (None, "all") for source in sources):
            yield Note(f"{place}.conditions.attribute_operation", Remark.NOT_LOOKED_AT)


def _known(model: type[Agent | AutomationFlow], actor: Actor, ids: Iterable[str]) -> set[str]:
    valid = []
    for text in ids:
        try:
            valid.append(UUID(text))
        except ValueError:
            continue
    if not valid:
        return set()
    rows = model._default_manager.filter(organisation=actor.organisation, pk__in=valid)
    return {str(pk) for pk in rows.values_list("pk", flat=True)}


def _known_reasons(actor: Actor, ids: Iterable[str]) -> set[str]:
    rows = ClosingReason.objects.filter(organisation=actor.organisation, pk__in=list(ids))
    return set(rows.values_list("pk", flat=True))


def _known_schemas(actor: Actor, names: Iterable[str]) -> set[str]:
    rows = Entity.objects.filter(organisation=actor.organisation, deleted_at=None, schema__in=list(names))
    return set(rows.values_list("schema", flat=True).distinct())


def _schemas(document: Json) -> Iterator[tuple[str, str]]:
    """Yield where a template names a schema of entities; each schema once."""
    seen: set[str] = set()
    places = [("trigger", document.get("trigger") or {})]
    for index, task in enumerate(document["tasks"]):
        for condition in task.get("conditions") or ():
            statements = condition.get("statements") or ()
            places += [(f"tasks[{index}].conditions", statement.get("source") or {}) for statement in statements]
    for place, holder in places:
        schema = holder.get("entity_schema") or holder.get("schema")
        if isinstance(schema, str) and schema and schema not in seen:
            seen.add(schema)
            yield f"{place}.schema {schema}", schema


@dataclass(frozen=True, slots=True)
class Listed:
    """A template with what people want to know of it at a glance; `running` counts the flows that the actor may see."""

    template: FlowTemplate
    phases: int
    tasks: int
    running: int


def list_templates(actor: Actor) -> list[Listed]:
    """Return the organisation's templates by name, for who may see them."""
    actor.require("workflow:definition:view")
    rows = FlowTemplate.objects.filter(organisation=actor.organisation, deleted_at=None).select_related("definition")
    running = count_running(actor)
    return [_listed(template, running.get(template.id, 0)) for template in rows.order_by("name", "id")[:1000]]


def _listed(template: FlowTemplate, running: int) -> Listed:
    document = orjson.loads(template.definition.body)
    return Listed(template, len(document.get("phases") or ()), len(document["tasks"]), running)


def count_running(actor: Actor) -> dict[str, int]:
    """Return how many running flows there are of each template, by its id."""
    rows = Execution.objects.filter(organisation=actor.organisation, status="STARTED", deleted_at=None)
    return dict(
        rows.filter(executions_within(actor, VIEW)).order_by().values_list("template_id").annotate(Count("pk", distinct=True))
    )

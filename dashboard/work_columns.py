"""The columns of the work board: what they are called, and what stands in them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.my_tasks import NAMES, count_words
from dashboard.people import People
from dashboard.work_view import OWN_LANES, WorkView
from dashboard.worklist import Row
from workflows.definitions import load_definition
from workflows.models import Assignment, FlowTemplate, SavedBoard
from workflows.permissions import Actor
from workflows.services.due_buckets import Bucket
from workflows.services.workboard import ME, NOBODY, STATUS_COLUMNS, Lane, all_of, assignee_item, item, status_lane
from workflows.services.worklists import open_tasks

STATUS_TITLES = {
    "PENDING": gettext_lazy("To do"),
    "IN_PROGRESS": gettext_lazy("In progress"),
    "ON_HOLD": gettext_lazy("On hold"),
    "WAITING": gettext_lazy("Waiting"),
    "FAILED": gettext_lazy("Failed"),
    "DONE": gettext_lazy("Done"),
}
# More people and processes than this are looked at by a filter.
MOST_COLUMNS = 12
NO_PHASE, OTHER_PHASES = "-", "+"


@dataclass(frozen=True, slots=True)
class TitledLane:
    """A column before it is filled."""

    lane: Lane
    title: str

    @property
    def key(self) -> str:
        return self.lane.key


@dataclass(frozen=True, slots=True)
class WorkCard:
    """A task in a column. `refused`: the columns that it cannot be moved to, with reasons."""

    row: Row
    was: str
    refused: str


@dataclass(frozen=True, slots=True)
class WorkColumn:
    """A column with its first cards."""

    key: str
    title: str
    cards: list[WorkCard]
    count: int
    more: bool
    is_done: bool = False

    @property
    def id(self) -> str:
        return column_id(self.key)

    @property
    def counted(self) -> str:
        return count_words(self.count)

    @property
    def values(self) -> str:
        """What requests from inside the column send along."""
        return json.dumps({"from": self.key})


def column_id(key: str) -> str:
    """Return a name that is one word, whatever the key."""
    return f"column-{crc32(key.encode()):08x}"


def list_lanes(
    actor: Actor, view: WorkView, people: People, templates: Mapping[str, FlowTemplate], saved: SavedBoard | None
) -> list[TitledLane]:
    """Return the columns of a view; none when columns by phase lack the one process whose phases are meant."""
    return tell_apart(_list_lanes(actor, view, people, templates, saved))


def tell_apart(lanes: Sequence[TitledLane]) -> list[TitledLane]:
    """Number the titles that occur again: processes may share a name."""
    seen: Counter[str] = Counter()
    titled = []
    for lane in lanes:
        seen[lane.title] += 1
        number = seen[lane.title]
        titled.append(replace(lane, title=f"{lane.title} ({number})") if number > 1 else lane)
    return titled


def _list_lanes(
    actor: Actor, view: WorkView, people: People, templates: Mapping[str, FlowTemplate], saved: SavedBoard | None
) -> list[TitledLane]:
    match view.by:
        case "phase":
            return _phase_lanes(view, templates)
        case "assignee":
            return _assignee_lanes(actor, view, people)
        case "due":
            return [TitledLane(Lane(bucket.value, bucket=bucket), str(NAMES[bucket])) for bucket in Bucket]
        case "template":
            return _template_lanes(view, templates)
        case by if by == OWN_LANES and saved is not None:
            return _saved_lanes(saved)
    return [TitledLane(status_lane(key), str(STATUS_TITLES[key])) for key in STATUS_COLUMNS]


def _phase_lanes(view: WorkView, templates: Mapping[str, FlowTemplate]) -> list[TitledLane]:
    template = chosen_template(view, templates)
    if template is None:
        return []
    design = load_definition(template.definition_id).data
    names = list(dict.fromkeys(str(phase["name"]) for phase in design.get("phases") or []))
    lanes = [TitledLane(Lane(name, all_of([item("phase_name", "EQUALS", name)])), name) for name in names]
    other = all_of([item("phase_name", "IS_NONE_OF", names), item("phase_id", "NOT_EMPTY")])
    lanes.append(TitledLane(Lane(OTHER_PHASES, other), _("Other phases")))
    lanes.append(TitledLane(Lane(NO_PHASE, all_of([item("phase_id", "EMPTY")])), _("No phase")))
    return lanes


def chosen_template(view: WorkView, templates: Mapping[str, FlowTemplate]) -> FlowTemplate | None:
    """Return the one process that the view is restricted to."""
    chosen = view.filters.templates
    return templates.get(chosen[0]) if len(chosen) == 1 else None


def _assignee_lanes(actor: Actor, view: WorkView, people: People) -> list[TitledLane]:
    """Nobody, the one who looks, then who has most to do, or those who are filtered by."""
    lanes = [TitledLane(Lane(NOBODY, all_of([assignee_item(NOBODY)])), _("Nobody"))]
    keys = [actor.id if key == ME else key for key in view.filters.assignees if key != NOBODY]
    if not keys:
        keys = [actor.id]
        if actor.may("kanban:all_assignee_filters"):
            keys += sorted(busy_people(actor), key=lambda key: people.find(key).name.casefold())
    return lanes + [assignee_lane(key, people) for key in list(dict.fromkeys(keys))[: MOST_COLUMNS - 1]]


def assignee_lane(key: str, people: People) -> TitledLane:
    return TitledLane(Lane(key, all_of([assignee_item(key)])), people.find(key).name)


def busy_people(actor: Actor) -> list[str]:
    """Return who has open tasks; one statement."""
    rows = Assignment.objects.filter(organisation=actor.organisation, task__in=open_tasks(actor)).exclude(assignee="")
    return list(rows.values_list("assignee", flat=True).distinct()[: MOST_COLUMNS * 4])


def _template_lanes(view: WorkView, templates: Mapping[str, FlowTemplate]) -> list[TitledLane]:
    keys = view.filters.templates or tuple(templates)
    shown = [templates[key] for key in keys if key in templates][:MOST_COLUMNS]
    return [TitledLane(Lane(t.id, all_of([item("flow_template_id", "EQUALS", t.id)])), t.name) for t in shown]


def _saved_lanes(saved: SavedBoard) -> list[TitledLane]:
    """Return the columns of a board that another system has saved; without any, everything stands in one."""
    found: Sequence[Mapping[str, object]] = saved.config.get("swimlanes") or [{"title": saved.title}]
    lanes = []
    for number, lane in enumerate(found[:MOST_COLUMNS]):
        document = lane.get("filter")
        title = str(lane.get("title") or _("Column %d") % (number + 1))
        lanes.append(TitledLane(Lane(f"lane-{number}", document if isinstance(document, dict) else None), title))
    return lanes

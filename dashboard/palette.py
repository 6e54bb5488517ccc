"""What the command palette offers: acts on a task, and everything that one can go to, found by words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from dashboard.cards import Board, Card
from dashboard.views.executions import Filters, matching
from dashboard.views.lifecycle import find_entities
from dashboard.wording import STATUS
from dashboard.worklist import read_titles
from workflows.engine.status import FINISHED, ExecutionStatus
from workflows.models import FlowTemplate
from workflows.permissions import VIEW, Actor
from workflows.services import boards
from workflows.services.tasks import ADD
from workflows.services.worklists import ORDER, open_tasks

MOST_FOUND = 5
MOST_WORDS = 100
START = "workflow:execution:trigger"
ASSIGN = "workflow:execution:task:assign"
DATE = "workflow:execution:task:update_date"
# Pages by the names of their addresses, with the right without which there is nothing to see, and other words for them.
PAGES = (
    ("my-tasks", gettext_lazy("My tasks"), VIEW, gettext_lazy("start page inbox overdue")),
    ("work-board", gettext_lazy("Board"), "kanban:view", gettext_lazy("kanban all tasks list calendar")),
    ("executions", gettext_lazy("Executions"), VIEW, gettext_lazy("flows processes")),
    ("automation", gettext_lazy("Automation"), "automation:view", gettext_lazy("runs jobs given up")),
    ("webhooks", gettext_lazy("Webhooks"), "webhook:view", gettext_lazy("endpoints messages")),
    ("agents", gettext_lazy("Agents"), "automation:view", ""),
    ("templates", gettext_lazy("Templates"), "workflow:definition:view", gettext_lazy("import export processes")),
    ("preferences", gettext_lazy("Preferences"), "", gettext_lazy("settings keyboard shortcuts")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: a place to go to (`href`), an act to send (`post` with `values`), a dialog to load (`get`), a sheet
    of one field (`edit`), or something that the page does itself (`does`)."""

    name: str
    icon: str
    note: str = ""
    href: str = ""
    post: str = ""
    values: str = ""
    get: str = ""
    edit: str = ""
    does: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    choices: list[Choice] = field(default_factory=list)


def build_palette(actor: Actor, words: str, board: Board | None, card: Card | None) -> list[Section]:
    """Return what matches the words, in groups; without words the acts, the pages and the views that were kept."""
    sections = [Section(card.task.name, matching_words(words, list(list_acts(board, card))))] if board and card else []
    sections.append(Section(_("Go to"), matching_words(words, list(list_pages(actor)))))
    sections.append(Section(_("Views"), list_views(actor, words)))
    if words:
        sections += [
            Section(_("Tasks"), list_tasks(actor, words)),
            Section(_("Executions"), list_executions(actor, words)),
            Section(_("About"), list_entities(actor, words)),
            Section(_("Processes"), list_templates(actor, words)),
        ]
    return [section for section in sections if section.choices]


def matching_words(words: str, choices: list[Choice]) -> list[Choice]:
    wanted = words.casefold().split()
    return [c for c in choices if all(word in f"{c.name} {c.note}".casefold() for word in wanted)]


def list_acts(board: Board, card: Card) -> Iterator[Choice]:
    """What can be done to a task, by the words of its menu."""
    task, ids = card.task, [board.execution.id, card.id]
    status = reverse("task-status", args=ids)
    if card.run_label:
        yield Choice(card.run_label, "AUTOMATION", post=reverse("task-run", args=ids))
    for move in card.moves:
        if move.revert:
            yield Choice(move.label, "PENDING", get=reverse("task-back", args=ids))
        else:
            values = json.dumps({"status": move.status, "was": task.status})
            yield Choice(move.label, move.status, post=status, values=values)
    if card.is_current and card.moves:
        for branch in card.branches:
            values = json.dumps({"status": "COMPLETED", "was": task.status, "branch": branch.id})
            yield Choice(f"{_('Choose')}: {branch.name}", "DECISION", post=status, values=values)
    is_open = board.execution.status != ExecutionStatus.CLOSED and task.status not in FINISHED
    if is_open and board.may(ASSIGN, task):
        if board.actor.id not in {person.id for person in card.assignees}:
            yield Choice(_("Assign to me"), "MANUAL", post=reverse("take-task", args=[card.id]), key="i")
        yield Choice(_("Assign…"), "MANUAL", edit="assignees", key="a")
    if is_open and board.may(DATE, task):
        yield Choice(_("Due date…"), "later", edit="due_date", key="d")
    if board.is_running and board.may(ADD, task):
        yield Choice(_("Add a task to its phase…"), "plus", edit="add", key="n")
    yield Choice(_("Move to…"), "after", does="move", key="m")
    yield Choice(_("Open the task"), "views", href=f"{reverse('board', args=[board.execution.id])}?task={card.id}")


def list_pages(actor: Actor) -> Iterator[Choice]:
    for name, title, right, others in PAGES:
        if not right or actor.might(right):
            yield Choice(str(title), "after", str(others), href=reverse(name))
    if actor.may(START):
        yield Choice(_("Start a flow"), "plus", get=reverse("start"))
    yield Choice(_("Keyboard shortcuts"), "views", does="keys", key="?")
    yield Choice(_("Take back what I did last"), "before", post=reverse("undo-last"), key="z")


def list_views(actor: Actor, words: str) -> list[Choice]:
    if not actor.may("kanban:view"):
        return []
    rows = boards.visible_boards(actor).prefetch_related(None)
    for word in words.split()[:5]:
        rows = rows.filter(title__icontains=word)
    found = rows.order_by("title", "id").values_list("id", "title")[:MOST_FOUND]
    return [Choice(title, "views", href=f"{reverse('work-board')}?{urlencode({'saved': pk})}") for pk, title in found]


def list_tasks(actor: Actor, words: str) -> list[Choice]:
    """Open tasks, the most urgent first, and a way to all others."""
    rows = open_tasks(actor).select_related("execution").only("name", "status", "execution__name", "due_at")
    for word in words.split()[:5]:
        rows = rows.filter(Q(name__icontains=word) | Q(execution__name__icontains=word))
    tasks = list(rows.order_by(*ORDER)[:MOST_FOUND])
    titles = read_titles(actor, {task.execution_id for task in tasks})
    found = [
        Choice(
            task.name,
            task.status,
            " · ".join(part for part in (titles.get(task.execution_id, ""), task.execution.name) if part),
            href=f"{reverse('board', args=[task.execution_id])}?task={task.id}",
        )
        for task in tasks
    ]
    if actor.may("kanban:view"):
        query = urlencode({"by": "status", "show": "all", "view": "list", "q": words})
        found.append(Choice(_("All tasks with “%s”") % words, "search", href=f"{reverse('work-board')}?{query}"))
    return found


def list_executions(actor: Actor, words: str) -> list[Choice]:
    rows = list(matching(actor, Filters(name=words)).defer("extra")[:MOST_FOUND])
    titles = read_titles(actor, {row.id for row in rows})
    return [
        Choice(
            row.name,
            "views",
            " · ".join(part for part in (titles.get(row.id, ""), str(STATUS[row.status])) if part),
            href=reverse("board", args=[row.id]),
        )
        for row in rows
    ]


def list_entities(actor: Actor, words: str) -> list[Choice]:
    if not (actor.may("entity:view") and actor.may("kanban:view")):
        return []
    query = {"by": "status", "show": "all"}
    return [
        Choice(row.title, "MANUAL", row.schema, href=f"{reverse('work-board')}?{urlencode(query | {'entity': str(row.id)})}")
        for row in find_entities(actor, words)[:MOST_FOUND]
    ]


def list_templates(actor: Actor, words: str) -> list[Choice]:
    if not (actor.may("workflow:definition:view") and actor.may("kanban:view")):
        return []
    rows = FlowTemplate.objects.filter(organisation=actor.organisation, deleted_at=None)
    for word in words.split()[:5]:
        rows = rows.filter(name__icontains=word)
    note = pgettext("where a process leads in the palette", "its tasks by phase")
    return [
        Choice(name, "DECISION", note, href=f"{reverse('work-board')}?{urlencode({'by': 'phase', 'template': pk})}")
        for pk, name in rows.order_by("name", "id").values_list("id", "name")[:MOST_FOUND]
    ]

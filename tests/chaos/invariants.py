"""What must be true after every experiment, asked of all rows and of all that arrived outside. Each answers with what breaks it."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q
from django.utils import timezone

from tests.chaos import flows
from tests.chaos.hooks.apps import LEASE
from tests.chaos.load import Load
from tests.chaos.sink import Receipt
from workflows.models import (
    AutomationAction,
    AutomationExecution,
    ContextRef,
    Edge,
    Entity,
    Event,
    Execution,
    Job,
    JobState,
    Phase,
    Task,
)

Broken = list[str]
MANY = 5


def check(load: Load | None, receipts: list[Receipt]) -> dict[str, Broken]:
    """Return what is broken by the invariant's name; empty when nothing is."""
    found: dict[str, Broken] = {}
    for name, ask in INVARIANTS.items():
        found[name] = ask()
    found["I6 every effect arrived, under one id"] = effects(receipts)
    if load is not None:
        found["I8 what was acknowledged is in the history"] = acknowledged(load)
        found["I9 a start that was sent again happens once"] = sent_again(load)
    return {
        name: broken[:MANY] + ([f"and {len(broken) - MANY} more"] if len(broken) > MANY else [])
        for name, broken in found.items()
        if broken
    }


def completed_twice() -> Broken:
    completions = Event.objects.filter(action="task.status", after__status="COMPLETED").values("task_id")
    return [f"task {row['task_id']} completed {row['n']} times" for row in completions.annotate(n=Count("id")).filter(n__gt=1)]


def entered_once() -> Broken:
    """Flows of experiments have no loops: a join, like every task, becomes current once."""
    entries = Event.objects.filter(action="task.current").values("task_id").annotate(n=Count("id")).filter(n__gt=1)
    broken = [f"task {row['task_id']} became current {row['n']} times" for row in entries]
    done = Task.objects.filter(execution__status="DONE", template_id__in=flows.JOINS)
    entered = Event.objects.filter(action="task.current", task_id=OuterRef("id"))
    return broken + [f"the join {task} never fired" for task in done.filter(~Exists(entered)).values_list("id", flat=True)]


def no_marker_at_the_end() -> Broken:
    left = Task.objects.filter(crt_since__isnull=False).exclude(execution__status="STARTED")
    return [f"task {key} is current in an execution that has ended" for key in left.values_list("id", flat=True)]


def nothing_stuck() -> Broken:
    """An execution that goes on has a task for a person, a job, or a run that has one."""
    at_work = Job.objects.filter(state__in=[JobState.READY, JobState.RUNNING])
    tasks = Task.objects.filter(execution=OuterRef("id"), crt_since__isnull=False)
    waiting = tasks.filter(Q(task_type="MANUAL") | Q(status__in=["FAILED", "PENDING", "SCHEDULED"]))
    stuck = []
    for execution in Execution.objects.filter(status="STARTED").filter(~Exists(waiting)):
        runs = AutomationExecution.objects.filter(workflow_execution_id=execution.id).values_list("id", flat=True)
        subjects = [*Task.objects.filter(execution=execution).values_list("id", flat=True), *runs]
        if not at_work.filter(Q(subject__in=subjects) | Q(payload__execution_id=str(execution.id))).exists():
            stuck.append(f"execution {execution.id}: nothing will move it")
    return stuck


def history_without_gaps() -> Broken:
    rows = Event.objects.values("execution_id").annotate(n=Count("id"), last=Max("seq"), next=Max("execution__next_seq"))
    broken = rows.filter(~Q(n=F("last")) | ~Q(next=F("last") + 1))
    return [f"execution {r['execution_id']}: {r['n']} events up to {r['last']}, next is {r['next']}" for r in broken]


def no_lease_long_past() -> Broken:
    late = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=timezone.now() - 2 * LEASE)
    return [f"job {job} runs without a lease" for job in late.values_list("id", flat=True)]


def nothing_forgotten() -> Broken:
    """While nobody is at work, no job that is due waits for long. In a backlog a job may wait: then others are being done."""
    recent = timezone.now() - 2 * LEASE
    if Job.objects.filter(Q(state=JobState.RUNNING) | Q(finished_at__gt=recent)).exists():
        return []
    late = Job.objects.filter(state=JobState.READY, run_at__lt=timezone.now() - 6 * LEASE)
    return [f"job {job.kind} {job.pk} is due since {job.run_at}, and nobody is at work" for job in late]


def started_once() -> Broken:
    """One run for each task's automation, one flow for each run that starts one."""
    runs = AutomationExecution.objects.filter(workflow_task_id__isnull=False).values("workflow_task_id").annotate(n=Count("id"))
    broken = [f"task {row['workflow_task_id']} has {row['n']} runs" for row in runs.filter(n__gt=1)]
    chains = Execution.objects.filter(trigger="AUTOMATIC").values_list("extra__execution_chain__parent_task_id", flat=True)
    return broken + [f"task {task} started {n} flows" for task, n in Counter(chains).items() if n > 1]


def sent_again(load: Load) -> Broken:
    """Every start was answered in the end, each with an execution of its own, and there is no other one."""
    told = Counter(execution for execution, _ in load.started)
    own = Execution.objects.exclude(trigger="AUTOMATIC").values_list("id", flat=True)
    broken = [f"{n} starts are execution {execution}" for execution, n in told.items() if n > 1]
    if load.unanswered:
        return broken
    return broken + [f"execution {key} was never asked for" for key in map(str, own) if key not in told]


def one_organisation() -> Broken:
    pairs: list[tuple[Any, str]] = [
        (Task, "execution"), (Event, "execution"), (ContextRef, "execution"), (AutomationAction, "execution"), (AutomationExecution, "flow"),
        (Execution, "template"),
    ]  # fmt: skip
    return [
        f"{model.__name__} {row.pk} is not its {parent}'s organisation's"
        for model, parent in pairs
        for row in model.objects.exclude(organisation=F(f"{parent}__organisation"))
    ]


def parts_of_one_execution() -> Broken:
    broken = [f"task {pk} is in a phase of another execution" for pk in _foreign(Task, "phase__execution")]
    return broken + [f"edge {pk} leads out of its execution" for pk in _foreign(Edge, "source__execution")]


def _foreign(model: Any, path: str) -> Iterable[Any]:
    return model.objects.filter(**{f"{path}__isnull": False}).exclude(execution=F(path)).values_list("pk", flat=True)


def notes_exactly_once() -> Broken:
    """What is written inside is written once, however often its job was run."""
    done = Execution.objects.filter(status="DONE", name="Twenty").values_list("id", flat=True)
    about = ContextRef.objects.filter(execution_id__in=done, is_primary=True).values_list("entity_id", "execution__name")
    notes = dict(Entity.objects.values_list("id", "attributes__notes"))
    return [
        f"entity {entity}: {dict(Counter(notes[entity]))} instead of {flows.NOTES}"
        for entity, _ in about
        if dict(Counter(notes[entity])) != flows.NOTES
    ]


def nothing_given_up() -> Broken:
    dead = Job.objects.filter(state=JobState.DEAD).exclude(kind__startswith="poison")
    return [f"job {job.kind} {job.pk} is dead: {job.last_error}" for job in dead]


def every_end_as_designed() -> Broken:
    """The plain expectation for these flows: each task completed, but on the branch not taken, and the execution done."""
    broken = [f"execution {e.id} is {e.status}" for e in Execution.objects.exclude(status="DONE")]
    wrong = Task.objects.exclude(status="COMPLETED").exclude(template_id__in=flows.NOT_TAKEN, status="PENDING")
    return broken + [f"task {task.template_id} of {task.execution_id} is {task.status}" for task in wrong]


def effects(receipts: list[Receipt]) -> Broken:
    """Nothing lost, nothing under a second id, nothing that no job has sent."""
    arrived = {receipt.id for receipt in receipts}
    expected = {
        f"msg_{key}" for key in Job.objects.filter(kind="deliver_webhook", state=JobState.DONE).values_list("id", flat=True)
    }
    called = AutomationAction.objects.filter(type="trigger-webhook", status="success", outputs__status=200)
    expected |= {f"msg_{key}" for key in called.values_list("job_id", flat=True)}
    broken = [f"effect {effect} never arrived" for effect in expected - arrived]
    names: dict[tuple[str, str], set[str]] = {}
    for receipt in receipts:
        about = receipt.body.get("metadata") or {}
        names.setdefault((about.get("execution_id", ""), about.get("action_id", "")), set()).add(receipt.id)
    broken += [f"action {action} came under {len(ids)} ids" for (_, action), ids in names.items() if len(ids) > 1]
    jobs = {f"msg_{key}" for key in Job.objects.values_list("id", flat=True)}
    return broken + [f"{effect} arrived, and no job has sent it" for effect in arrived - jobs]


def acknowledged(load: Load) -> Broken:
    started = {str(key) for key in Execution.objects.values_list("id", flat=True)}
    broken = [f"execution {key} was acknowledged and is not there" for key, _ in load.started if key not in started]
    completed = Event.objects.filter(action="task.status", after__status="COMPLETED").values_list("task_id", flat=True)
    kept = {str(key) for key in completed}
    return broken + [f"task {key}'s completion was acknowledged and is not there" for key in load.completed if key not in kept]


INVARIANTS: dict[str, Callable[[], Broken]] = {
    "I1 no task completes twice": completed_twice,
    "I2 joins fire once": entered_once,
    "I3 what has ended has no current task": no_marker_at_the_end,
    "I4 nothing is stuck": nothing_stuck,
    "I5 the history has no gaps": history_without_gaps,
    "I7 no lease is long past": no_lease_long_past,
    "I7 no job that is due is forgotten": nothing_forgotten,
    "I9 each start happens once": started_once,
    "I10 one organisation": one_organisation,
    "I10 one execution": parts_of_one_execution,
    "exactly once inside": notes_exactly_once,
    "nothing is given up": nothing_given_up,
    "every execution ends as designed": every_end_as_designed,
}


def duplicates(receipts: list[Receipt]) -> int:
    """How many messages arrived again."""
    return len(receipts) - len({receipt.id for receipt in receipts})


def no_more_than_attempts(receipts: list[Receipt]) -> dict[str, Broken]:
    """A message comes as often as the job that sends it was begun, and no oftener."""
    attempts = {f"msg_{key}": attempt for key, attempt in Job.objects.values_list("id", "attempt")}
    counts = Counter(receipt.id for receipt in receipts)
    broken = [f"{key} came {n} times in {attempts[key]} attempts" for key, n in counts.items() if n > attempts.get(key, n)]
    return {"a message comes once for each attempt": broken} if broken else {}


def crashes() -> int:
    return sum(Job.objects.values_list("crashes", flat=True))


def quiet_since(seconds: float) -> bool:
    recent = timezone.now() - timedelta(seconds=seconds)
    return (
        not Job.objects.filter(state__in=[JobState.READY, JobState.RUNNING]).exists()
        and not Phase.objects.filter(updated_at__gt=recent).exists()
    )

"""Marks: short texts that become others when something has changed. They are found by indexes, without a look at tasks, but for
those who may see some tasks only.

A page asks every few seconds whether it is still true; mostly it is, and then a mark is all that is read. Nothing is counted up
for them: a counter for a whole organisation would make its writers wait for each other.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, FilteredRelation, Max, Q, Sum
from django.utils import timezone

from workflows.models import AgentRun, AutomationAction, AutomationExecution, Event, Execution, Job, Organisation
from workflows.permissions import VIEW, Actor, executions_within
from workflows.services.errors import NotFound
from workflows.services.presence import EXPIRES

# The history is not committed in the order of its times. What is committed late, by a transaction that took this long or on a
# machine whose clock differs, still changes the number of the events since.
LATE = timedelta(seconds=30)


def organisation_mark(organisation: Organisation, now: datetime | None = None) -> str:
    """Return a mark of everything that happens to the executions of an organisation: its last moment, and how much was then."""
    events = Event.objects.filter(organisation=organisation)
    at = events.filter(at__lte=now or timezone.now()).order_by("-at").values_list("at", flat=True).first()
    if at is None:
        return "0"
    return f"{at.isoformat()}~{events.filter(at__gte=at - LATE).count()}"


def execution_mark(actor: Actor, execution_id: UUID, now: datetime | None = None) -> str:
    """Return a mark of an execution, of its machines' runs that go on, and of who else looks at it. Raises NotFound."""
    rows = Execution.objects.filter(pk=execution_id, organisation=actor.organisation, deleted_at=None)
    present = FilteredRelation("viewers", condition=Q(viewers__seen_at__gt=(now or timezone.now()) - EXPIRES))
    looked_at = rows.filter(executions_within(actor, VIEW)).annotate(present=present)
    found = looked_at.order_by("present__user_id").values_list("version", "next_seq", "present__user_id")
    if not found:
        raise NotFound
    others = ",".join(str(user) for _version, _seq, user in found if user and str(user) != actor.id)
    version, seq, _user = found[0]
    return f"{version}.{seq}.{others}.{runs_mark(execution_id)}"


def viewers_in(mark: str) -> list[str]:
    """Return the ids of those who look at an execution besides the one for whom its mark was made."""
    return [user for user in mark.split(".")[2].split(",") if user]


def runs_mark(execution_id: UUID) -> str:
    """Return a mark of the runs of an execution's machines that have not ended: of their actions, tries and waiting times.

    The end of a run changes the execution itself.
    """
    runs = AutomationExecution.objects.filter(workflow_execution_id=execution_id, finished_at=None)
    agents = AgentRun.objects.filter(workflow_execution_id=execution_id)
    going = list(runs.values_list("pk", flat=True).union(agents.values_list("pk", flat=True)))
    if not going:
        return ""
    jobs = Job.objects.filter(subject__in=going).aggregate(
        tries=Sum("attempt"), due=Max("run_at"), ended=Count("pk", filter=Q(finished_at__isnull=False)), all=Count("pk")
    )
    acted = AutomationAction.objects.filter(execution__in=going).aggregate(at=Max("updated_at"))["at"]
    times = [f"{moment.timestamp():.3f}" if moment else "" for moment in (jobs["due"], acted)]
    return "-".join([str(jobs["tries"] or 0), str(jobs["ended"]), str(jobs["all"]), *times])

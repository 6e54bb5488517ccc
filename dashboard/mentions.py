"""Where a person was mentioned: what they have not read yet, and what they read last."""

from dataclasses import dataclass

from django.db.models import F
from django.urls import reverse
from django.utils.text import Truncator

from dashboard.wording import describe_moment
from workflows.models import Mention, Task
from workflows.permissions import Actor
from workflows.services.comments import mentions_of

MOST_UNREAD, MOST_READ = 20, 10


@dataclass(frozen=True, slots=True)
class Called:
    """A mention: who wrote what, where and when."""

    id: int
    who: str
    text: str
    place: str
    address: str
    iso: str
    when: str


@dataclass(frozen=True, slots=True)
class Mentions:
    unread: list[Called]
    read: list[Called]
    has_more: bool

    @property
    def counted(self) -> str:
        return f"{MOST_UNREAD}+" if self.has_more else str(len(self.unread))


def load_mentions(actor: Actor) -> Mentions:
    """Return a person's mentions; one statement, and one for the names of tasks where there are any."""
    rows = mentions_of(actor).select_related("comment__author", "comment__execution")
    # Those that are not read come first.
    latest = list(rows.order_by(F("read_at").desc(nulls_first=True), "-id")[: MOST_UNREAD + MOST_READ])
    unread = [mention for mention in latest if mention.read_at is None]
    read = [mention for mention in latest if mention.read_at is not None][:MOST_READ]
    shown = [*unread[:MOST_UNREAD], *read]
    ids = [mention.comment.task_id for mention in shown if mention.comment.task_id]
    tasks = dict(Task.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    found = [describe_mention(mention, tasks.get(mention.comment.task_id, "")) for mention in shown]
    count = min(len(unread), MOST_UNREAD)
    return Mentions(found[:count], found[count:], len(unread) > MOST_UNREAD)


def describe_mention(mention: Mention, task: str) -> Called:
    comment = mention.comment
    about = f"?task={comment.task_id}" if task else "?view=timeline"
    return Called(
        id=mention.pk,
        who=str(comment.author),
        text=Truncator(" ".join(comment.text.split())).chars(160),
        place=f"{task} · {comment.execution.name}" if task else comment.execution.name,
        address=reverse("board", args=[comment.execution_id]) + about,
        iso=comment.created_at.isoformat(),
        when=describe_moment(comment.created_at),
    )

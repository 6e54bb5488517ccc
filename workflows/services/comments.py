"""Comments on executions and tasks: written, changed and taken back by their authors; the history keeps every text.

People are mentioned by @ and their handle: the name, or the e-mail address where two people share one.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.models import ActorKind, Comment, Mention, Organisation, Task, User
from workflows.models.rows import insert_rows
from workflows.permissions import VIEW, Actor, PermissionRefused, tasks_within
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import Step, lock_execution, parse_id
from workflows.services.transactions import in_transaction

RIGHT = "workflow:execution:task:notes"
MAX_TEXT = 10_000
MOST_OFFERED = 8


@in_transaction
def add_comment(
    actor: Actor, execution_id: str | UUID, text: str, task_id: str | UUID | None = None, now: datetime | None = None
) -> Comment:
    """Write a comment on a task, or on the execution as a whole."""
    actor.require_some(RIGHT)
    author = _author(actor)
    words = _clean(text)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id) if task_id else None
    step.require(RIGHT, task)
    comment = Comment.objects.create(
        organisation=actor.organisation,
        execution=step.execution,
        task_id=task.id if task else None,
        author=author,
        text=words,
        created_at=step.now,
    )
    _write_mentions(comment)
    step.record("comment.added", None, {"comment_id": str(comment.id), "text": words}, task=task)
    step.save()
    return comment


@in_transaction
def edit_comment(actor: Actor, comment_id: str | UUID, text: str, now: datetime | None = None) -> Comment:
    """Change one's own comment. Who is still mentioned has not to read it again; the same text changes nothing."""
    words = _clean(text)
    step, comment = _lock_own(actor, comment_id, now)
    if words == comment.text:
        return comment
    _record(step, comment, "comment.edited", words)
    comment.text, comment.edited_at = words, step.now
    comment.save(update_fields=["text", "edited_at"])
    _write_mentions(comment)
    step.save()
    return comment


@in_transaction
def delete_comment(actor: Actor, comment_id: str | UUID, now: datetime | None = None) -> Comment:
    """Take one's own comment back."""
    step, comment = _lock_own(actor, comment_id, now)
    _record(step, comment, "comment.deleted", None)
    comment.deleted_at = step.now
    comment.save(update_fields=["deleted_at"])
    step.save()
    return comment


def _record(step: Step, comment: Comment, action: str, words: str | None) -> None:
    after = {"comment_id": str(comment.id)} | ({} if words is None else {"text": words})
    step.record(action, {"text": comment.text}, after, task=step.find_task(comment.task_id) if comment.task_id else None)


def _lock_own(actor: Actor, comment_id: str | UUID, now: datetime | None) -> tuple[Step, Comment]:
    """Lock a comment's execution and read the comment; it must be the actor's own and not taken back. Raises NotFound."""
    actor.require_some(RIGHT)
    rows = Comment.objects.filter(pk=parse_id(comment_id), organisation=actor.organisation, deleted_at=None)
    execution_id = rows.values_list("execution_id", flat=True).first()
    if execution_id is None:
        raise NotFound
    step = lock_execution(actor, execution_id, now or timezone.now())
    comment = rows.first()
    if comment is None:
        raise NotFound
    if not is_own(actor, comment):
        raise PermissionRefused(RIGHT)
    return step, comment


def is_own(actor: Actor, comment: Comment) -> bool:
    return actor.kind is ActorKind.USER and str(comment.author_id) == actor.id


def _author(actor: Actor) -> User:
    if actor.kind is not ActorKind.USER:
        raise PermissionRefused(RIGHT)
    return User.objects.get(pk=actor.id)


def _clean(text: str) -> str:
    words = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not words:
        raise InvalidInput("text", "a comment needs one")
    if len(words) > MAX_TEXT:
        raise InvalidInput("text", f"at most {MAX_TEXT} characters")
    return words


# --- mentions -------------------------------------------------------------------------------------------------------------


def handles(organisation: Organisation) -> dict[str, User]:
    """Return the people of an organisation by what they are mentioned by; one query."""
    people = list(User.objects.filter(memberships__organisation=organisation, is_active=True).order_by("name", "pk"))
    shared = Counter(str(person).casefold() for person in people)
    return {str(person) if shared[str(person).casefold()] == 1 else person.email: person for person in people}


def find_mentioned(text: str, known: Mapping[str, User]) -> dict[str, User]:
    """Return who is mentioned in a text, by the handle as it is written there; the longest name counts."""
    by_handle = {handle.casefold(): user for handle, user in known.items()}
    pattern = mention_pattern(known)
    return {match[1]: by_handle[match[1].casefold()] for match in pattern.finditer(text)} if pattern else {}


def mention_pattern(names: Collection[str]) -> re.Pattern[str] | None:
    """Return what finds mentions of these names in a text; None for no names."""
    longest = sorted(names, key=len, reverse=True)
    if not longest:
        return None
    return re.compile(rf"(?<![\w@.])@({'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


def _write_mentions(comment: Comment) -> None:
    """Bring the mentions in line with the text."""
    found = find_mentioned(comment.text, handles(comment.organisation)) if "@" in comment.text else {}
    wanted = {user.pk: handle for handle, user in found.items()}
    old = set(comment.mentions.values_list("user_id", flat=True))
    comment.mentions.exclude(user_id__in=wanted).delete()
    insert_rows([Mention(comment=comment, user_id=pk, handle=handle) for pk, handle in wanted.items() if pk not in old])


def suggest_people(actor: Actor, words: str) -> list[tuple[str, User]]:
    """Return people whose name or address has a word that begins so, with their handles."""
    actor.require_some(RIGHT)
    wanted = words.casefold().strip()
    found = [
        (handle, person)
        for handle, person in handles(actor.organisation).items()
        if any(text.casefold().startswith(wanted) for text in (handle, person.email, *str(person).split()))
    ]
    return found[:MOST_OFFERED]


def mentions_of(actor: Actor) -> QuerySet[Mention]:
    """Return the mentions of a person in comments that stand and that they may see, the latest first."""
    if actor.kind is not ActorKind.USER or not actor.might(VIEW):
        return Mention.objects.none()
    rows = Mention.objects.filter(user_id=int(actor.id), comment__organisation=actor.organisation, comment__deleted_at=None)
    rows = rows.filter(comment__execution__deleted_at=None).order_by("-id")
    if actor.may(VIEW):
        return rows
    # Whoever sees some tasks only sees what is said about these only.
    seen = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation)
    return rows.filter(comment__task_id__in=seen.values("pk"))


@in_transaction
def read_mentions(actor: Actor, ids: Sequence[int] | None = None, now: datetime | None = None) -> int:
    """Mark one's own mentions as read, all of them without `ids`; return how many were not."""
    rows = mentions_of(actor).filter(read_at=None)
    wanted = Q(pk__in=list(ids)) if ids is not None else Q()
    return Mention.objects.filter(pk__in=list(rows.filter(wanted).values_list("pk", flat=True))).update(
        read_at=now or timezone.now()
    )

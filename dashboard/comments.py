"""Comments ready to show: plain text in which links and mentions are found, and nothing else."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard.cards import Board
from dashboard.people import initials
from dashboard.wording import describe_moment
from workflows.models import Comment
from workflows.permissions import Actor, may_on_execution
from workflows.services.comments import RIGHT, is_own, mention_pattern

MOST_SHOWN = 100
LINK = re.compile(r"https?://[^\s<>\"“”]+", re.IGNORECASE)
# What ends a sentence belongs to the sentence, and not to a link at its end.
AFTER_LINK = ".,;:!?)]}'’"


@dataclass(frozen=True, slots=True)
class Said:
    """A comment as it is shown."""

    id: UUID
    who: str
    initials: str
    at: datetime
    when: str
    edited: str
    html: SafeString
    is_own: bool


def load_comments(board: Board, task_id: UUID) -> list[Said]:
    """Return the latest comments on a task, the oldest first; two statements."""
    rows = Comment.objects.filter(task_id=task_id, execution_id=board.execution.id, deleted_at=None)
    return list(reversed(show_comments(board.actor, rows.order_by("-created_at", "-id")[:MOST_SHOWN])))


def find_comments(board: Board, ids: Collection[str]) -> dict[str, Said]:
    """Return those of the comments that were not taken back, by id; two statements, none for no ids."""
    if not ids:
        return {}
    rows = Comment.objects.filter(pk__in=ids, execution_id=board.execution.id, deleted_at=None)
    return {str(said.id): said for said in show_comments(board.actor, rows)}


def show_comments(actor: Actor, rows: Any) -> list[Said]:
    return [show_comment(actor, row) for row in rows.select_related("author").prefetch_related("mentions")]


def show_comment(actor: Actor, comment: Comment) -> Said:
    return Said(
        id=comment.id,
        who=str(comment.author),
        initials=initials(str(comment.author)),
        at=comment.created_at,
        when=describe_moment(comment.created_at),
        edited=describe_moment(comment.edited_at) if comment.edited_at else "",
        html=render_text(comment.text, [mention.handle for mention in comment.mentions.all()]),
        is_own=is_own(actor, comment),
    )


def may_comment(board: Board) -> bool:
    """Whether the person may write about the execution as a whole."""
    return may_on_execution(board.actor, RIGHT, board.execution.id)


def render_text(text: str, mentioned: Collection[str]) -> SafeString:
    """Return a text as HTML: escaped, with its links, mentions and line breaks."""
    return format_html_join("", "{}", ((part,) for part in _parts(text, mentioned)))


def _parts(text: str, mentioned: Collection[str]) -> Iterator[SafeString]:
    at = 0
    for match in LINK.finditer(text):
        address = match[0].rstrip(AFTER_LINK)
        yield from _words(text[at : match.start()], mentioned)
        yield format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', address, address)
        at = match.start() + len(address)
    yield from _words(text[at:], mentioned)


def _words(text: str, mentioned: Collection[str]) -> Iterator[SafeString]:
    pattern = mention_pattern(mentioned)
    at = 0
    for match in pattern.finditer(text) if pattern else ():
        yield from _lines(text[at : match.start()])
        yield format_html('<span class="mention">{}</span>', match[0])
        at = match.end()
    yield from _lines(text[at:])


def _lines(text: str) -> Iterable[SafeString]:
    lines = text.split("\n")
    yield escape(lines[0])
    for line in lines[1:]:
        yield format_html("<br>{}", line)

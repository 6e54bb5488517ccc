"""What browsers say and hear beside their pages: who is there, and that something has changed."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import get_language, override
from django.views.decorators.http import require_GET, require_POST

from dashboard.live import Subject, streams
from dashboard.requests import Request
from workflows.permissions import VIEW
from workflows.services import presence
from workflows.services.errors import NotFound

LOOK_EVERY = 1.0
HEARTBEAT = 15.0
# The browser comes back by itself, and is asked again who it is.
LASTS = 300.0


@require_POST
def save_presence(request: Request, execution_id: UUID) -> HttpResponse:
    """Say that the person is there, or with `left` that they have gone."""
    if request.POST.get("left"):
        presence.leave(request.user, execution_id)
    else:
        presence.enter(request.actor, request.user, execution_id)
    return HttpResponse(status=204)


@require_GET
def stream(request: Request, execution_id: UUID | None = None) -> HttpResponseBase:
    """Send the mark of a page whenever it becomes another one: no content, which everybody fetches with their own rights."""
    request.actor.require_some(VIEW)
    if not streams(request):
        raise NotFound
    subject = Subject(request.actor, execution_id)
    subject.mark()
    events = follow(subject, get_language() or "", request.headers.get("Last-Event-ID", ""))
    return StreamingHttpResponse(events, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def follow(subject: Subject, language: str, last: str) -> AsyncIterator[str]:
    """Yield an event at once and whenever the mark is another one than the last; in quiet times a comment keeps the way open."""
    end = time.monotonic() + LASTS
    spoke = 0.0
    while time.monotonic() < end:
        try:
            mark = await sync_to_async(read_mark, thread_sensitive=False)(subject, language)
        except NotFound:
            yield "event: gone\ndata:\n\n"
            return
        if mark != last:
            last, spoke = mark, time.monotonic()
            yield f"id: {mark}\ndata: {mark}\n\n"
        elif time.monotonic() - spoke > HEARTBEAT:
            spoke = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY)


def read_mark(subject: Subject, language: str) -> str:
    """Read in a thread of the loop, which nobody tells when a request ends: it keeps no connection."""
    try:
        with override(language):
            return subject.mark()
    finally:
        connection.close()
